import { Effect } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { AuthorizationServer } from "./AuthorizationServer.ts"
import { Refused } from "./Forms.ts"
import { nodeOf } from "./Interactions.ts"
import { addressOf } from "./SignInHttp.ts"
import { Throttle } from "./Throttle.ts"

/** The endpoints of the authorization server: it reads the request and writes the answer itself. */
export const OidcHttp = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const server = yield* AuthorizationServer
    const throttle = yield* Throttle

    const { host, protocol } = new URL(server.issuer)
    const handle = Effect.gen(function* () {
      const { req, res } = nodeOf(yield* HttpServerRequest.HttpServerRequest)
      // Addresses that it names are the issuer's, whatever name a request came by.
      req.headers.host = host
      req.headers["x-forwarded-proto"] = protocol.slice(0, -1)
      delete req.headers["x-forwarded-host"]
      delete req.headers["x-forwarded-for"]
      yield* Effect.promise(() => Promise.resolve(server.provider().callback()(req, res)))
      return HttpServerResponse.empty({ status: res.statusCode })
    })

    for (const path of [
      "/.well-known/openid-configuration",
      "/.well-known/oauth-authorization-server",
      "/jwks"
    ] as const)
      yield* router.add("*", path, handle)
    // A path that ends in a star is also meant without what follows.
    for (const path of ["/auth/*", "/request", "/token/*", "/session/*", "/device/auth"] as const)
      yield* router.add("*", path, handle)
    yield* router.add("GET", "/device", handle)
    yield* router.add("GET", "/device/:uid", handle)
    // A code of a device is short: whoever tries many is stopped.
    yield* router.add(
      "POST",
      "/device",
      Effect.gen(function* () {
        const address = addressOf(yield* HttpServerRequest.HttpServerRequest)
        yield* throttle
          .take("deviceCode", address)
          .pipe(
            Effect.mapError(
              ({ retryAfterSeconds }) =>
                new Refused({ status: 429, title: "Too many codes", detail: "Try again later.", retryAfterSeconds })
            )
          )
        return yield* handle
      })
    )
    yield* router.add("GET", "/", HttpServerResponse.redirect("/account", { status: 303 }))
  })
)
