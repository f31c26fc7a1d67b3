import { Effect, Exit, Metric, Option, Schedule, Schema, Stream } from "effect"
import { CircuitBreaker } from "effect/persistence"

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

export interface Breaker {
  /** `isFailure` says which errors are the dependency's fault; all are, where it is absent. */
  readonly run: <A, E, R>(
    call: Effect.Effect<A, E, R>,
    isFailure?: (error: E) => boolean
  ) => Effect.Effect<A, E | BreakerOpen, R>
  readonly state: Effect.Effect<"Closed" | "HalfOpen" | "Open">
}

/**
 * A circuit breaker (Effect's) for one dependency of this process, with its state as a metric: half of the calls failing opens
 * it, one probe at a time closes it again. A call that is interrupted counts as nothing: deadlines belong inside.
 */
export const make = Effect.fnUntraced(function* (dependency: string) {
  const breaker = yield* CircuitBreaker.make({
    tripPolicy: CircuitBreaker.rate({ threshold: failuresMin, minimumCalls: callsMin, size: callsSeen }),
    openDuration: Schedule.exponential(openMs),
    maxOpenDuration: openMsMax
  }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))
  const attributes = { dependency }
  const stateNow = Metric.withAttributes(state, attributes)
  const openedNow = Metric.withAttributes(opened, attributes)
  const refusedNow = Metric.withAttributes(refused, attributes)
  yield* Metric.update(stateNow, 0)
  yield* breaker.transitions.pipe(
    Stream.runForEach(({ to }) =>
      Effect.andThen(
        Metric.update(stateNow, to === "Closed" ? 0 : to === "HalfOpen" ? 1 : 2),
        to === "Open"
          ? Effect.andThen(Metric.update(openedNow, 1), Effect.logWarning(`Calls to ${dependency} stop for a moment`))
          : Effect.void
      )
    ),
    Effect.forkScoped({ startImmediately: true })
  )
  const open = new BreakerOpen({ dependency })
  const run = <A, E, R>(
    call: Effect.Effect<A, E, R>,
    isFailure: (error: E) => boolean = () => true
  ): Effect.Effect<A, E | BreakerOpen, R> =>
    breaker
      .execute(call, {
        key: dependency,
        classify: (exit) =>
          Option.match(Exit.findErrorOption(exit), {
            onNone: () => (Exit.isSuccess(exit) ? CircuitBreaker.success : CircuitBreaker.failure()),
            onSome: (error) => (isFailure(error) ? CircuitBreaker.failure() : CircuitBreaker.success)
          })
      })
      .pipe(
        Effect.catchIf(
          (error) => error instanceof CircuitBreaker.CircuitBreakerError,
          () => Effect.andThen(Metric.update(refusedNow, 1), Effect.fail(open))
        )
      ) as Effect.Effect<A, E | BreakerOpen, R>
  return {
    run,
    state: Effect.map(Effect.orDie(breaker.state(dependency)), ({ _tag }) => _tag)
  } satisfies Breaker
})
