import { Clock, Context, Effect, Exit, Fiber } from "effect"

/** How late a deadline may be noticed. */
const lookMs = 50

interface Due {
  readonly atMs: number
  readonly expire: () => void
}

/** Of one clock. Nobody looks while nothing is due. */
class Watch {
  private readonly dues = new Set<Due>()
  private isLooking = false
  private readonly clock: Clock.Clock
  constructor(clock: Clock.Clock) {
    this.clock = clock
  }

  /** What is returned says that it was met. */
  add(afterMs: number, expire: () => void): () => void {
    const due = { atMs: this.clock.currentTimeMillisUnsafe() + afterMs, expire }
    this.dues.add(due)
    if (!this.isLooking) {
      this.isLooking = true
      Effect.runFork(Effect.provideService(this.look, Clock.Clock, this.clock))
    }
    return () => this.dues.delete(due)
  }

  private readonly look: Effect.Effect<void> = Effect.suspend(() => {
    const now = this.clock.currentTimeMillisUnsafe()
    for (const due of this.dues) {
      if (due.atMs > now) continue
      this.dues.delete(due)
      due.expire()
    }
    this.isLooking = this.dues.size > 0
    return this.isLooking ? Effect.delay(this.look, lookMs) : Effect.void
  })
}

const watches = new WeakMap<Clock.Clock, Watch>()

/**
 * Deadlines of what each request does. A timer, a sleeping fiber and a race for each of them cost more than a request's own
 * work between them; these are looked at together, and are noticed up to 50 ms late.
 */
export const add = (clock: Clock.Clock, afterMs: number, expire: () => void): (() => void) => {
  let watch = watches.get(clock)
  if (watch === undefined) {
    watch = new Watch(clock)
    watches.set(clock, watch)
  }
  return watch.add(afterMs, expire)
}

/** As `Effect.timeoutOrElse`, by such a deadline. */
export const within = <A, E, R, E2>(
  effect: Effect.Effect<A, E, R>,
  afterMs: number,
  late: () => Exit.Exit<A, E2>
): Effect.Effect<A, E | E2, R> =>
  Effect.contextWith((context: Context.Context<R>) =>
    Effect.callback<A, E | E2>((resume) => {
      const fiber = Effect.runForkWith(context)(effect)
      const done = fiber.pollUnsafe()
      if (done !== undefined) return resume(done)
      let isLate = false
      const met = add(Context.get(context, Clock.Clock), afterMs, () => {
        isLate = true
        fiber.interruptUnsafe()
      })
      fiber.addObserver((exit) => {
        met()
        resume(isLate && Exit.hasInterrupts(exit) ? late() : exit)
      })
      return Effect.suspend(() => {
        met()
        return Fiber.interrupt(fiber)
      })
    })
  )
