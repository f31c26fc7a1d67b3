import type { Tls } from "@halles/shared/listener/HttpListener"
import { Redis, RedisUnavailable } from "@halles/shared/clients/Redis"
import { Context, Deferred, Duration, Effect, Layer } from "effect"
import { HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import type * as AddressRules from "../../src/admission/AddressRules.ts"
import { EdgeAnalytics } from "../../src/admission/EdgeAnalytics.ts"
import { Faults } from "../../src/admission/InjectedFaults.ts"
import { AdmissionControl } from "../../src/admission/AdmissionControl.ts"
import { RateLimit } from "../../src/admission/RateLimit.ts"
import { ResponseCache } from "../../src/cache/ResponseCache.ts"

export const noRules: AddressRules.Rules = { allow: "", deny: "", unlimited: "", trustedProxies: "" }

/** Without Redis: the buckets of this process judge. */
const redisAway = Layer.succeed(Redis, {
  use: () => Effect.fail(new RedisUnavailable({ cause: "no Redis in this test" }))
})

const noFaults = Layer.mock(Faults, { draw: () => undefined })

/** The real admission control on a real server, before an application of a few lines. */
export class AdmissionControlTest extends Context.Service<
  AdmissionControlTest,
  {
    readonly url: string
    /** Requests that came to the application. */
    readonly seen: () => number
    readonly invalidate: (key: string) => Effect.Effect<void>
    /** A request that waits for `release` before it is answered has come so far. */
    readonly waiting: Effect.Effect<void>
    readonly release: Effect.Effect<void>
  }
>()("@halles/http/test/AdmissionControlTest") {
  static readonly layer = (
    rules: Partial<AddressRules.Rules> = {},
    notice: Duration.Duration = Duration.millis(50),
    tls?: Tls,
    faults: Layer.Layer<Faults> = noFaults
  ) =>
    Layer.effect(
      AdmissionControlTest,
      Effect.gen(function* () {
        const server = yield* HttpServer.HttpServer
        const cache = yield* ResponseCache
        let made = 0
        let seen = 0
        const came = yield* Deferred.make<void>()
        const released = yield* Deferred.make<void>()
        yield* server.serve(
          Effect.gen(function* () {
            const request = yield* HttpServerRequest.HttpServerRequest
            if (request.url.startsWith("/v1/orders/")) {
              yield* Deferred.succeed(came, undefined)
              yield* Deferred.await(released)
            }
            seen += 1
            if (request.url.startsWith("/v1/products/")) {
              const personal = request.url.includes("personal")
              const answer = Effect.sync(() => {
                made += 1
                const body = { made, who: request.headers["authorization"] ?? "anybody" }
                return HttpServerResponse.jsonUnsafe(body, {
                  headers: { etag: `"${made}"`, "cache-control": "private" }
                })
              })
              if (personal) return yield* answer
              return yield* cache.through(
                request,
                { key: request.url, freshMs: 60_000, staleMs: 0, invalidatedBy: null },
                answer
              )
            }
            const status = request.url.startsWith("/v1/carts/none") ? 404 : 200
            return HttpServerResponse.jsonUnsafe({ url: request.url }, { status })
          })
        )
        return {
          seen: () => seen,
          invalidate: cache.invalidate,
          url: HttpServer.formatAddress(server.address),
          waiting: Deferred.await(came),
          release: Effect.asVoid(Deferred.succeed(released, undefined))
        }
      })
    ).pipe(
      Layer.provide(AdmissionControl.listen({ host: "127.0.0.1", port: 0, notice, tls })),
      Layer.provideMerge(AdmissionControl.layer({ ...noRules, ...rules })),
      Layer.provide([RateLimit.layer, ResponseCache.layer, EdgeAnalytics.layerNone, faults]),
      Layer.provide(redisAway)
    )
}
