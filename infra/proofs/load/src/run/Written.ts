import * as Journals from "@halles/harness/Journals"
import type { Parts } from "@halles/infra/Environment"
import { Nats } from "@halles/shared/clients/Nats"
import { type Region, regions } from "@halles/shared/Region"
import * as Subject from "@halles/shared/Subject"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"

/** Of the databases of all regions, and of their event streams. */
interface Counts {
  readonly transactions: number
  /** Rows of tables that were inserted, updated or deleted. */
  readonly tableRows: number
  readonly walBytes: number
  /** Messages that the event streams have stored. */
  readonly messages: number
}

/** What the cluster has written and sent since its servers began. */
interface Totals extends Counts {
  /** The position of the newest row of each region's journal. */
  readonly positions: Readonly<Record<Region, string>>
}

/** What the cluster wrote and sent in a span of time, for the load and for whatever else ran. */
export interface Written extends Counts {
  /** Rows of the journals by their events: `Order Placed`, or `Payment AuthoriseRequested + Authorised` for a row with two. */
  readonly journalRows: ReadonlyMap<string, number>
}

/** A connection of Postgres adds its counts to the statistics about once a second. */
const statisticsLag = "1500 millis"

const messagesOf = (parts: Parts) =>
  Effect.gen(function* () {
    const nats = yield* Nats
    const infos = yield* Effect.forEach(regions, (region) =>
      Effect.promise(() => nats.request(`$JS.API.STREAM.INFO.${Subject.eventStream(region)}`))
    )
    return infos.reduce((sum, info) => sum + info.json<{ state: { last_seq: number } }>().state.last_seq, 0)
  }).pipe(Effect.provide(Nats.layer({ url: Redacted.make(parts.addresses.nats), name: "load" })))

export const totals = Effect.fn("Written.totals")(function* (parts: Parts) {
  yield* Effect.sleep(statisticsLag)
  const found = yield* Effect.forEach(regions, (region) =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const [row] = yield* sql<{ position: string; transactions: number; rows: number; wal: number }>`
        SELECT (SELECT coalesce(max(position), 0)::text FROM journal) AS position,
          (xact_commit + xact_rollback)::float8 AS transactions,
          (tup_inserted + tup_updated + tup_deleted)::float8 AS rows,
          (SELECT wal_bytes FROM pg_stat_wal)::float8 AS wal
        FROM pg_stat_database WHERE datname = current_database()`
      return { region, ...row! }
    }).pipe(Effect.provide(Journals.database(parts, region)))
  )
  const all: Totals = {
    positions: Object.fromEntries(found.map(({ position, region }) => [region, position])) as Totals["positions"],
    transactions: found.reduce((sum, { transactions }) => sum + transactions, 0),
    tableRows: found.reduce((sum, { rows }) => sum + rows, 0),
    // One server has the databases of all regions, and each of them gives the count of the server.
    walBytes: Math.max(...found.map(({ wal }) => wal)),
    messages: yield* messagesOf(parts)
  }
  return all
})

/** What the cluster wrote and sent between two calls of `totals`. */
export const between = Effect.fn("Written.between")(function* (parts: Parts, before: Totals, after: Totals) {
  const journalRows = new Map<string, number>()
  for (const region of regions) {
    const rows = yield* Effect.flatMap(
      SqlClient.SqlClient,
      (sql) => sql<{ name: string; count: number }>`
        SELECT name, count(*)::int AS count FROM (
          SELECT entity_type || ' ' || (SELECT string_agg(e->>'_tag', ' + ' ORDER BY n)
            FROM jsonb_array_elements(events) WITH ORDINALITY AS x(e, n)) AS name
          FROM journal WHERE position > ${before.positions[region]}::text::bigint
            AND position <= ${after.positions[region]}::text::bigint) r
        GROUP BY name`
    ).pipe(Effect.provide(Journals.database(parts, region)))
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
