import { Effect } from "effect"
import * as ParkedEntityTables from "./activation/ParkedEntityTables.ts"
import * as ArchiveTables from "./journal/ArchiveTables.ts"
import * as JournalTables from "./journal/JournalTables.ts"
import * as ParkedEventTables from "./journal/ParkedEventTables.ts"
import * as ShardEpochTables from "./placement/ShardEpochTables.ts"
import type { Projection } from "./projections/Projection.ts"
import * as ProjectionTables from "./projections/ProjectionTables.ts"

/** What the engine has to know of the domains that its tables are for. */
export interface Needs {
  /** The types whose histories never move to the archive. */
  readonly hot: readonly [string, ...ReadonlyArray<string>]
  readonly projections: ReadonlyArray<Projection>
}

/** The engine's tables in the database of a region, and the read tables of the domains. */
export const create = Effect.fnUntraced(function* ({ hot, projections }: Needs) {
  yield* ShardEpochTables.create
  yield* JournalTables.create
  yield* ArchiveTables.create(hot)
  yield* ParkedEntityTables.create
  yield* ParkedEventTables.create
  yield* ProjectionTables.create(projections)
})
