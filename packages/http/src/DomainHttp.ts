import type { Needs } from "@halles/entities/routes/Routes"
import { Effect, Layer } from "effect"
import { HttpApiBuilder, type HttpApiGroup } from "effect/http-api"
import { Api, type DomainApi, routes } from "./Api.ts"

interface Handlers {
  readonly handleAll: (handlers: object) => Handlers
}
/** The builder's types are those of one group at a time; each domain's own types have held its handlers to its endpoints. */
const group = HttpApiBuilder.group as unknown as (
  api: typeof Api,
  name: string,
  build: (handlers: Handlers) => Effect.Effect<Handlers, never, Needs>
) => Layer.Layer<HttpApiGroup.ToService<"halles", DomainApi>, never, Needs>

const [first, ...others] = routes.map(({ handlers, name }) =>
  group(Api, name, (builder) => Effect.map(handlers, (all) => builder.handleAll(all)))
)
/** Carries out the routes of all domains. */
export const DomainHttp = Layer.mergeAll(first!, ...others)
