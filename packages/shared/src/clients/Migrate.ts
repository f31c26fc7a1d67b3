import { PgClient } from "@effect/sql-pg"
import { Effect, Schema, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { Migrator, SqlClient } from "effect/sql"
import type { Connection } from "effect/sql/SqlConnection"
import { createHash } from "node:crypto"

/** A migration that was run is none of this version's, or has other statements: the tables are not those that it expects. */
export class OtherVersion extends Schema.TaggedError<OtherVersion>()("OtherVersion", { migration: Schema.String }) {}

type Migration = Effect.Effect<void, unknown, SqlClient.SqlClient>

/** What a migration would send, without a database: it reads nothing. */
const statementsOf = Effect.fnUntraced(function* (migration: Migration) {
  const sent: Array<unknown> = []
  const note = (text: string, values: ReadonlyArray<unknown>) =>
    Effect.sync(() => {
      sent.push([text, values])
      return []
    })
  const connection: Connection = {
    execute: note,
    executeRaw: note,
    executeStream: (text, values) => Stream.fromEffect(note(text, values)),
    executeValues: note,
    executeValuesUnprepared: note,
    executeUnprepared: note
  }
  const client = yield* SqlClient.make({
    driver: "none",
    acquirer: Effect.succeed(connection),
    compiler: PgClient.makeCompiler(),
    spanAttributes: []
  })
  yield* Effect.orDie(Effect.provideService(migration, SqlClient.SqlClient, client))
  return sent
}, Effect.provide(Reactivity.layer))

const digestOf = (sent: ReadonlyArray<unknown>): string =>
  createHash("sha256").update(JSON.stringify(sent)).digest("hex").slice(0, 12)

/**
 * Runs the migrations that a database lacks, in order, each once; needs its owner. A migration that was run is frozen: its name in
 * the database has the digest of its statements, and a name that no migration has now fails with `OtherVersion`, before any is run:
 * the version that made the tables can still start on them.
 */
export const migrate = Effect.fn("Migrate.migrate")(function* (table: string, migrations: Record<string, Migration>) {
  const named = yield* Effect.forEach(Object.entries(migrations), ([name, migration]) =>
    Effect.map(statementsOf(migration), (sent) => [`${name}_${digestOf(sent)}`, migration] as const)
  )
  const known = new Set<string>(named.map(([key]) => key))
  const other = (yield* wasRun(table)).find((key) => !known.has(key))
  if (other !== undefined) return yield* new OtherVersion({ migration: other })
  yield* Migrator.make({})({ loader: Migrator.fromRecord(Object.fromEntries(named)), table })
})

const wasRun = Effect.fnUntraced(function* (table: string) {
  const sql = yield* SqlClient.SqlClient
  const [found] = yield* sql<{ exists: boolean }>`SELECT to_regclass(${table}) IS NOT NULL AS exists`
  if (found?.exists !== true) return []
  const rows = yield* sql<{ id: number; name: string }>`SELECT migration_id AS id, name FROM ${sql(table)}`
  return rows.map(({ id, name }) => `${String(id).padStart(4, "0")}_${name}`)
})
