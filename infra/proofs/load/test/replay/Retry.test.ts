import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Refused } from "../../src/replay/LoadErrors.ts"
import * as Retry from "../../src/replay/Retry.ts"

/** Fails with the error until the clock shows so many milliseconds, then answers. */
const awayUntil = (untilMs: number, error: Retry.Later) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => (now < untilMs ? Effect.fail(error) : Effect.succeed("answer")))

const outcome = <A, E>(attempt: Effect.Effect<A, E | Retry.Later>) =>
  Effect.gen(function* () {
    let retries = 0
    const fiber = yield* Effect.forkChild(
      Effect.exit(
        Retry.insist(
          { method: "GET", path: "/" },
          attempt,
          Effect.sync(() => void (retries += 1))
        )
      )
    )
    yield* TestClock.adjust("10 minutes")
    return { exit: yield* Fiber.join(fiber), retries }
  })

describe("Retry.insist", () => {
  it.effect("sits out two and a half minutes without an answer", () =>
    Effect.gen(function* () {
      const { exit, retries } = yield* outcome(awayUntil(150_000, Retry.later("connection refused")))
      assert.strictEqual(exit._tag === "Success" ? exit.value : undefined, "answer")
      assert.isBelow(retries, 200)
    })
  )

  it.effect("gives up loudly after three minutes, with the last reason", () =>
    Effect.gen(function* () {
      const { exit } = yield* outcome(awayUntil(Number.MAX_SAFE_INTEGER, Retry.later("503 unavailable")))
      assert.match(String(exit), /EdgeLost.*18\d s of retries.*503 unavailable/s)
    })
  )

  it.effect("has less patience with a fault", () =>
    Effect.gen(function* () {
      const { exit } = yield* outcome(awayUntil(60_000, Retry.fault("500 internal")))
      assert.match(String(exit), /EdgeLost/)
    })
  )

  it.effect("does not repeat what was refused", () =>
    Effect.gen(function* () {
      const refused = new Refused({ request: "GET /", status: 422, code: "not_sold", detail: "" })
      const { exit, retries } = yield* outcome(Effect.fail(refused))
      assert.match(String(exit), /not_sold/)
      assert.strictEqual(retries, 0)
    })
  )
})
