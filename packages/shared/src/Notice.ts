import { type Effect, Latch } from "effect"

/**
 * Wakes all who wait for it. Who looks at something and then waits until it changes asks for `next` before the look: what
 * changes during the look is not missed then.
 */
export class Notice {
  #latch = Latch.makeUnsafe(false)

  /** Wakes those who wait now. */
  give(): void {
    const waiting = this.#latch
    this.#latch = Latch.makeUnsafe(false)
    waiting.openUnsafe()
  }

  /** Ends when it is given for the first time after this call. */
  next(): Effect.Effect<void> {
    return this.#latch.await
  }
}
