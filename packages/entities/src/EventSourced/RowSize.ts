import { failedWith } from "@halles/shared/Undeclared"
import { Effect, type Exit, Metric } from "effect"
import type { Bounds } from "./Kind.ts"

const tooLargeTotal = Metric.counter("halles_row_too_large_total", {
  description: "Commands that were refused, since what they came to is larger than a row of the journal may be",
  incremental: true
})

/** In bytes; characters are looked at first, since a text of few cannot be over. */
const isOver = (text: string, bytesMax: number): boolean =>
  text.length * 3 > bytesMax && (text.length > bytesMax || Buffer.byteLength(text) > bytesMax)

/**
 * What is said instead of a row whose events come to more than it may hold, or `null`. No contract names it, as none names that
 * an entity is parked. Nothing was decided.
 */
export const refusal = (text: string, bounds: Bounds, entity: string, tag: string): Effect.Effect<never> | null =>
  isOver(text, bounds.rowBytesMax)
    ? Effect.andThen(
        Effect.logError(`${entity}: what ${tag} comes to is larger than a row may be, it is refused`),
        Effect.andThen(Metric.update(tooLargeTotal, 1), failedWith("TooLarge", entity) as Exit.Exit<never>)
      )
    : null
