import { Effect } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import type { IncomingMessage } from "node:http"
import { AuthorizationServer } from "./AuthorizationServer.ts"
import { ClientRequests, tooOften } from "./ClientRequests.ts"
import { Refused } from "../pages/Forms.ts"
import { nodeOf } from "../signin/Interactions.ts"
import { addressOf } from "../signin/SignInHttp.ts"
import { Throttle } from "../signin/Throttle.ts"

/** The endpoints of the authorization server: it reads the request and writes the answer itself. */
export const OidcHttp = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const server = yield* AuthorizationServer
    const requests = yield* ClientRequests
    const throttle = yield* Throttle

    const { host, protocol } = new URL(server.issuer)
    /** Addresses that are named are the issuer's, whatever name a request came by. */
    const asIssuer = ({ headers }: IncomingMessage) => {
      headers.host = host
      headers["x-forwarded-proto"] = protocol.slice(0, -1)
      delete headers["x-forwarded-host"]
      delete headers["x-forwarded-for"]
    }
    const handle = Effect.gen(function* () {
      const { req, res } = nodeOf(yield* HttpServerRequest.HttpServerRequest)
      asIssuer(req)
      yield* Effect.promise(() => Promise.resolve(server.provider().callback()(req, res)))
      return HttpServerResponse.empty({ status: res.statusCode })
    })

    /** What people do in browsers, so often and no more from one address. */
    const few = <A, E, R>(limit: "authAddress" | "deviceCode", answered: Effect.Effect<A, E, R>) =>
      Effect.gen(function* () {
        const address = addressOf(yield* HttpServerRequest.HttpServerRequest)
        yield* throttle
          .take(limit, address)
          .pipe(
            Effect.mapError(
              ({ retryAfterSeconds }) =>
                new Refused({ status: 429, title: "Too much at once", detail: "Try again later.", retryAfterSeconds })
            )
          )
        return yield* answered
      })

    /** What applications ask for themselves, beside what people do in browsers. */
    const counted = Effect.fnUntraced(function* (limit: "tokenAddress" | "deviceStart") {
      const request = yield* HttpServerRequest.HttpServerRequest
      const { req, res } = nodeOf(request)
      asIssuer(req)
      const caller = { address: addressOf(request), response: res }
      return yield* requests
        .counted(limit, caller, () => Promise.resolve(server.provider().callback()(req, res)))
        .pipe(
          Effect.map(() => HttpServerResponse.empty({ status: res.statusCode })),
          Effect.catchTag("Throttled", ({ retryAfterSeconds }) => {
            const headers = { "retry-after": String(retryAfterSeconds), "cache-control": "no-store" }
            return Effect.succeed(HttpServerResponse.jsonUnsafe(tooOften, { status: 429, headers }))
          })
        )
    })

    for (const path of [
      "/.well-known/openid-configuration",
      "/.well-known/oauth-authorization-server",
      "/jwks"
    ] as const)
      yield* router.add("*", path, handle)
    // A path that ends in a star is also meant without what follows.
    for (const path of ["/auth/*", "/session/*"] as const) yield* router.add("*", path, few("authAddress", handle))
    for (const path of ["/request", "/token/*"] as const) yield* router.add("*", path, counted("tokenAddress"))
    yield* router.add("*", "/device/auth", counted("deviceStart"))
    yield* router.add("GET", "/device", handle)
    yield* router.add("GET", "/device/:uid", handle)
    // A code of a device is short: whoever tries many is stopped.
    yield* router.add("POST", "/device", few("deviceCode", handle))
    yield* router.add("GET", "/", HttpServerResponse.redirect("/account", { status: 303 }))
  })
)
