import { assert, it } from "@effect/vitest"
import { Redis } from "@halles/shared/Redis"
import { Effect, Layer, Redacted } from "effect"
import { Seal } from "../src/Seal.ts"
import { limits, Throttle } from "../src/Throttle.ts"

const away = Throttle.layer.pipe(
  Layer.provide([
    Redis.layer({ url: Redacted.make("redis://127.0.0.1:1"), name: "test" }),
    Seal.layer(Redacted.make("a key of tests"))
  ])
)

it.live("tries are counted without Redis too, and given back", () =>
  Effect.gen(function* () {
    const { reset, take } = yield* Throttle
    const tries = Effect.forEach(Array.from({ length: limits.secondFactor.points }), () =>
      take("secondFactor", "acc_1")
    )
    yield* tries
    const refused = yield* Effect.flip(take("secondFactor", "acc_1"))
    assert.isAtMost(refused.retryAfterSeconds, limits.secondFactor.duration)
    yield* take("secondFactor", "acc_2")
    yield* reset("secondFactor", "acc_1")
    yield* tries
  }).pipe(Effect.provide(away))
)
