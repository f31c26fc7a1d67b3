import { Redis, RedisUnavailable } from "@halles/shared/Redis"
import { Context, Deferred, Duration, Effect, Layer } from "effect"
import { HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import type * as AddressRules from "../../src/AddressRules.ts"
import * as EdgeServer from "../../src/EdgeServer.ts"
import { Gate } from "../../src/Gate.ts"
import { RateLimit } from "../../src/RateLimit.ts"

export const noRules: AddressRules.Rules = { allow: "", deny: "", unlimited: "", trustedProxies: "" }

/** Without Redis: the buckets of this process judge. */
const redisAway = Layer.succeed(Redis, {
  use: () => Effect.fail(new RedisUnavailable({ cause: "no Redis in this test" }))
})

/** The real gate on a real server, before an application of a few lines. */
export class GateTest extends Context.Service<
  GateTest,
  {
    readonly url: string
    /** A request that waits for `release` before it is answered has come so far. */
    readonly waiting: Effect.Effect<void>
    readonly release: Effect.Effect<void>
  }
>()("@halles/http/test/GateTest") {
  static readonly layer = (rules: Partial<AddressRules.Rules> = {}, notice: Duration.Duration = Duration.millis(50)) =>
    Layer.effect(
      GateTest,
      Effect.gen(function* () {
        const server = yield* HttpServer.HttpServer
        const came = yield* Deferred.make<void>()
        const released = yield* Deferred.make<void>()
        yield* server.serve(
          Effect.gen(function* () {
            const request = yield* HttpServerRequest.HttpServerRequest
            if (request.url.startsWith("/v1/orders/")) {
              yield* Deferred.succeed(came, undefined)
              yield* Deferred.await(released)
            }
            const status = request.url.startsWith("/v1/carts/none") ? 404 : 200
            return HttpServerResponse.jsonUnsafe({ url: request.url }, { status })
          })
        )
        return {
          url: HttpServer.formatAddress(server.address),
          waiting: Deferred.await(came),
          release: Effect.asVoid(Deferred.succeed(released, undefined))
        }
      })
    ).pipe(
      Layer.provide(EdgeServer.layer({ host: "127.0.0.1", port: 0, notice })),
      Layer.provideMerge(Gate.layer({ ...noRules, ...rules })),
      Layer.provide(RateLimit.layer),
      Layer.provide(redisAway)
    )
}
