import { Notice } from "@halles/shared/Notice"
import { Effect, Metric, Schedule, type Scope } from "effect"
import { monitorEventLoopDelay } from "node:perf_hooks"
import type { Priority } from "@halles/shared/wire/Traffic"

/** How often the event loop is timed, and how often what was measured is looked at, in milliseconds. */
const resolutionMs = 10
const lookMs = 100
/** Who was asked for nothing in this time is at rest. */
const restMs = 5_000
/** Requests of all priorities under way at a time. */
export const inFlightMax = 2_000

/**
 * From `beginsMs` of event-loop delay on a growing share is turned away, from `allMs` on everything; likewise beyond a share of
 * `inFlightMax`. What brings money in is kept longest.
 */
export const thresholds: Readonly<
  Record<Priority, { readonly beginsMs: number; readonly allMs: number; share: number }>
> = {
  bulk: { beginsMs: 100, allMs: 250, share: 0.5 },
  browse: { beginsMs: 200, allMs: 500, share: 0.7 },
  cart: { beginsMs: 400, allMs: 1_000, share: 0.85 },
  checkout: { beginsMs: 800, allMs: 2_000, share: 1 },
  vital: { beginsMs: Number.POSITIVE_INFINITY, allMs: Number.POSITIVE_INFINITY, share: Number.POSITIVE_INFINITY }
}

const eventLoopDelay = Metric.gauge("halles_edge_event_loop_delay_seconds", {
  description: "How late the event loop is, by which requests are shed."
})

export interface Shedding {
  /** Whether this request is one too many. */
  readonly refuses: (priority: Priority, inFlight: number) => boolean
}

/** Pure but for its memory of what it let pass: of ten requests at a pressure of 0.3, three are refused. */
export const make = (delayMs: () => number): Shedding => {
  const carried = new Map<Priority, number>()
  return {
    refuses: (priority, inFlight) => {
      const { allMs, beginsMs, share } = thresholds[priority]
      if (inFlight >= inFlightMax * share) return true
      const delay = delayMs()
      if (delay <= beginsMs) return false
      const pressure = Math.min(1, (delay - beginsMs) / (allMs - beginsMs))
      const sum = (carried.get(priority) ?? 0) + pressure
      carried.set(priority, sum % 1)
      return sum >= 1
    }
  }
}

/**
 * By the delay of this process's event loop, smoothed over about half a second. While nobody asks for anything it is not timed: a
 * timer of 10 ms is most of what a process at rest does.
 */
export const measured: Effect.Effect<Shedding, never, Scope.Scope> = Effect.gen(function* () {
  const histogram = yield* Effect.acquireRelease(
    Effect.sync(() => monitorEventLoopDelay({ resolution: resolutionMs })),
    (started) => Effect.sync(() => started.disable())
  )
  const asked = new Notice()
  let askedAt = Number.NEGATIVE_INFINITY
  let isResting = false
  let delayMs = 0
  const look = Effect.gen(function* () {
    const seenMs = histogram.count === 0 ? 0 : Math.max(0, histogram.mean / 1e6 - resolutionMs)
    histogram.reset()
    delayMs = delayMs * 0.7 + seenMs * 0.3
    yield* Metric.update(eventLoopDelay, delayMs / 1_000)
    if (performance.now() - askedAt < restMs) return
    delayMs = 0
    histogram.disable()
    isResting = true
    yield* asked.next()
    isResting = false
    histogram.enable()
  })
  yield* look.pipe(Effect.repeat(Schedule.spaced(lookMs)), Effect.forkScoped)
  const { refuses } = make(() => delayMs)
  return {
    refuses: (priority, inFlight) => {
      askedAt = performance.now()
      if (isResting) asked.give()
      return refuses(priority, inFlight)
    }
  }
})
