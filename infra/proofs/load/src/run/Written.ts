import { PgClient } from "@effect/sql-pg"
import * as Environment from "@halles/infra/Environment"
import { Nats } from "@halles/shared/clients/Nats"
import { type Region, regions } from "@halles/shared/Region"
import * as Subject from "@halles/shared/Subject"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"

/** What the cluster has written and sent up to a moment. */
interface Totals {
  /** The newest row of each region's journal. */
  readonly positions: Readonly<Record<Region, string>>
  readonly transactions: number
  /** Rows of tables that were inserted, updated or deleted. */
  readonly tableRows: number
  readonly walBytes: number
  /** Of the event streams. */
  readonly messages: number
}

/** What was written and sent in a span of time, by everything that ran in it. */
export interface Written {
  /** By what happened, such as `Order Placed`; one row may have several events. */
  readonly journalRows: ReadonlyMap<string, number>
  readonly transactions: number
  readonly tableRows: number
  readonly walBytes: number
  readonly messages: number
}

/** Postgres adds up what a connection did about once a second. */
const settledAfter = "1500 millis"

const inRegion = <A, E>(parts: Environment.Parts, region: Region, effect: Effect.Effect<A, E, SqlClient.SqlClient>) =>
  Effect.provide(
    effect,
    PgClient.layer({
      url: Redacted.make(Environment.databaseUrl(parts, "halles_auditor", region)),
      applicationName: "halles:load:written",
      maxConnections: 1
    })
  )

const messagesOf = (parts: Environment.Parts) =>
  Effect.gen(function* () {
    const nats = yield* Nats
    const infos = yield* Effect.forEach(regions, (region) =>
      Effect.promise(() => nats.request(`$JS.API.STREAM.INFO.${Subject.eventStream(region)}`))
    )
    return infos.reduce((sum, info) => sum + info.json<{ state: { last_seq: number } }>().state.last_seq, 0)
  }).pipe(Effect.provide(Nats.layer({ url: Redacted.make(parts.addresses.nats), name: "load" })))

export const totals = Effect.fn("Written.totals")(function* (parts: Environment.Parts) {
  yield* Effect.sleep(settledAfter)
  const found = yield* Effect.forEach(regions, (region) =>
    inRegion(
      parts,
      region,
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const [row] = yield* sql<{ position: string; transactions: number; rows: number; wal: number }>`
          SELECT (SELECT coalesce(max(position), 0)::text FROM journal) AS position,
            (xact_commit + xact_rollback)::float8 AS transactions,
            (tup_inserted + tup_updated + tup_deleted)::float8 AS rows,
            (SELECT wal_bytes FROM pg_stat_wal)::float8 AS wal
          FROM pg_stat_database WHERE datname = current_database()`
        return { region, ...row! }
      })
    )
  )
  const all: Totals = {
    positions: Object.fromEntries(found.map(({ position, region }) => [region, position])) as Totals["positions"],
    transactions: found.reduce((sum, { transactions }) => sum + transactions, 0),
    tableRows: found.reduce((sum, { rows }) => sum + rows, 0),
    // One server has all databases.
    walBytes: Math.max(...found.map(({ wal }) => wal)),
    messages: yield* messagesOf(parts)
  }
  return all
})

/** What was written and sent between two looks. */
export const between = Effect.fn("Written.between")(function* (
  parts: Environment.Parts,
  before: Totals,
  after: Totals
) {
  const journalRows = new Map<string, number>()
  for (const region of regions) {
    const rows = yield* inRegion(
      parts,
      region,
      Effect.flatMap(
        SqlClient.SqlClient,
        (sql) => sql<{ name: string; count: number }>`
          SELECT name, count(*)::int AS count FROM (
            SELECT entity_type || ' ' || (SELECT string_agg(e->>'_tag', ' + ' ORDER BY n)
              FROM jsonb_array_elements(events) WITH ORDINALITY AS x(e, n)) AS name
            FROM journal WHERE position > ${before.positions[region]}::text::bigint
              AND position <= ${after.positions[region]}::text::bigint) r
          GROUP BY name`
      )
    )
    for (const { count, name } of rows) journalRows.set(name, (journalRows.get(name) ?? 0) + count)
  }
  const written: Written = {
    journalRows,
    transactions: after.transactions - before.transactions,
    tableRows: after.tableRows - before.tableRows,
    walBytes: after.walBytes - before.walBytes,
    messages: after.messages - before.messages
  }
  return written
})
