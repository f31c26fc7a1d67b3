import { isWithinBytes } from "@halles/shared/Bytes"
import { failedWith } from "../activation/Undeclared.ts"
import { Effect, type Exit, Metric } from "effect"
import type { Bounds } from "./Kind.ts"

const tooLargeTotal = Metric.counter("halles_row_too_large_total", {
  description: "Commands that were refused, since what they came to is larger than a row of the journal may be",
  incremental: true
})

/** Whether a row may hold events of this text. */
export const fits = (text: string, { rowBytesMax }: Bounds): boolean => isWithinBytes(text, rowBytesMax)

/**
 * What is said instead of a row whose events come to more than it may hold. No contract names it, as none names that an entity is
 * parked. Nothing was decided.
 */
export const refusal = (entity: string, tag: string): Effect.Effect<never> =>
  Effect.andThen(
    Effect.logError(`${entity}: what ${tag} comes to is larger than a row may be, it is refused`),
    Effect.andThen(Metric.update(tooLargeTotal, 1), failedWith("TooLarge", entity) as Exit.Exit<never>)
  )
