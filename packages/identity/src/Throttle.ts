import { Redis } from "@halles/shared/Redis"
import { Context, Effect, Layer, Schema } from "effect"
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible"
import { Seal } from "./Seal.ts"

/** Too many tries; the same answer whether or not the account exists. */
export class Throttled extends Schema.TaggedError<Throttled>()("Throttled", { retryAfterSeconds: Schema.Int }) {}

/**
 * Points within seconds. Of failures at signing in: per account and address, so that a stranger cannot lock an owner out;
 * per account from everywhere, far above what an owner needs; per address over all accounts. Then second factors per
 * account, mails that somebody asks us to send, and codes of devices that are typed. Last what applications ask for themselves:
 * a server that renews the tokens of thousands of people stays far below.
 */
export const limits = {
  signInPair: { points: 5, duration: 900 },
  signInAccount: { points: 50, duration: 3_600 },
  signInAddress: { points: 100, duration: 3_600 },
  secondFactor: { points: 5, duration: 900 },
  mailAccount: { points: 3, duration: 3_600 },
  mailAddress: { points: 30, duration: 3_600 },
  deviceCode: { points: 20, duration: 900 },
  tokenClient: { points: 300, duration: 60 },
  tokenAddress: { points: 600, duration: 60 },
  deviceStart: { points: 60, duration: 900 }
} as const
export type Limit = keyof typeof limits

/** Counts tries in Redis, over all processes; while Redis is away each process counts for itself in memory. */
export class Throttle extends Context.Service<
  Throttle,
  {
    /** Counts one try before it is made, and fails when there have been too many; a right one gives its points back with `reset`. */
    readonly take: (limit: Limit, key: string) => Effect.Effect<void, Throttled>
    readonly reset: (limit: Limit, key: string) => Effect.Effect<void>
  }
>()("@halles/identity/Throttle") {
  static readonly layer = Layer.effect(
    Throttle,
    Effect.gen(function* () {
      const redis = yield* Redis
      const { digest } = yield* Seal
      const client = yield* Effect.orDie(redis.use((found) => Promise.resolve(found)))
      return fromLimiters(
        digest,
        (limit) =>
          new RateLimiterRedis({
            storeClient: client,
            keyPrefix: `identity:${limit}`,
            ...limits[limit],
            insuranceLimiter: new RateLimiterMemory({ keyPrefix: limit, ...limits[limit] })
          })
      )
    })
  )
  static readonly layerMemory = Layer.effect(
    Throttle,
    Effect.map(Seal, ({ digest }) =>
      fromLimiters(digest, (limit) => new RateLimiterMemory({ keyPrefix: limit, ...limits[limit] }))
    )
  )
}

const fromLimiters = (
  digest: (purpose: string, text: string) => string,
  make: (limit: Limit) => RateLimiterAbstract
): Throttle["Service"] => {
  const limiters = Object.fromEntries(
    (Object.keys(limits) as ReadonlyArray<Limit>).map((limit) => [limit, make(limit)])
  ) as Record<Limit, RateLimiterAbstract>
  return {
    // Keys are digests: neither addresses of mail nor of the network lie in Redis.
    take: (limit, key) =>
      Effect.tryPromise({
        try: () => limiters[limit].consume(digest(limit, key)),
        catch: (refused) => refused
      }).pipe(
        Effect.asVoid,
        Effect.catch((refused) =>
          refused instanceof RateLimiterRes
            ? Effect.fail(new Throttled({ retryAfterSeconds: Math.ceil(refused.msBeforeNext / 1000) }))
            : Effect.die(refused)
        )
      ),
    reset: (limit, key) => Effect.ignore(Effect.tryPromise(() => limiters[limit].delete(digest(limit, key))))
  }
}
