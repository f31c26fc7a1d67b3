import { Clock, Effect, Latch } from "effect"
import type { Catalogue } from "./Catalogue.ts"

/** So long after a change of categories or product types the products are looked through: after many changes once. */
const soon = "300 millis"

/** Looks through the products of a catalogue where categories or product types have changed. */
export const make = Effect.fnUntraced(function* (catalogue: Catalogue) {
  const clock = yield* Clock.Clock
  const changed = Latch.makeUnsafe(false)
  /** When the first change came that is not looked at, and the first of those that are being looked at. */
  let waiting: number | null = null
  let working: number | null = null

  const look = Effect.gen(function* () {
    yield* changed.await
    yield* Effect.sleep(soon)
    changed.closeUnsafe()
    working = waiting
    waiting = null
    yield* catalogue.restand
  }).pipe(
    Effect.tapCause((cause) => Effect.logWarning("Products may stand in other categories than is shown", cause)),
    Effect.ignoreCause,
    Effect.ensuring(Effect.sync(() => (working = null)))
  )

  return {
    /** Says that something has changed, if it has. */
    note: (isChanged: boolean): boolean => {
      if (isChanged) {
        waiting ??= clock.currentTimeMillisUnsafe()
        changed.openUnsafe()
      }
      return isChanged
    },
    /** The index has all changes until then. */
    asOf: () => working ?? waiting ?? Infinity,
    run: Effect.forkScoped(Effect.forever(look))
  }
})
