import { Effect } from "effect"
import { HttpRouter, HttpServerRequest, type HttpServerResponse } from "effect/http"
import { Credentials } from "./Credentials.ts"
import { Principal } from "@halles/shared/wire/Principal"

/** Says who sends a request, to all that comes after: rate limits, `Access`, handlers, logs. It refuses nobody itself. */
export const Authentication = HttpRouter.middleware(
  Effect.map(
    Credentials,
    ({ principalOf }) =>
      (answered: Effect.Effect<HttpServerResponse.HttpServerResponse, unknown, HttpRouter.GlobalProvided>) =>
        Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) =>
          headers["authorization"] === undefined && headers["x-api-key"] === undefined
            ? answered
            : Effect.flatMap(principalOf(headers), (principal) => Effect.provideService(answered, Principal, principal))
        )
  ),
  { global: true }
)
