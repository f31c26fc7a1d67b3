import { domains } from "@halles/entities/Domains"
import { laptopIssuer } from "@halles/entities/routes/Edge"
import { Example } from "@halles/shared/wire/Operation"
import { Context } from "effect"
import { HttpApi, type HttpApiEndpoint, type HttpApiGroup, OpenApi } from "effect/http-api"
import { Access } from "./access/Access.ts"
import { PartnerKeyApi } from "./access/PartnerKeyApi.ts"
import { ruleOf } from "./access/Policy.ts"
import * as SecuritySchemes from "./access/SecuritySchemes.ts"
import { FaultApi } from "./admission/FaultApi.ts"
import { BulkApi } from "./bulk/BulkApi.ts"
import { HealthApi } from "./health/HealthApi.ts"
import { WebhookApi } from "./notices/PartnerNoticeApi.ts"
import * as Document from "./openapi/Document.ts"
import { introduction } from "./openapi/Introduction.ts"
import { Refusals } from "./problems/RequestRefusals.ts"
import { SearchApi } from "./search/SearchApi.ts"
import { SubscriptionApi } from "./webhooks/SubscriptionApi.ts"

type RoutesOf<D> = D extends { readonly routes: infer R } ? Exclude<R, null> : never
type ApiOf<R> = R extends { readonly api: infer A } ? A : never
export type DomainApi = ApiOf<RoutesOf<(typeof domains)[number]>>

/** In the order in which a newcomer meets them; those of other domains follow. */
const reading = ["carts", "orders", "customers", "skus", "catalog"]
const placeOf = (name: string): number => (reading.includes(name) ? reading.indexOf(name) : reading.length)

/** The routes of all domains. */
export const routes = domains
  .flatMap(({ routes }) => (routes === null ? [] : [routes]))
  .toSorted((a, b) => placeOf(a.name) - placeOf(b.name))

/** By operation id, what stands beside the endpoints. */
const beside = <A>(of: (endpoint: HttpApiEndpoint.Top) => A): ReadonlyMap<string, A> =>
  new Map(
    Object.values(Api.groups as unknown as Readonly<Record<string, HttpApiGroup.Top>>).flatMap(
      ({ endpoints, identifier }) =>
        Object.values(endpoints as Readonly<Record<string, HttpApiEndpoint.Top>>).map(
          (endpoint) => [`${identifier}.${endpoint.identifier}`, of(endpoint)] as const
        )
    )
  )

const completed = (issuer: string) => (spec: object) =>
  Document.complete(
    SecuritySchemes.secured(spec as OpenApi.OpenAPISpec, issuer, beside(ruleOf)),
    beside(({ annotations }) => Context.getOrUndefined(annotations, Example))
  )

/** The whole contract of the edge: routes, documents, a typed client and the OpenAPI page all come from it. */
export class Api extends HttpApi.make("halles")
  .add(
    ...(routes.map(({ api }) => api) as unknown as readonly [DomainApi]),
    BulkApi,
    SearchApi,
    SubscriptionApi,
    WebhookApi,
    PartnerKeyApi,
    FaultApi,
    HealthApi
  )
  .middleware(Refusals)
  .middleware(Access)
  .annotate(HttpApi.ParseOptions, { errors: "all", onExcessProperty: "error" })
  .annotate(HttpApi.HeadersParseOptions, { errors: "all" })
  .annotate(HttpApi.SuccessParseOptions, {})
  .annotate(HttpApi.ErrorParseOptions, {})
  .annotateMerge(
    OpenApi.annotations({
      title: "Halles",
      version: "1",
      description: introduction,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" } as never,
      transform: completed(laptopIssuer)
    })
  ) {}

/** The contract whose document names this issuer. */
export const documented = (issuer: string) => Api.annotate(OpenApi.Transform, completed(issuer))
