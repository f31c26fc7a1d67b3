import type { Effect } from "effect"
import type { Figures, Span } from "./Measure.ts"
import type { Stage } from "./Stage.ts"

/** What a measurement may depend on. */
export interface Plan {
  readonly quick: boolean
  readonly span: Span
  readonly wants: (row: string) => boolean
  /** Prints a row and keeps it. */
  readonly report: (row: string, figures: Figures) => Effect.Effect<void>
}

/** Rows that are measured together, since they are compared or share what takes long to set up. Begins with an empty journal. */
export interface Measurement {
  readonly rows: ReadonlyArray<string>
  readonly run: (plan: Plan) => Effect.Effect<void, Error, Stage>
}
