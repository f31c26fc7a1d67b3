import type { Actor } from "../activation/Call.ts"
import { Effect, Exit, Random } from "effect"
import type { Clock } from "effect/Clock"
import type { WriterLease } from "../journal/GroupCommit.ts"
import type { Keyed } from "./Kind.ts"
import { Turns } from "./Turns.ts"

/** What sends the pending steps of an entity knows of it. */
interface Driven<PendingStep extends Keyed> {
  readonly name: string
  readonly lease: WriterLease
  readonly committedSeq: number
  readonly pendingSteps: () => ReadonlyArray<PendingStep>
  readonly send: (step: PendingStep) => Effect.Effect<unknown, unknown>
  readonly changedSince: (seen: number) => Effect.Effect<void>
}

/** Sends the pending steps of an entity, one at a time, until none is left. */
export class Driver<PendingStep extends Keyed> {
  isDriving = false
  private readonly turns = new Turns()
  private readonly entity: Driven<PendingStep>
  private readonly clock: Clock

  constructor(entity: Driven<PendingStep>, clock: Clock) {
    this.entity = entity
    this.clock = clock
  }

  /** From here on it drives. */
  begin(): Effect.Effect<void> {
    this.isDriving = true
    return Effect.ensuring(
      this.drive(),
      Effect.sync(() => (this.isDriving = false))
    )
  }

  /** A step that failed waits for its next turn; steps that were tried less go before it. */
  private drive(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { clock, entity, turns } = this
      while (!entity.lease.dead) {
        const seen = entity.committedSeq
        const all = entity.pendingSteps()
        turns.keep(all)
        const step = turns.first(all)
        if (step === null) {
          this.isDriving = false
          return
        }
        const waitMs = turns.dueAt(step) - clock.currentTimeMillisUnsafe()
        if (waitMs > 0) yield* Effect.raceFirst(Effect.sleep(waitMs), entity.changedSince(seen))
        else {
          const exit = yield* Effect.exit(entity.send(step))
          if (!entity.pendingSteps().some(({ key }) => key === step.key)) continue
          if (Exit.isFailure(exit)) yield* Effect.logDebug(`${entity.name} could not do ${step.key} yet`, exit.cause)
          turns.failed(step, exit, clock.currentTimeMillisUnsafe(), yield* Random.nextBetween(0.75, 1.25))
        }
        if (entity.committedSeq > seen) turns.hurry()
      }
    })
  }

  triesOfFirst(): NonNullable<Actor["tries"]> | null {
    const [first] = this.entity.pendingSteps()
    return first === undefined ? null : this.turns.triesOf(first)
  }
}
