import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { arrivals } from "../../src/workload/Arrivals.ts"
import { closedLoop, nowMs, openLoop } from "../../src/workload/Generator.ts"

/** A server that answers in 1 ms, but for a second in which it answers nobody. */
const stalling = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const startMs = nowMs(clock)
  const latencies: Array<{ readonly atMs: number; readonly ms: number }> = []
  const operation = (_: number, intendedMs: number) =>
    Effect.gen(function* () {
      const afterMs = nowMs(clock) - startMs
      const stalledMs = afterMs >= 1_000 && afterMs < 2_000 ? 2_000 - afterMs : 0
      yield* Effect.sleep(stalledMs + 1)
      latencies.push({ atMs: intendedMs - startMs, ms: nowMs(clock) - intendedMs })
    })
  return { startMs, latencies, operation }
})

const everyTenMs = () =>
  arrivals({ process: "constant", perSecond: 100, untilMs: 2_500, random: Math.random, phase: 0 })

/** Lets time pass in small steps, as it does. */
const pass = (ms: number) => Effect.repeat(TestClock.adjust(1), { times: ms })

describe("Generator", () => {
  it.effect("an open loop charges a stall to every operation that was meant to begin in it", () =>
    Effect.gen(function* () {
      const { latencies, operation, startMs } = yield* stalling
      const fiber = yield* Effect.forkChild(
        openLoop({ arrivals: everyTenMs(), startMs, inFlightMax: 1_000, operation })
      )
      yield* pass(3_500)
      const { heldBack } = yield* Fiber.join(fiber)
      assert.strictEqual(heldBack, 0)
      assert.strictEqual(latencies.length, 250)
      for (const { atMs, ms } of latencies) {
        const expected = atMs >= 1_000 && atMs < 2_000 ? 2_001 - atMs : 1
        assert.approximately(ms, expected, 0.001)
      }
    })
  )

  it.effect("at its bound it waits, and the waiting is in the latency", () =>
    Effect.gen(function* () {
      const { latencies, operation, startMs } = yield* stalling
      const fiber = yield* Effect.forkChild(openLoop({ arrivals: everyTenMs(), startMs, inFlightMax: 10, operation }))
      yield* pass(3_500)
      const { heldBack } = yield* Fiber.join(fiber)
      assert.isAbove(heldBack, 50)
      assert.strictEqual(latencies.length, 250)
      const inStall = latencies.filter(({ atMs }) => atMs >= 1_000 && atMs < 2_000)
      for (const { atMs, ms } of inStall) assert.isAtLeast(ms, 2_000 - atMs)
    })
  )

  it.effect("a closed loop has one slow operation a caller, which is why it is not the measure", () =>
    Effect.gen(function* () {
      const { latencies, operation, startMs } = yield* stalling
      const fiber = yield* Effect.forkChild(closedLoop({ callers: 4, startMs, untilMs: startMs + 2_500, operation }))
      yield* pass(3_500)
      yield* Fiber.join(fiber)
      assert.strictEqual(latencies.filter(({ ms }) => ms > 100).length, 4)
    })
  )

  it("a constant rate shared by threads is a constant rate", () => {
    const threads = [0, 1, 2].map((thread) => [
      ...arrivals({ process: "constant", perSecond: 10, untilMs: 1_000, random: Math.random, phase: thread / 3 })
    ])
    const all = threads.flat().toSorted((a, b) => a - b)
    assert.strictEqual(all.length, 30)
    all.forEach((at, n) => assert.approximately(at, (n * 1000) / 30, 1e-6))
  })
})
