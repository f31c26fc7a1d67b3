import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { reasonOf } from "@halles/harness/Reason"
import { closedLoop, figures, fixedWork, percentile } from "../src/Measure.ts"

const noCpu = () => ({})

describe("percentile", () => {
  it("is the value below which the share of all lies", () => {
    const hundred = Float64Array.from({ length: 100 }, (_, at) => at + 1)
    assert.strictEqual(percentile(hundred, 0.5), 51)
    assert.strictEqual(percentile(hundred, 0.99), 100)
    assert.strictEqual(percentile(hundred, 1), 100)
    assert.strictEqual(percentile(Float64Array.of(7), 0.99), 7)
    assert.strictEqual(percentile(Float64Array.of(), 0.5), 0)
  })
})

describe("figures", () => {
  it("are the rate, the latencies whatever their order, and the processor time of all processes by operation", () => {
    const row = figures({
      latencies: [30, 10, 20, 40],
      seconds: 2,
      before: { client: 1, "eu-1": 5 },
      after: { client: 1.5, "eu-1": 6.5, late: 0.4 },
      setting: "four"
    })
    assert.strictEqual(row.opsPerSecond, 2)
    assert.strictEqual(row.p50ms, 30)
    assert.strictEqual(row.p99ms, 40)
    assert.strictEqual(row.operations, 4)
    assert.closeTo(row.cpuSecondsPerOp, 0.6, 1e-9)
    assert.deepStrictEqual(row.cpuMicrosByProcess, { client: 125_000, "eu-1": 375_000, late: 100_000 })
  })

  it("take a process that was started anew for one that used nothing, not for one that gave time back", () => {
    const row = figures({ latencies: [1], seconds: 1, before: { "eu-1": 9 }, after: { "eu-1": 2 }, setting: "" })
    assert.strictEqual(row.cpuSecondsPerOp, 0)
  })
})

const loop = <E>(operation: (n: number) => Effect.Effect<unknown, E>) =>
  closedLoop({
    row: "test",
    setting: "",
    inFlight: 4,
    span: { warmUpMs: 50, measureMs: 50 },
    cpu: noCpu,
    operation
  })
const tenthFails = (n: number) => (n === 9 ? Effect.fail(new Error("no stock")) : Effect.sleep(1))

describe("closedLoop", () => {
  it.live("counts what ends within the span, each number once", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const row = yield* loop((n) =>
        Effect.delay(
          Effect.sync(() => seen.push(n)),
          5
        )
      )
      assert.strictEqual(new Set(seen).size, seen.length)
      assert.isAbove(row.operations, 0)
      assert.isBelow(row.operations, seen.length)
    })
  )

  it.live("has the right rate though an operation takes nearly as long as the span", () =>
    Effect.gen(function* () {
      // 4 callers, 40 ms each, staggered over the warm-up: about 100 operations a second, 5 in a span of 50 ms.
      let first = 0
      const row = yield* loop(() => Effect.sleep(first < 4 ? 10 * ++first : 40))
      assert.isAtLeast(row.operations, 3)
    })
  )

  it.live("fails when no operation ended in the span: there is nothing to say of it", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(loop(() => Effect.sleep(150)))
      assert.include(error.reason, "no operation ended")
    })
  )

  it.live("fails with the first operation that does, and says why", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(loop(tenthFails))
      assert.include(error.reason, "no stock")
    })
  )
})

describe("fixedWork", () => {
  it.effect("does each operation once, counts those after the warm-up, and has no more in flight than it may", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      let now = 0
      let most = 0
      const operation = (n: number) =>
        Effect.gen(function* () {
          now += 1
          most = Math.max(most, now)
          yield* Effect.sleep(10)
          now -= 1
          seen.push(n)
        })
      const work = { row: "test", setting: "", inFlight: 3, warmUp: 4, operations: 10, cpu: noCpu, operation }
      const fiber = yield* Effect.forkChild(fixedWork(work))
      yield* TestClock.adjust("1 second")
      const row = yield* Fiber.join(fiber)
      assert.strictEqual(row.operations, 10)
      assert.strictEqual(most, 3)
      assert.deepStrictEqual(
        seen.toSorted((a, b) => a - b),
        [...Array(14).keys()]
      )
    })
  )
})

describe("reasonOf", () => {
  it("is one line without a stack, with what caused it", () => {
    const reason = reasonOf(Cause.fail(new Error("query failed", { cause: new Error("no such table") })))
    assert.include(reason, "query failed")
    assert.include(reason, "no such table")
    assert.notInclude(reason, "\n")
    assert.notMatch(reason, /\bat .*:\d+:\d+/)
  })
})
