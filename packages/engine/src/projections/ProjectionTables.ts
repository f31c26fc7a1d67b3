import { grant } from "@halles/shared/security/Grant"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { Projection } from "./Projection.ts"

/**
 * Read tables that follow the journal. Each row is a function of one entity's journal up to `seq`, so that applying a
 * message twice, late or after a rebuild comes to the same row. All of it can be dropped and rebuilt.
 */
export const create = Effect.fnUntraced(function* (projections: ReadonlyArray<Projection>) {
  const sql = yield* SqlClient.SqlClient

  // Which version of its fold a table was last built by, and up to where in the stream all is applied.
  yield* sql`
    CREATE TABLE projection (
      name text PRIMARY KEY,
      version integer NOT NULL,
      stream_seq bigint NOT NULL DEFAULT 0,
      rebuilt_at timestamptz NOT NULL DEFAULT now()
    )`
  yield* grant("halles_runner", "SELECT, INSERT, UPDATE, DELETE ON projection")
  yield* grant("halles_reader", "SELECT ON projection")

  for (const { columns, derived, indexes, table } of projections) {
    const lines = [
      "id text PRIMARY KEY",
      "seq integer NOT NULL",
      ...Object.entries(columns).map(
        ([name, { isNullable, type }]) => `${name} ${type}${isNullable ? "" : " NOT NULL"}`
      ),
      ...Object.entries(derived).map(([name, definition]) => `${name} ${definition}`)
    ]
    yield* sql.unsafe(`CREATE TABLE ${table} (${lines.join(", ")})`)
    for (const [name, on] of Object.entries(indexes)) yield* sql.unsafe(`CREATE INDEX ${name} ON ${table} ${on}`)
    yield* grant("halles_runner", `SELECT, INSERT, UPDATE, DELETE ON ${table}`)
    yield* grant("halles_edge", `SELECT ON ${table}`)
    yield* grant("halles_reader", `SELECT ON ${table}`)
  }
})
