import { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import { stateOf } from "./Histories.ts"
import { sagas as sagaTypes, tables } from "../Domains.ts"
import { unknownStep } from "./Sagas.ts"
import { objectives } from "./Objectives.ts"

/** Of each kind, those that have waited for the longest time. */
const eachMax = 20
/** Sagas whose states are looked at. */
const sagasMax = 10
/** Batches that are held against the journal, to learn their shards. */
const batchesMax = 200
/** The newest rows of the journal that are held against a read table. */
const rowsMax = 300

/** Something that should have gone on in a shard, and has not for longer than its objective. */
export interface Late {
  readonly code: "timer_overdue" | "saga_stuck" | "events_unpublished" | "projection_behind"
  readonly shard: number
  readonly subject: string | null
  /** Unix milliseconds. */
  readonly since: number
  readonly text: string
}

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`

/**
 * What does not go on in a region, or in some shards of it: due timers, pending steps, unpublished events, rows that the read
 * tables lack. For alarms, and for the readiness of who has the shards.
 */
export const late = Effect.fn("Progress.late")(function* (
  sql: SqlClient.SqlClient,
  now: number,
  shards?: ReadonlyArray<number>
) {
  if (shards?.length === 0) return []
  const ms = (column: string) => sql.literal(`(extract(epoch FROM ${column}) * 1000)::double precision`)
  const before = (code: Late["code"]) =>
    sql`to_timestamp(${String(now - objectives[code].objective)}::text::double precision / 1000)`
  const among = (column: string) =>
    shards === undefined ? sql`true` : sql`${sql.literal(column)} = ANY(${[...shards]})`

  /** Parked entities wait for an operator; an alarm of their own says so. */
  const isAtWork = sql`NOT EXISTS (
    SELECT FROM parked_entity p WHERE p.entity_type = t.entity_type AND p.entity_id = t.entity_id)`

  const timers = sql<{ shard: number; type: string; id: string; at: number; count: number }>`
    SELECT DISTINCT ON (shard) shard, entity_type AS type, entity_id AS id, ${ms("due_at")} AS at,
      count(*) OVER (PARTITION BY shard)::int AS count
    FROM timer t
    WHERE due_at < ${before("timer_overdue")} AND ${among("shard")} AND ${isAtWork}
    ORDER BY shard, due_at LIMIT ${eachMax}`
  const sagas = sql<{ type: string; id: string; shard: number; at: number }>`
    SELECT t.entity_type AS type, t.entity_id AS id, t.shard, ${ms("j.at")} AS at
    FROM timer t
    CROSS JOIN LATERAL (
      SELECT at FROM journal_all j WHERE j.entity_type = t.entity_type AND j.entity_id = t.entity_id
      ORDER BY seq DESC LIMIT 1) j
    WHERE t.entity_type = ANY(${sagaTypes}::text[]) AND t.due_at < now() + interval '15 seconds'
      AND j.at < ${before("saga_stuck")} AND ${among("t.shard")} AND ${isAtWork}
    ORDER BY j.at LIMIT ${sagasMax}`
  const unpublished = sql<{ shard: number; at: number; count: number }>`
    SELECT j.shard, ${ms("min(b.at)")} AS at, count(DISTINCT b.id)::int AS count
    FROM (SELECT * FROM outbox_batch WHERE at < ${before("events_unpublished")} ORDER BY at LIMIT ${batchesMax}) b
    JOIN journal j ON j.position BETWEEN b.first_position AND b.last_position
    WHERE ${among("j.shard")} GROUP BY j.shard ORDER BY 2 LIMIT ${eachMax}`
  const behind = Effect.forEach(tables, ({ entityType: type, name, table }) =>
    Effect.map(
      sql<{ shard: number; at: number }>`
        SELECT j.shard, ${ms("min(j.at)")} AS at
        FROM (
          SELECT entity_id, seq, at, shard FROM journal WHERE entity_type = ${type}
          ORDER BY position DESC LIMIT ${rowsMax}) j
        LEFT JOIN ${sql(table)} v ON v.id = j.entity_id
        WHERE j.at < ${before("projection_behind")} AND coalesce(v.seq, 0) < j.seq AND ${among("j.shard")}
          AND NOT EXISTS (
            SELECT FROM parked_event p
            WHERE p.entity_type = ${type} AND p.entity_id = j.entity_id AND p.seq <= j.seq
              AND p.consumer IN (${`view_${name}`}, 'outbox'))
        GROUP BY j.shard ORDER BY 2 LIMIT ${eachMax}`,
      (rows) => rows.map((row) => ({ name, ...row }))
    )
  )

  const found = yield* Effect.all({ timers, sagas, unpublished, behind }, { concurrency: "unbounded" })
  const pending = yield* Effect.forEach(found.sagas, ({ id, type, ...rest }) =>
    stateOf({ type, id }, "now").pipe(
      Effect.map(({ now }) => (now.isPatient ? null : now.pendingStep)),
      // A history that cannot be folded is no reason to keep silent.
      Effect.catchCause(() => Effect.succeed(unknownStep)),
      Effect.map((pendingStep) => ({ ...rest, subject: `${type}/${id}`, pendingStep }))
    )
  )
  return [
    ...found.timers.map(({ at, count, id, shard, type }): Late => ({
      code: "timer_overdue",
      shard,
      subject: `${type}/${id}`,
      since: at,
      text: `${count} ${count === 1 ? "timer" : "timers"} of shard ${shard} overdue, the oldest by ${seconds(now - at)}`
    })),
    ...pending
      .filter(({ pendingStep }) => pendingStep !== null)
      .map(({ at, pendingStep, shard, subject }): Late => ({
        code: "saga_stuck",
        shard,
        subject,
        since: at,
        text: `Owes ${pendingStep} and has not moved for ${seconds(now - at)}`
      })),
    ...found.unpublished.map(({ at, count, shard }): Late => ({
      code: "events_unpublished",
      shard,
      subject: null,
      since: at,
      text: `${count} committed ${count === 1 ? "batch" : "batches"} of shard ${shard} are not in the stream, the oldest for ${seconds(now - at)}`
    })),
    ...found.behind.flat().map(({ at, name, shard }): Late => ({
      code: "projection_behind",
      shard,
      subject: name,
      since: at,
      text: `The read table of ${name} lacks what happened in shard ${shard} ${seconds(now - at)} ago`
    }))
  ]
})
