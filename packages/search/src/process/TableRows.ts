import { type Entry, selected, type ViewRow } from "@halles/engine/projections/Projection"
import type { Columns, RowOf, Table } from "@halles/engine/projections/Table"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Rows of the table that are read at a time. */
const pageMax = 2_000

export type Row<C extends Columns> = RowOf<C> & ViewRow

/** The row after an entry; `null` where that does not follow from the row before it, or is not understood, and the table must be asked. */
export const after = <C extends Columns>(table: Table<C>, before: Row<C> | undefined, entry: Entry): Row<C> | null => {
  if (entry.inJournal === true || entry.seq !== (before?.seq ?? 0) + 1) return null
  try {
    return { ...table.fold(before ?? null, entry), id: entry.id, seq: entry.seq }
  } catch {
    return null
  }
}

/** Reading of a read table of the region. */
export const make = Effect.fnUntraced(function* <C extends Columns>(table: Table<C>) {
  const sql = yield* SqlClient.SqlClient
  const columns = sql.literal(selected(table))
  const from = sql.literal(table.table)

  /** All rows, a page at a time in the order of their ids. */
  const page = (afterId: string) =>
    Effect.map(
      sql<Row<C>>`SELECT ${columns} FROM ${from} WHERE id > ${afterId} ORDER BY id LIMIT ${pageMax}`,
      (rows) => ({ rows, isLast: rows.length < pageMax })
    )

  const some = (ids: ReadonlyArray<string>) => sql<Row<C>>`SELECT ${columns} FROM ${from} WHERE ${sql.in("id", ids)}`

  /** Up to where in the event stream the table has everything; 0 before that is known. */
  const appliedUpTo = Effect.map(
    sql<{ at: string }>`SELECT stream_seq::text AS at FROM projection WHERE name = ${table.name}`,
    ([row]) => Number(row?.at ?? 0)
  )

  return { page, some, appliedUpTo }
})
