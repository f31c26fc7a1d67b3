import { assert, layer, it } from "@effect/vitest"
import { Redis } from "@halles/shared/clients/Redis"
import { RedisTest } from "@halles/shared/testing/RedisTest"
import * as RunClock from "@halles/shared/testing/RunClock"
import { Effect, Layer, Redacted } from "effect"
import { Seal } from "../src/oidc/Seal.ts"
import { limits, Throttle } from "../src/signin/Throttle.ts"

const seal = Seal.layer(Redacted.make("a key of tests"))
const away = Throttle.layer.pipe(
  Layer.provide([Redis.layer({ url: Redacted.make("redis://127.0.0.1:1"), name: "test" }), seal])
)
const tries = (key: string, count: number = limits.secondFactor.points) =>
  Effect.flatMap(Throttle, ({ take }) =>
    Effect.forEach(Array.from({ length: count }), () => take("secondFactor", key), { discard: true })
  )
const refused = (key: string) =>
  Effect.gen(function* () {
    const { take } = yield* Throttle
    const { retryAfterSeconds } = yield* Effect.flip(take("secondFactor", key))
    assert.isAtMost(retryAfterSeconds, limits.secondFactor.duration)
    assert.isAbove(retryAfterSeconds, limits.secondFactor.duration - 60)
  })

it.live("tries are counted without Redis too, and given back", () =>
  Effect.gen(function* () {
    const { giveBack, reset, take } = yield* Throttle
    yield* tries("acc_1")
    yield* refused("acc_1")
    yield* take("secondFactor", "acc_2")
    yield* reset("secondFactor", "acc_1")
    yield* tries("acc_1")
    yield* giveBack("secondFactor", "acc_1")
    yield* take("secondFactor", "acc_1")
    yield* refused("acc_1")
  }).pipe(Effect.provide(away))
)

layer(
  Throttle.layer.pipe(
    Layer.provide([RedisTest.layerConnection("throttle"), seal]),
    Layer.provideMerge(RedisTest.layer),
    Layer.orDie
  ),
  { excludeTestServices: true, timeout: "60 seconds" }
)("tries in Redis", (it) => {
  it.effect("are counted and given back", () =>
    Effect.gen(function* () {
      const { giveBack, reset } = yield* Throttle
      yield* tries("acc_3")
      yield* refused("acc_3")
      yield* reset("secondFactor", "acc_3")
      yield* tries("acc_3")
      yield* giveBack("secondFactor", "acc_3")
      yield* tries("acc_3", 1)
      yield* refused("acc_3")
      // What was never counted is not given back.
      yield* giveBack("secondFactor", "acc_4")
      yield* tries("acc_4")
      yield* refused("acc_4")
    })
  )

  it.effect("go on being counted when it answers nothing, and soon without waiting for it", () =>
    Effect.gen(function* () {
      const redis = yield* RedisTest
      yield* redis.freeze
      yield* Effect.gen(function* () {
        yield* tries("acc_5")
        yield* refused("acc_5")
        yield* Effect.forEach(Array.from({ length: 20 }), (_, index) => tries(`acc_${10 + index}`, 1), {
          concurrency: "unbounded"
        })
        const since = RunClock.nowMs()
        yield* tries("acc_6")
        yield* refused("acc_6")
        assert.isBelow(RunClock.nowMs() - since, 2_000)
      }).pipe(Effect.ensuring(redis.thaw))
    })
  )
})
