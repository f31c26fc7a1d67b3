import { Redis, type RedisUnavailable } from "@halles/shared/clients/Redis"
import { Clock, Context, Effect, Layer, Schema } from "effect"
import { Seal } from "../oidc/Seal.ts"
import * as WindowCounts from "./WindowCounts.ts"

/** Too many tries; the same answer whether or not the account exists. */
export class Throttled extends Schema.TaggedError<Throttled>()("Throttled", { retryAfterSeconds: Schema.Int }) {}

/**
 * Points within seconds. Of failures at signing in: per account and address, so that a stranger cannot lock an owner out;
 * per account from everywhere, far above what an owner needs; per address over all accounts. Then second factors per
 * account, mails that somebody asks us to send, codes of devices that are typed, and sign-ins that are begun, each of which is
 * remembered for half an hour. Last what applications ask for themselves: a server that renews the tokens of thousands of people stays far below.
 */
export const limits = {
  signInPair: { points: 5, duration: 900 },
  signInAccount: { points: 50, duration: 3_600 },
  signInAddress: { points: 100, duration: 3_600 },
  secondFactor: { points: 5, duration: 900 },
  mailAccount: { points: 3, duration: 3_600 },
  mailAddress: { points: 30, duration: 3_600 },
  deviceCode: { points: 20, duration: 900 },
  authAddress: { points: 600, duration: 60 },
  tokenClient: { points: 300, duration: 60 },
  tokenAddress: { points: 600, duration: 60 },
  deviceStart: { points: 60, duration: 900 }
} as const
export type Limit = keyof typeof limits

/** Keys of one limit that a process counts by itself: 10 MiB at the most. */
const keysMax = 50_000

interface Counts {
  readonly take: (limit: Limit, key: string) => Effect.Effect<WindowCounts.Verdict, RedisUnavailable>
  readonly giveBack: (limit: Limit, key: string) => Effect.Effect<void, RedisUnavailable>
  readonly reset: (limit: Limit, key: string) => Effect.Effect<void, RedisUnavailable>
}

/** Counts tries in Redis, over all processes; while Redis is away, or full, each process counts for itself in memory. */
export class Throttle extends Context.Service<
  Throttle,
  {
    /** Counts one try before it is made, and fails when there have been too many. */
    readonly take: (limit: Limit, key: string) => Effect.Effect<void, Throttled>
    /** The try was right, and is not counted. */
    readonly giveBack: (limit: Limit, key: string) => Effect.Effect<void>
    /** Nor are those before it. */
    readonly reset: (limit: Limit, key: string) => Effect.Effect<void>
  }
>()("@halles/identity/Throttle") {
  static readonly layer = Layer.effect(
    Throttle,
    Effect.gen(function* () {
      const { digest } = yield* Seal
      const shared = inRedis(yield* Redis)
      const own = inMemory()
      return fromCounts(digest, {
        take: (limit, key) => Effect.catch(shared.take(limit, key), () => own.take(limit, key)),
        giveBack: (limit, key) => Effect.andThen(own.giveBack(limit, key), Effect.ignore(shared.giveBack(limit, key))),
        reset: (limit, key) => Effect.andThen(own.reset(limit, key), Effect.ignore(shared.reset(limit, key)))
      })
    })
  )
  static readonly layerMemory = Layer.effect(
    Throttle,
    Effect.map(Seal, ({ digest }) => fromCounts(digest, inMemory()))
  )
}

/** Keys are digests: neither addresses of mail nor of the network lie in Redis. */
const fromCounts = (digest: (purpose: string, text: string) => string, counts: Counts): Throttle["Service"] => ({
  take: (limit, key) =>
    Effect.flatMap(Effect.orDie(counts.take(limit, digest(limit, key))), ({ allowed, waitMs }) =>
      allowed ? Effect.void : Effect.fail(new Throttled({ retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1_000)) }))
    ),
  giveBack: (limit, key) => Effect.orDie(counts.giveBack(limit, digest(limit, key))),
  reset: (limit, key) => Effect.orDie(counts.reset(limit, digest(limit, key)))
})

const inMemory = (): Counts => {
  const counts = Object.fromEntries(
    Object.entries(limits).map(([limit, { duration, points }]) => [
      limit,
      WindowCounts.make({ points, windowMs: duration * 1_000, keysMax })
    ])
  ) as Record<Limit, WindowCounts.WindowCounts>
  return {
    take: (limit, key) => Effect.map(Clock.currentTimeMillis, (nowMs) => counts[limit].take(key, nowMs)),
    giveBack: (limit, key) => Effect.sync(() => counts[limit].giveBack(key)),
    reset: (limit, key) => Effect.sync(() => counts[limit].reset(key))
  }
}

const takeScript = `
local count = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  left = tonumber(ARGV[1])
  redis.call('PEXPIRE', KEYS[1], left)
end
return {count, left}
`
const giveBackScript = `
if redis.call('EXISTS', KEYS[1]) == 1 and redis.call('DECR', KEYS[1]) <= 0 then redis.call('DEL', KEYS[1]) end
`

const keyOf = (limit: Limit, key: string): string => `identity:${limit}:${key}`

const inRedis = ({ use }: Redis["Service"]): Counts => ({
  take: (limit, key) =>
    Effect.map(
      use((client) => client.eval(takeScript, 1, keyOf(limit, key), limits[limit].duration * 1_000)),
      (answer) => {
        const [count, waitMs] = answer as readonly [number, number]
        return { allowed: count <= limits[limit].points, waitMs }
      }
    ),
  giveBack: (limit, key) => Effect.asVoid(use((client) => client.eval(giveBackScript, 1, keyOf(limit, key)))),
  reset: (limit, key) => Effect.asVoid(use((client) => client.del(keyOf(limit, key))))
})
