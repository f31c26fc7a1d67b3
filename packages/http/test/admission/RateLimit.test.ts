import { assert, describe, it, layer } from "@effect/vitest"
import { Redis } from "@halles/shared/clients/Redis"
import { RedisTest } from "@halles/shared/testing/RedisTest"
import { Effect, Layer, Schedule } from "effect"
import * as FastCheck from "fast-check"
import { type Ask, microsPerToken, type Quota, take, type Verdict } from "../../src/admission/TokenBucket.ts"
import * as RateLimit from "../../src/admission/RateLimit.ts"
import * as RedisBuckets from "../../src/admission/RedisBuckets.ts"

const quota: FastCheck.Arbitrary<Quota> = FastCheck.record({
  name: FastCheck.constant("any"),
  capacity: FastCheck.integer({ min: 1, max: 50 }),
  windowMs: FastCheck.integer({ min: 1, max: 60_000 })
})
/** Requests in the order of their time: microseconds since the one before, and a cost. */
const steps = FastCheck.array(
  FastCheck.record({
    after: FastCheck.oneof(FastCheck.integer({ min: 0, max: 10 }), FastCheck.integer({ min: 0, max: 5_000_000 })),
    cost: FastCheck.integer({ min: 1, max: 50 })
  }),
  { maxLength: 60 }
)
const begin = 1_800_000_000_000_000

/** A bucket in memory; what it granted, and when. */
const play = (limit: Quota, requests: ReadonlyArray<{ readonly after: number; readonly cost: number }>) => {
  const stored = new Map<string, number>()
  let now = begin
  return requests.map(({ after, cost }) => {
    now += after
    const asked = Math.min(cost, limit.capacity)
    const verdict = take(
      [{ key: "k", quota: limit, cost: asked }],
      now,
      (key) => stored.get(key),
      (key, at) => stored.set(key, at)
    )
    return { now, cost: asked, verdict }
  })
}

describe("token bucket", () => {
  it("gives in no span of time more than its capacity and what flows in meanwhile", () => {
    FastCheck.assert(
      FastCheck.property(quota, steps, (limit, requests) => {
        const granted = play(limit, requests).filter(({ verdict }) => verdict.allowed)
        for (let from = 0; from < granted.length; from += 1) {
          let sum = 0
          for (const { cost, now } of granted.slice(from)) {
            sum += cost
            const spanMicros = now - (granted[from]?.now ?? 0)
            assert.isAtMost(sum, limit.capacity + (limit.capacity * spanMicros) / (limit.windowMs * 1_000))
          }
        }
      })
    )
  })

  it("grants after the wait that it names, and not a microsecond earlier", () => {
    FastCheck.assert(
      FastCheck.property(quota, steps, (limit, requests) => {
        const stored = new Map<string, number>()
        let now = begin
        for (const { after, cost } of requests) {
          now += after
          const asks = [{ key: "k", quota: limit, cost: Math.min(cost, limit.capacity) }]
          const at = (when: number, set: (key: string, fullAt: number) => void) =>
            take(asks, when, (key) => stored.get(key), set)
          const verdict = at(now, (key, fullAt) => stored.set(key, fullAt))
          if (verdict.allowed) continue
          assert.isFalse(at(now + verdict.waitMicros - 1, () => undefined).allowed)
          assert.isTrue(at(now + verdict.waitMicros, () => undefined).allowed)
        }
      })
    )
  })

  it("takes from all buckets of a request or from none, and names the one that is empty", () => {
    const small: Quota = { name: "small", capacity: 1, windowMs: 1_000 }
    const large: Quota = { name: "large", capacity: 100, windowMs: 1_000 }
    const stored = new Map<string, number>()
    const ask = () =>
      take(
        [
          { key: "large", quota: large, cost: 1 },
          { key: "small", quota: small, cost: 1 }
        ],
        begin,
        (key) => stored.get(key),
        (key, at) => stored.set(key, at)
      )
    assert.deepStrictEqual(ask(), { allowed: true, tightest: 1, remaining: 0, waitMicros: 1_000_000 })
    const before = new Map(stored)
    assert.deepStrictEqual(ask(), { allowed: false, tightest: 1, remaining: 0, waitMicros: 1_000_000 })
    assert.deepStrictEqual(stored, before)
  })
})

