import { grant } from "@halles/shared/security/Grant"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import type { Query } from "../routes/Reads.ts"

/** Days that are kept, today included. */
export const daysMax = 90
/** Lines of a report. */
export const linesMax = 100
/** A query that was asked less often says little of how well it is answered. */
export const askedMin = 10

/** What one day's searches with a query came to, as far as one process has counted. */
export interface SearchCount {
  /** `2026-11-29`, in UTC. */
  readonly day: string
  readonly query: string
  readonly asked: number
  readonly withoutResult: number
  readonly clicks: number
  /** The sum of the places at which what was clicked stood, counted from 1. */
  readonly positions: number
}

/** How often each query was asked on each day, in the database of its region: what several processes have counted is added up. */
export const create = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE search_count (
      day date NOT NULL,
      query text NOT NULL,
      asked bigint NOT NULL,
      without_result bigint NOT NULL,
      clicks bigint NOT NULL,
      positions bigint NOT NULL,
      PRIMARY KEY (day, query)
    )`
})
export const grants = Effect.andThen(
  grant("halles_search", "SELECT, INSERT, UPDATE, DELETE ON search_count"),
  grant("halles_edge", "SELECT ON search_count")
)

const rowsOf = (sql: SqlClient.SqlClient, counts: ReadonlyArray<SearchCount>) =>
  // In one order, so that two processes wait for each other instead of both for the other.
  sql`(SELECT * FROM jsonb_to_recordset(${JSON.stringify(counts)}::text::jsonb)
    AS r(day date, query text, asked bigint, "withoutResult" bigint, clicks bigint, positions bigint) ORDER BY day, query)`

/** Adds what was counted of queries that were asked often enough to be kept. */
export const add = Effect.fnUntraced(function* (counts: ReadonlyArray<SearchCount>) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    INSERT INTO search_count AS c (day, query, asked, without_result, clicks, positions)
    SELECT day, query, asked, "withoutResult", clicks, positions FROM ${rowsOf(sql, counts)} r
    ON CONFLICT (day, query) DO UPDATE SET asked = c.asked + excluded.asked,
      without_result = c.without_result + excluded.without_result,
      clicks = c.clicks + excluded.clicks, positions = c.positions + excluded.positions`
})

/** Adds what was counted to queries that are kept already, since another process was asked them often enough; tells which. */
export const addToKept = Effect.fnUntraced(function* (counts: ReadonlyArray<SearchCount>) {
  const sql = yield* SqlClient.SqlClient
  const kept = yield* sql<{ day: string; query: string }>`
    UPDATE search_count c SET asked = c.asked + r.asked, without_result = c.without_result + r."withoutResult",
      clicks = c.clicks + r.clicks, positions = c.positions + r.positions
    FROM ${rowsOf(sql, counts)} r WHERE c.day = r.day AND c.query = r.query
    RETURNING to_char(c.day, 'YYYY-MM-DD') AS day, c.query`
  return kept
})

export const dropOld = Effect.fnUntraced(function* (today: string) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`DELETE FROM search_count WHERE day <= ${today}::text::date - ${daysMax}::int`
})

/** What a report shows first: what is asked most, what finds nothing most, or what is clicked least. */
export const Report = Schema.Literals(["queries", "without-results", "click-through"])
export type Report = typeof Report.Type

export interface ReportLine {
  readonly query: string
  readonly asked: number
  readonly withoutResult: number
  readonly clicks: number
  /** Clicks for each time that it was asked. */
  readonly clickThrough: number
  /** The mean place of what was clicked, counted from 1; `null` if nothing was. */
  readonly meanPosition: number | null
}

const orders = {
  queries: { having: "true", by: "asked DESC" },
  "without-results": { having: "sum(without_result) > 0", by: "without_result DESC" },
  "click-through": { having: `sum(asked) >= ${askedMin}`, by: "click_through, asked DESC" }
}

/** The lines of a report over the last days, today included. */
export const report = (
  which: Report,
  asked: { readonly today: string; readonly days: number; readonly limit: number }
): Query<{ readonly items: ReadonlyArray<ReportLine> }> => ({
  name: "searchReport",
  run: Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { by, having } = orders[which]
    const rows = yield* sql<{
      query: string
      asked: number
      without_result: number
      clicks: number
      click_through: number
      mean_position: number | null
    }>`
      SELECT query, sum(asked)::float8 AS asked, sum(without_result)::float8 AS without_result, sum(clicks)::float8 AS clicks,
        round(sum(clicks) / greatest(sum(asked), 1), 4)::float8 AS click_through,
        round(sum(positions) / nullif(sum(clicks), 0), 2)::float8 AS mean_position
      FROM search_count WHERE day > ${asked.today}::text::date - ${asked.days}::int
      GROUP BY query HAVING ${sql.literal(having)} ORDER BY ${sql.literal(by)}, query LIMIT ${asked.limit}`
    return {
      items: rows.map(({ asked, click_through, clicks, mean_position, query, without_result }) => ({
        query,
        asked,
        withoutResult: without_result,
        clicks,
        clickThrough: click_through,
        meanPosition: mean_position
      }))
    }
  })
})
