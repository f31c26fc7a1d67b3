import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Deadlines from "../../src/admission/Deadlines.ts"

const late = () => Exit.fail("late" as const)

it.effect("what is done in time is what it is; what is late is interrupted, within 50 ms", () =>
  Effect.gen(function* () {
    const interrupted: Array<string> = []
    const slow = (name: string) =>
      Effect.onInterrupt(Effect.as(Effect.sleep("2 seconds"), name), () => Effect.sync(() => interrupted.push(name)))
    const of = (name: string, afterMs: number) =>
      Effect.forkChild(Effect.exit(Deadlines.within(slow(name), afterMs, late)), { startImmediately: true })
    const patient = yield* of("patient", 3_000)
    const hasty = yield* of("hasty", 1_000)
    assert.deepStrictEqual(yield* Deadlines.within(Effect.succeed("at once"), 0, late), "at once")
    assert.deepStrictEqual(yield* Effect.flip(Deadlines.within(Effect.fail("no"), 0, late)), "no")

    yield* TestClock.adjust("999 millis")
    assert.deepStrictEqual(interrupted, [])
    yield* TestClock.adjust("51 millis")
    assert.deepStrictEqual(interrupted, ["hasty"])
    assert.deepStrictEqual(yield* Fiber.join(hasty), late())
    yield* TestClock.adjust("1 second")
    assert.deepStrictEqual(yield* Fiber.join(patient), Exit.succeed("patient"))
    assert.deepStrictEqual(interrupted, ["hasty"])
  })
)

it.effect("who is interrupted meanwhile waits for what it has begun, and nothing comes late", () =>
  Effect.gen(function* () {
    let ended = false
    const work = Effect.ensuring(
      Effect.never,
      Effect.sync(() => (ended = true))
    )
    const waiting = yield* Effect.forkChild(Deadlines.within(work, 1_000, late), { startImmediately: true })
    const exit = yield* Effect.andThen(Fiber.interrupt(waiting), Fiber.await(waiting))
    assert.isTrue(ended)
    assert.isTrue(Exit.hasInterrupts(exit))
    yield* TestClock.adjust("2 seconds")
  })
)