layer(RedisTest.layerConnection("test").pipe(Layer.provideMerge(RedisTest.layer)), {
  excludeTestServices: true,
  timeout: "30 seconds"
})("rate limits in Redis", (it) => {
  it.effect("the script in Redis judges as the function does, batch by batch", () =>
    Effect.gen(function* () {
      const { use } = yield* Redis
      const batches = FastCheck.sample(
        FastCheck.array(
          FastCheck.array(
            FastCheck.record({
              key: FastCheck.constantFrom("a", "b", "c"),
              cost: FastCheck.integer({ min: 1, max: 5 })
            }),
            { minLength: 1, maxLength: 3 }
          ),
          { minLength: 1, maxLength: 8 }
        ),
        { numRuns: 60, seed: 7 }
      )
      // Longer than this test takes: Redis forgets by its own clock.
      const quotas: Readonly<Record<string, Quota>> = {
        a: { name: "a", capacity: 5, windowMs: 100_000 },
        b: { name: "b", capacity: 9, windowMs: 1_000_000 },
        c: { name: "c", capacity: 300, windowMs: 700_000 }
      }
      const stored = new Map<string, number>()
      const verdictsSeen = new Set<boolean>()
      let now = begin
      for (const batch of batches) {
        now += 7_919_000
        const requests = batch.map((asks) =>
          [...new Map(asks.map((ask) => [ask.key, ask])).values()].map(({ cost, key }): Ask => ({
            key: `law:${key}`,
            quota: quotas[key] ?? assert.fail(key),
            cost
          }))
        )
        const expected = requests.map((asks) =>
          take(
            asks,
            now,
            (key) => stored.get(key),
            (key, at) => stored.set(key, at)
          )
        )
        const answered = yield* use((client) => RedisBuckets.takeMany(client, requests, now))
        assert.deepStrictEqual(answered, expected)
        for (const { allowed } of answered) verdictsSeen.add(allowed)
      }
      assert.deepStrictEqual(verdictsSeen, new Set([true, false]))
    })
  )

  it.effect("two edges share a bucket, and many requests share a call", () =>
    Effect.gen(function* () {
      const { use } = yield* Redis
      const context = yield* Effect.context<never>()
      let calls = 0
      const edge = () =>
        RateLimit.make({
          use: (command) => {
            calls += 1
            return use(command)
          },
          context,
          now: () => performance.now()
        })
      const limit: Quota = { name: "shared", capacity: 40, windowMs: 3_600_000 }
      const asks = [{ key: "shared", quota: limit, cost: 1 }]
      const verdicts = yield* Effect.forEach(
        [edge(), edge()].flatMap((one) => Array.from({ length: 50 }, () => one)),
        (one) => ask(one, asks),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(verdicts.filter(({ allowed }) => allowed).length, 40)
      assert.isAtMost(calls, 4)
    })
  )

  it.effect(
    "while Redis is away, and while it is silent, its own buckets judge, and it says so until Redis is back",
    () =>
      Effect.gen(function* () {
        const redis = yield* RedisTest
        const { use } = yield* Redis
        const context = yield* Effect.context<never>()
        let now = 0
        let calls = 0
        const limits = RateLimit.make({
          use: (command) => {
            calls += 1
            return use(command)
          },
          context,
          now: () => now
        })
        const limit: Quota = { name: "away", capacity: 3, windowMs: 3_600_000 }
        const asks = [{ key: "away", quota: limit, cost: 1 }]
        const allowed = Effect.map(ask(limits, asks), (verdict) => verdict.allowed)

        assert.isTrue(yield* allowed)
        assert.strictEqual(limits.where(), "redis")
        yield* redis.freeze
        const all = yield* Effect.forEach([1, 2, 3, 4], () => allowed, { concurrency: "unbounded" })
        assert.deepStrictEqual(all, [true, true, true, false])
        assert.strictEqual(limits.where(), "local")
        const before = calls
        assert.isFalse(yield* allowed)
        assert.strictEqual(calls, before)

        yield* redis.kill
        now += 2_000
        assert.isFalse(yield* allowed)
        assert.strictEqual(calls, before + 1)
        assert.strictEqual(limits.where(), "local")

        yield* redis.start
        yield* Effect.repeat(
          Effect.suspend(() => {
            now += 2_000
            return allowed
          }),
          { until: () => limits.where() === "redis", schedule: Schedule.spaced("50 millis") }
        ).pipe(Effect.timeout("10 seconds"))
        assert.isTrue(yield* allowed)
      })
  )
})

const ask = (limits: RateLimit.RateLimit["Service"], asks: ReadonlyArray<Ask>): Effect.Effect<Verdict> =>
  Effect.callback((resume) => limits.ask(asks, (verdict) => resume(Effect.succeed(verdict))))

describe("RateLimit fields", () => {
  it("follow the draft", () => {
    const asks: ReadonlyArray<Ask> = [
      { key: "a", quota: { name: "address", capacity: 3_000, windowMs: 60_000 }, cost: 1 },
      { key: "b", quota: { name: "checkout", capacity: 10, windowMs: 1_500 }, cost: 1 }
    ]
    assert.deepStrictEqual(RateLimit.headers(asks, { allowed: true, tightest: 1, remaining: 9, waitMicros: 150_000 }), [
      ["RateLimit-Policy", '"address";q=3000;w=60, "checkout";q=10;w=2'],
      ["RateLimit", '"checkout";r=9;t=1']
    ])
    assert.strictEqual(microsPerToken({ name: "", capacity: 3, windowMs: 1 }), 334)
  })
})
