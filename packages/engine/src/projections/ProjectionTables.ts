import { grant } from "@halles/shared/security/Grant"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { createHash } from "node:crypto"
import type { Projection } from "./Projection.ts"

/** Which version of its fold a read table was last built by, and up to where in the stream all is applied. */
export const create = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE projection (
      name text PRIMARY KEY,
      version integer NOT NULL,
      stream_seq bigint NOT NULL DEFAULT 0,
      rebuilt_at timestamptz NOT NULL DEFAULT now()
    )`
  yield* grant("halles_runner", "SELECT, INSERT, UPDATE, DELETE ON projection")
  yield* grant("halles_reader", "SELECT ON projection")
})

const statementsOf = ({ columns, derived, indexes, table }: Projection): ReadonlyArray<string> => {
  const lines = [
    "id text PRIMARY KEY",
    "seq integer NOT NULL",
    ...Object.entries(columns).map(([name, { isNullable, type }]) => `${name} ${type}${isNullable ? "" : " NOT NULL"}`),
    ...Object.entries(derived).map(([name, definition]) => `${name} ${definition}`)
  ]
  const made = Object.entries(indexes).map(([name, on]) => `CREATE INDEX ${name} ON ${table} ${on}`)
  return [`CREATE TABLE ${table} (${lines.join(", ")})`, ...made]
}

/**
 * Makes the read tables that are missing, and those anew whose columns or indexes have changed; the comment of a table says what it
 * was made of. Each row is a function of one entity's journal up to `seq`, so all of it can be dropped: runners build what is empty.
 */
export const ensure = Effect.fn("ProjectionTables.ensure")(function* (projections: ReadonlyArray<Projection>) {
  const sql = yield* SqlClient.SqlClient
  for (const projection of projections) {
    const { name, table } = projection
    const statements = statementsOf(projection)
    const digest = createHash("sha256").update(statements.join("; ")).digest("hex")
    const [found] = yield* sql<{
      digest: string | null
    }>`SELECT obj_description(to_regclass(${table}), 'pg_class') AS digest`
    if (found?.digest === digest) continue
    yield* sql.withTransaction(
      Effect.gen(function* () {
        yield* sql`DROP TABLE IF EXISTS ${sql(table)}`
        yield* sql`DELETE FROM projection WHERE name = ${name}`
        for (const statement of statements) yield* sql.unsafe(statement)
        yield* sql.unsafe(`COMMENT ON TABLE ${table} IS '${digest}'`)
        yield* grant("halles_runner", `SELECT, INSERT, UPDATE, DELETE ON ${table}`)
        yield* grant("halles_edge", `SELECT ON ${table}`)
        yield* grant("halles_reader", `SELECT ON ${table}`)
      })
    )
  }
})
