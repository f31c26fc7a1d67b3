import { Effect } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { domains } from "../Domains.ts"
import { Facts } from "./Facts.ts"
import { Findings, type Line, type Violation } from "./Findings.ts"
import * as Ledger from "./Ledger.ts"
import * as Rows from "./Rows.ts"

export { type Id, type Line, titles, type Violation } from "./Findings.ts"
export type { Acknowledged } from "./Ledger.ts"

export interface Options {
  /** What is unfinished is a violation only when nothing has moved for so long. */
  readonly graceMs: number
  /** Commands that callers were told are done (I11). */
  readonly acknowledged: ReadonlyArray<Ledger.Acknowledged>
  /** Whether runners are at work; `null` looks for their connections to the database. */
  readonly running: boolean | null
  readonly onProgress: (progress: { readonly rows: number; readonly of: number; readonly doing: string }) => void
}
const defaults: Options = { graceMs: 60_000, acknowledged: [], running: null, onProgress: () => undefined }

export interface Report {
  readonly rows: number
  readonly entities: number
  readonly violations: number
  /** Unfinished, and younger than the grace period. */
  readonly running: number
  readonly lines: ReadonlyArray<Line>
  /** The first ones of each invariant. */
  readonly found: ReadonlyArray<Violation>
  /** Whether time is the clock's (runners are at work) or stands at the last row (a stopped cluster can end nothing). */
  readonly clock: "now" | "last row"
  readonly seconds: number
}

/**
 * Proves the invariants of the design from one region's journal, and from nothing else.
 *
 * **Details**
 *
 * All of it is read in one snapshot (`REPEATABLE READ`), so the system may go on meanwhile: a row that says an answer
 * came is never seen without the row that gave it. Histories stream by, one entity at a time; what is kept are a few
 * numbers for each order until its own history is read.
 */
export const check = (options: Partial<Options> = {}): Effect.Effect<Report, SqlError.SqlError, SqlClient.SqlClient> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(inSnapshot(sql, { ...defaults, ...options })))

const inSnapshot = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, options: Options) {
  const started = performance.now()
  yield* sql`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY`
  const { clock, entities, now, rows } = yield* scope(sql, options.running)
  const findings = new Findings()
  const facts = new Facts()

  let done = 0
  for (const histories of domains.map(({ follow }) => follow({ findings, facts, now, graceMs: options.graceMs }))) {
    yield* Rows.read(sql, histories, (count) => {
      done += count
      options.onProgress({ rows: done, of: rows, doing: histories.type })
    })
  }
  yield* unknownTypes(sql, findings)

  options.onProgress({ rows, of: rows, doing: "command ids and epochs" })
  yield* Ledger.commandsOnce(sql, findings, rows)
  yield* Ledger.epochsOnward(sql, findings, rows)
  yield* Ledger.acknowledgedKept(sql, findings, options.acknowledged)
  findings.note("I4", "no limited promotions in this release: nothing is redeemed")
  if (options.acknowledged.length === 0) findings.note("I11", "no list of acknowledged commands given: gaps only")

  const { kept: found, lines } = findings
  const sum = (of: (line: Line) => number) => lines.reduce((total, line) => total + of(line), 0)
  const report: Report = {
    rows,
    entities,
    violations: sum((line) => line.violations),
    running: sum((line) => line.running),
    lines,
    found,
    clock,
    seconds: (performance.now() - started) / 1000
  }
  return report
})

/**
 * The same for rows that lie in memory (a simulation's): all that can be told from the histories themselves. `rowsOf`
 * gives the rows of a type in order of id and seq.
 */
export const checkRows = (
  rowsOf: (entityType: string) => Iterable<Rows.Stored>,
  time: { readonly now: number; readonly graceMs: number }
): ReadonlyArray<Violation> => {
  const findings = new Findings()
  const facts = new Facts()
  for (const { follow } of domains) {
    const follower = follow({ findings, facts, ...time })
    for (const row of rowsOf(follower.type)) follower.row(row)
    follower.end()
  }
  return findings.kept
}

/** Sessions of the runners' own role tell whether any are at work. */
const scope = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, running: boolean | null) {
  const [row] = yield* sql<{
    rows: bigint
    entities: bigint
    now: number
    last: number | null
    running: boolean
  }>`
    SELECT count(*) AS rows, count(*) FILTER (WHERE seq = 1) AS entities,
      (extract(epoch FROM now()) * 1000)::float8 AS now, (extract(epoch FROM max(at)) * 1000)::float8 AS last,
      EXISTS (
        SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
          AND starts_with(usename::text, 'halles_runner')) AS running
    FROM journal_all`
  const atWork = running ?? row!.running
  return {
    rows: Number(row!.rows),
    entities: Number(row!.entities),
    now: Math.round(atWork ? row!.now : (row!.last ?? row!.now)),
    clock: atWork ? ("now" as const) : ("last row" as const)
  }
})

const known = domains.map(({ type }): string => type)

/** Skips from type to type along the index instead of reading all rows. */
const unknownTypes = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, findings: Findings) {
  const found = yield* sql<{ type: string; id: string }>`
    WITH RECURSIVE types AS (
      (SELECT entity_type AS type, entity_id AS id FROM journal_all ORDER BY entity_type LIMIT 1)
      UNION ALL
      SELECT n.type, n.id FROM types, LATERAL (
        SELECT entity_type AS type, entity_id AS id FROM journal_all
        WHERE entity_type > types.type ORDER BY entity_type LIMIT 1) n)
    SELECT type, id FROM types`
  for (const { id, type } of found) {
    if (!known.includes(type)) findings.violation("I0", type, id, 1, "an entity type that this program does not know")
  }
})

/** One entity's whole history, as text, for people: what is printed beside a violation. */
export const history = Effect.fnUntraced(function* (entityType: string, entityId: string) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql<{ line: string }>`
    SELECT seq || ' ' || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || ' epoch ' || epoch ||
      ' ' || command_id || ' ' || events::text AS line
    FROM journal_all WHERE entity_type = ${entityType} AND entity_id = ${entityId} ORDER BY seq`.pipe(
    Effect.map((rows) => rows.map(({ line }) => line))
  )
})
