import { Context, Deferred, Effect, Exit, Fiber, Option } from "effect"
import type { Entry, Refused } from "../journal/GroupCommit.ts"
import type { Journal } from "../journal/Journal.ts"

/** What the owner waits for the answers at the most; then its row goes alone, and the step is sent like all others. */
export const jointMs = 1_000
/** Steps that one row takes along. */
export const jointStepsMax = 4

/** Sends a pending step before the row that makes it pending is written, and gives the events that the answer comes to. */
export type JointStep<Event> = Effect.Effect<ReadonlyArray<Event>, unknown>

/**
 * Rows of several entities of one shard that are committed together or not at all.
 *
 * The *owner* has decided on a row that makes a step pending. It sends that step before it writes the row. The receiver, an
 * entity in the same process, decides, keeps its own row back and answers. The owner puts the answer into its row, and both rows
 * are put in line for the journal together: one commit instead of three, and no step is pending in between. Where that cannot be (the
 * receiver is elsewhere or busy, or refuses) nothing is lost: the owner's row goes alone, and its step stays pending.
 *
 * Until it is settled, owner and receiver decide nothing else.
 */
export class JointCommit {
  /** The receivers' rows, in the order in which they were decided. */
  readonly entries: Array<Entry> = []
  private readonly settled = Deferred.makeUnsafe<Effect.Effect<Refused | null>>()
  private inLine: Effect.Effect<Refused | null> | null = null
  private isGivenUp = false
  isOver = false

  /** Of all its rows: that they are committed, or why none is. */
  readonly commit: Effect.Effect<Refused | null> = Effect.flatten(Deferred.await(this.settled))
  /** Until those who take part may go on. */
  readonly over: Effect.Effect<void> = Effect.asVoid(Deferred.await(this.settled))

  /** The one that the code which runs now belongs to: as its owner's step, or in its receiver's handler. */
  static current(): JointCommit | null {
    const fiber = Fiber.getCurrent()
    const joint = fiber === undefined ? null : Context.get(fiber.context, Current)
    return joint === null || joint.isGivenUp || joint.isOver ? null : joint
  }

  /** What a receiver's handler runs with. */
  static within(services: Context.Context<never>, joint: JointCommit | null): Context.Context<never> {
    return joint === null ? services : Context.add(services, Current, joint)
  }

  /** Keeps a receiver's row. */
  join(entry: Entry): Effect.Effect<Refused | null> {
    this.entries.push(entry)
    return this.commit
  }

  /** Puts the owner's row in line for the journal, with those of the receivers before it. */
  write({ appendUnsafe }: Journal["Service"], entry: Entry): Effect.Effect<Refused | null> {
    if (this.isGivenUp) return appendUnsafe(entry)
    const commit = appendUnsafe(entry, this.entries)
    this.inLine = commit
    return commit
  }

  /** The owner's row goes alone. A receiver knows too much then, and is made anew. */
  private giveUp(): void {
    this.isGivenUp = true
    for (const { lease } of this.entries) lease.dead = true
  }

  /** Those who take part go on: not before the owner has put its row in line. */
  release(): void {
    if (this.isOver) return
    if (this.inLine === null) this.giveUp()
    this.isOver = true
    Deferred.doneUnsafe(this.settled, Exit.succeed(this.inLine ?? Effect.succeed({ _tag: "Dead" })))
  }

  readonly released: Effect.Effect<void> = Effect.sync(() => this.release())

  /** The events of the owner's row: those that were decided on, and those that the answers to its joint steps come to, `first` and the ones after it. */
  collect<Event>(
    decided: ReadonlyArray<Event>,
    first: JointStep<Event>,
    stepAfter: (events: ReadonlyArray<Event>) => JointStep<Event> | null
  ): Effect.Effect<ReadonlyArray<Event>> {
    return Effect.gen({ self: this }, function* () {
      let events = decided
      let step: JointStep<Event> | null = first
      for (let steps = 0; step !== null && steps < jointStepsMax; steps++) {
        const before = this.entries.length
        const more = yield* this.ask(step)
        if (more.length === 0) {
          if (this.entries.length === before) return events
          // A receiver has done what nobody here knows the answer of.
          this.giveUp()
          return decided
        }
        events = [...events, ...more]
        step = stepAfter(events)
      }
      return events
    })
  }

  /** The answer, if it can be had at once. */
  private ask<Event>(step: JointStep<Event>): Effect.Effect<ReadonlyArray<Event>> {
    return step.pipe(
      Effect.provideService(Current, this),
      Effect.timeoutOption(jointMs),
      Effect.map(Option.getOrElse((): ReadonlyArray<Event> => [])),
      Effect.catchCause(() => Effect.succeed<ReadonlyArray<Event>>([]))
    )
  }
}

const Current = Context.Reference<JointCommit | null>("@halles/engine/JointCommit", { defaultValue: () => null })
