import { Notice } from "@halles/shared/Notice"
import { Effect } from "effect"

/** The earliest timer that this process has written since `Timers` last read the table: `Timers` need not ask the database for it. */
export class WrittenTimers {
  /** Unix milliseconds. */
  earliest = Number.POSITIVE_INFINITY
  /** Given when an earlier one than `earliest` is written. */
  readonly earlier = new Notice()

  /** Notes timers once the statement has ended, also in a failure: they may be in the table. 0 and `undefined` are no timers. */
  noting<A, E>(
    writing: Effect.Effect<A, E>,
    timers: ReadonlyArray<{ readonly dueAt: number | undefined }>
  ): Effect.Effect<A, E> {
    return Effect.ensuring(
      writing,
      Effect.sync(() => {
        const before = this.earliest
        for (const { dueAt = 0 } of timers) if (dueAt > 0 && dueAt < this.earliest) this.earliest = dueAt
        if (this.earliest < before) this.earlier.give()
      })
    )
  }
}
