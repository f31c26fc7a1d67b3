import { Clock, Effect, Semaphore } from "effect"

/** Milliseconds of the clock that all threads share. */
export const nowMs = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

/** Starts the `n`th operation, which was meant to begin at `intendedMs`. It never fails: what comes of it is noted by itself. */
export type Operation<R> = (n: number, intendedMs: number) => Effect.Effect<void, never, R>

/**
 * An open loop: operations begin when they are meant to, whatever became of those before, so that a server that stalls
 * keeps all the latency that its clients would have had. At `inFlightMax` the next one waits for another to end; its latency
 * counts from when it was meant to begin all the same. Gives how many had to wait so, once all have ended.
 */
export const openLoop = Effect.fnUntraced(function* <R>(options: {
  /** Milliseconds after `startMs`, ascending. */
  readonly arrivals: Iterable<number>
  readonly startMs: number
  readonly inFlightMax: number
  readonly operation: Operation<R>
}) {
  const { arrivals, inFlightMax, operation, startMs } = options
  const clock = yield* Clock.Clock
  const places = yield* Semaphore.make(inFlightMax)
  let heldBack = 0
  let inFlight = 0
  let n = 0
  for (const afterMs of arrivals) {
    const intendedMs = startMs + afterMs
    const earlyMs = intendedMs - nowMs(clock)
    if (earlyMs > 0) yield* Effect.sleep(Math.ceil(earlyMs))
    if (inFlight >= inFlightMax) heldBack += 1
    yield* Semaphore.take(places, 1)
    inFlight += 1
    const ended = Effect.suspend(() => {
      inFlight -= 1
      return Semaphore.release(places, 1)
    })
    yield* Effect.forkChild(Effect.ensuring(operation(n++, intendedMs), ended), { startImmediately: true })
  }
  yield* Semaphore.take(places, inFlightMax)
  return { heldBack }
})

/** A closed loop: so many callers, each of which begins its next operation when its last one has ended. */
export const closedLoop = Effect.fnUntraced(function* <R>(options: {
  readonly callers: number
  readonly startMs: number
  readonly untilMs: number
  readonly operation: Operation<R>
}) {
  const { callers, operation, startMs, untilMs } = options
  const clock = yield* Clock.Clock
  yield* Effect.sleep(Math.max(0, Math.ceil(startMs - nowMs(clock))))
  let n = 0
  const caller = Effect.gen(function* () {
    for (let now = nowMs(clock); now < untilMs; now = nowMs(clock)) yield* operation(n++, now)
  })
  yield* Effect.all(
    Array.from({ length: callers }, () => caller),
    { concurrency: "unbounded", discard: true }
  )
  return { heldBack: 0 }
})
