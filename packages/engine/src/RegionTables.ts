import { Effect } from "effect"
import * as ParkedEntityTables from "./activation/ParkedEntityTables.ts"
import * as ArchiveTables from "./journal/ArchiveTables.ts"
import * as JournalTables from "./journal/JournalTables.ts"
import * as ParkedEventTables from "./journal/ParkedEventTables.ts"
import * as ShardEpochTables from "./placement/ShardEpochTables.ts"
import * as ProjectionTables from "./projections/ProjectionTables.ts"

/** The engine's tables in the database of a region. `hot`: the types whose histories never move to the archive. */
export const create = Effect.fnUntraced(function* (hot: readonly [string, ...ReadonlyArray<string>]) {
  yield* ShardEpochTables.create
  yield* JournalTables.create
  yield* ArchiveTables.create(hot)
  yield* ParkedEntityTables.create
  yield* ParkedEventTables.create
  yield* ProjectionTables.create
})
