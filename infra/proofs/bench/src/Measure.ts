import { reasonOf } from "@halles/harness/Reason"
import { Deferred, Effect, Exit, Fiber, Schema } from "effect"

/** One row of the table. Latencies in milliseconds, processor seconds summed over all processes. */
export interface Figures {
  readonly opsPerSecond: number
  readonly p50ms: number
  readonly p95ms: number
  readonly p99ms: number
  readonly cpuSecondsPerOp: number
  /** The same by process. */
  readonly cpuMicrosByProcess: Readonly<Record<string, number>>
  readonly operations: number
  /** Keys, in flight, bytes, what else one must know to repeat it. */
  readonly setting: string
  /** What this row alone has, by the name that it has in the JSON. */
  readonly extra?: Readonly<Record<string, number>>
}

/** Processor seconds used so far, by process. */
export type Cpu = () => Readonly<Record<string, number>>

/** An operation failed: a figure of a run with failures would not be of the work that it names. */
export class OperationFailed extends Schema.TaggedError<OperationFailed>()("OperationFailed", {
  row: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.row}: ${this.reason}`
  }
}

export interface Span {
  readonly warmUpMs: number
  readonly measureMs: number
}

/** Of sorted values; 0 of none. */
export const percentile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

/** Figures of operations that took `latencies` in `seconds`, with the processor time used meanwhile. */
export const figures = (options: {
  readonly latencies: ReadonlyArray<number>
  readonly seconds: number
  readonly before: Readonly<Record<string, number>>
  readonly after: Readonly<Record<string, number>>
  readonly setting: string
}): Figures => {
  const { after, before, latencies, seconds, setting } = options
  const sorted = Float64Array.from(latencies).sort()
  const operations = latencies.length
  const used = Object.entries(after).map(([name, now]) => [name, Math.max(0, now - (before[name] ?? 0))] as const)
  return {
    opsPerSecond: operations / seconds,
    p50ms: percentile(sorted, 0.5),
    p95ms: percentile(sorted, 0.95),
    p99ms: percentile(sorted, 0.99),
    cpuSecondsPerOp: used.reduce((sum, [, spent]) => sum + spent, 0) / operations,
    cpuMicrosByProcess: Object.fromEntries(
      used.map(([name, spent]) => [name, Math.round((spent / operations) * 1e7) / 10])
    ),
    operations,
    setting
  }
}

/**
 * A closed loop: `inFlight` callers, each of which sends its next operation when the last is answered. Operations that end
 * within the measured span count, wherever they began: as many begin in it and end after it, so that the rate and the
 * processor time of one are right even when an operation takes as long as the span. The first failure ends the row.
 */
export const closedLoop = Effect.fnUntraced(function* <E, R>(options: {
  readonly row: string
  readonly setting: string
  readonly inFlight: number
  readonly span: Span
  readonly cpu: Cpu
  /** `n` counts the operations of the whole row, warm-up included. */
  readonly operation: (n: number) => Effect.Effect<unknown, E, R>
}) {
  const { cpu, inFlight, operation, row, setting, span } = options
  const loop = { next: 0, measuringSince: Number.POSITIVE_INFINITY, stopped: false }
  const latencies: Array<number> = []
  const broken = yield* Deferred.make<never, OperationFailed>()
  const caller = Effect.gen(function* () {
    while (!loop.stopped) {
      const since = performance.now()
      yield* operation(loop.next++)
      const now = performance.now()
      if (now >= loop.measuringSince && !loop.stopped) latencies.push(now - since)
    }
  }).pipe(Effect.catchCause((cause) => Deferred.fail(broken, new OperationFailed({ row, reason: reasonOf(cause) }))))
  const callers = yield* Effect.forEach(Array.from({ length: inFlight }), () => Effect.forkChild(caller))
  const measured = Effect.gen(function* () {
    yield* Effect.sleep(span.warmUpMs)
    const before = cpu()
    loop.measuringSince = performance.now()
    yield* Effect.sleep(span.measureMs)
    loop.stopped = true
    const seconds = (performance.now() - loop.measuringSince) / 1000
    // A rate of nothing is no figure.
    if (latencies.length === 0) return yield* new OperationFailed({ row, reason: "no operation ended in the span" })
    return figures({ latencies, seconds, before, after: cpu(), setting })
  })
  const result = yield* Effect.exit(Effect.raceFirst(measured, Deferred.await(broken)))
  loop.stopped = true
  if (Exit.isFailure(result)) yield* Fiber.interruptAll(callers)
  yield* Effect.forEach(callers, (fiber) => Fiber.await(fiber), { discard: true })
  return yield* result
})

/**
 * A given number of operations, `inFlight` at a time, after others to warm up: for work that can be done only once, such
 * as a checkout of a cart that is filled. What it has from the first begin to the last end counts; the last few
 * operations have fewer beside them. The first failure ends the row.
 */
export const fixedWork = Effect.fnUntraced(function* <E, R>(options: {
  readonly row: string
  readonly setting: string
  readonly inFlight: number
  readonly warmUp: number
  readonly operations: number
  readonly cpu: Cpu
  /** `n` from 0: first those that warm up, then those that count. */
  readonly operation: (n: number) => Effect.Effect<unknown, E, R>
}) {
  const { cpu, inFlight, operation, operations, row, setting, warmUp } = options
  const latencies: Array<number> = []
  const timed = (n: number) =>
    Effect.suspend(() => {
      const since = performance.now()
      return Effect.tap(operation(n), () => Effect.sync(() => latencies.push(performance.now() - since)))
    })
  const all = (first: number, count: number) =>
    Effect.forEach(
      Array.from({ length: count }, (_, at) => first + at),
      timed,
      { concurrency: inFlight, discard: true }
    ).pipe(Effect.catchCause((cause) => Effect.fail(new OperationFailed({ row, reason: reasonOf(cause) }))))
  yield* all(0, warmUp)
  latencies.length = 0
  const before = cpu()
  const since = performance.now()
  yield* all(warmUp, operations)
  const seconds = (performance.now() - since) / 1000
  return figures({ latencies, seconds, before, after: cpu(), setting })
})
