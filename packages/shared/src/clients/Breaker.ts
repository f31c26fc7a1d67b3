import { Clock, Effect, Exit, Metric, Schema } from "effect"

/** The dependency has failed so often that it is not asked for a moment; nothing was sent. */
export class BreakerOpen extends Schema.TaggedError<BreakerOpen>()("BreakerOpen", { dependency: Schema.String }) {}

/** Of the last calls, so many are looked at; with fewer nothing is concluded. */
const callsSeen = 50
const callsMin = 20
/** From this share of failures on it opens. */
const failuresMin = 0.5
/** So long it stays open the first time; each time the probe fails twice as long, to the bound. */
const openMs = 500
const openMsMax = 2_000

const state = Metric.gauge("halles_breaker_state", {
  description: "Of calls to a dependency: 0 all go out, 1 one is tried, 2 none goes out."
})
const opened = Metric.counter("halles_breaker_opened_total", {
  description: "How often calls to a dependency were stopped.",
  incremental: true
})
const refused = Metric.counter("halles_breaker_refused_total", {
  description: "Calls that were not sent, since the dependency was failing.",
  incremental: true
})

/** A dependency that is not `Closed`: since when, and when somebody wanted it last, in Unix milliseconds. */
export interface Failing {
  readonly since: number
  calledAt: number
}
/** Of this process, by dependency. */
export const failing = new Map<string, Failing>()

export type State = "Closed" | "HalfOpen" | "Open"
const levels: Readonly<Record<State, number>> = { Closed: 0, HalfOpen: 1, Open: 2 }

export interface Breaker {
  /** `isFailure` says which errors are the dependency's fault; all are, where it is absent. */
  readonly run: <A, E, R>(
    call: Effect.Effect<A, E, R>,
    isFailure?: (error: E) => boolean
  ) => Effect.Effect<A, E | BreakerOpen, R>
  readonly state: Effect.Effect<State>
}

export interface Options {
  /** Calls before anything is concluded, where a dependency is seldom asked. */
  readonly callsMin?: number
  /** A call that was given up after this long was not answered: a failure. Without it, who gives up says nothing. */
  readonly answerMsMax?: number
}

/**
 * A circuit breaker for one dependency of this process, with its state as a metric: half of the calls failing opens it, one
 * probe at a time closes it again. What was sent before it opened decides nothing afterwards.
 *
 * **Details**
 *
 * Every call to an entity passes here. Effect's own breaker keeps its state in a store behind effects, which took more
 * than 20 µs a call, a twentieth of what a request costs the edge; this one is a few plain fields.
 */
export const make = Effect.fnUntraced(function* (dependency: string, options: Options = {}) {
  const { answerMsMax = Number.POSITIVE_INFINITY } = options
  const minimum = options.callsMin ?? callsMin
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const stateNow = Metric.withAttributes(state, { dependency })
  const openedNow = Metric.withAttributes(opened, { dependency })
  const refusedNow = Metric.withAttributes(refused, { dependency })

  let current: State = "Closed"
  let probeAt = 0
  /** How often it opened since it was closed. */
  let times = 0
  let recent: Array<boolean> = []
  let failures = 0

  const become = (next: State) => {
    current = next
    if (next === "Closed") failing.delete(dependency)
    else if (!failing.has(dependency)) {
      const nowMs = clock.currentTimeMillisUnsafe()
      failing.set(dependency, { since: nowMs, calledAt: nowMs })
    }
    stateNow.updateUnsafe(levels[next], context)
  }
  const open = () => {
    probeAt = clock.currentTimeMillisUnsafe() + Math.min(openMsMax, openMs * 2 ** times)
    times += 1
    openedNow.updateUnsafe(1, context)
    become("Open")
    Effect.runForkWith(context)(Effect.logWarning(`Calls to ${dependency} stop for a moment`))
  }
  const close = () => {
    times = 0
    recent = []
    failures = 0
    become("Closed")
  }
  const count = (failed: boolean) => {
    recent.push(failed)
    if (failed) failures += 1
    if (recent.length > callsSeen && recent.shift() === true) failures -= 1
    // What succeeds is no reason to stop, whatever failed before it.
    if (failed && recent.length >= minimum && failures >= recent.length * failuresMin) open()
  }
  become("Closed")

  const isOpen = new BreakerOpen({ dependency })
  const run = <A, E, R>(
    call: Effect.Effect<A, E, R>,
    isFailure: (error: E) => boolean = () => true
  ): Effect.Effect<A, E | BreakerOpen, R> =>
    Effect.suspend((): Effect.Effect<A, E | BreakerOpen, R> => {
      const sentAt = clock.currentTimeMillisUnsafe()
      if (current !== "Closed") {
        const known = failing.get(dependency)
        if (known !== undefined) known.calledAt = sentAt
      }
      if (current === "HalfOpen" || (current === "Open" && sentAt < probeAt)) {
        refusedNow.updateUnsafe(1, context)
        return Effect.fail(isOpen)
      }
      const isProbe = current === "Open"
      if (isProbe) become("HalfOpen")
      /** Nothing is known of a call that somebody gave up early. */
      const verdict = (exit: Exit.Exit<A, E>): boolean | undefined => {
        if (Exit.isSuccess(exit)) return false
        const error = Exit.findErrorOption(exit)
        if (error._tag === "Some") return isFailure(error.value)
        if (!Exit.hasInterrupts(exit)) return true
        return clock.currentTimeMillisUnsafe() - sentAt >= answerMsMax ? true : undefined
      }
      return Effect.onExitPrimitive(call, (exit) => {
        const failed = verdict(exit)
        if (isProbe) {
          if (failed === undefined) become("Open")
          else if (failed) open()
          else close()
        } else if (failed !== undefined && current === "Closed") count(failed)
        return undefined
      })
    })
  return { run, state: Effect.sync(() => current) } satisfies Breaker
})
