import { PgTypes } from "@effect/sql-pg"
import type { Region } from "@halles/shared/Region"
import { Effect, Result } from "effect"
import type { SqlClient } from "effect/sql"

/** Who could not do with an event: the outbox, which brings it into the stream, or a read table (`view_order`). */
export const outbox = "outbox"

/** An event that was set aside, so that it holds up no other one. */
export interface ParkedEvent {
  readonly consumer: string
  readonly entity_type: string
  readonly entity_id: string
  readonly seq: number
  /** For people, without personal data. */
  readonly cause: string
  readonly tries: number
}

/** Characters of a cause. */
const causeMax = 300

/** Once more is one more try. One may come twice at once: the batches of two runners that write at the same time overlap. */
export const put = (sql: SqlClient.SqlClient, events: ReadonlyArray<ParkedEvent>) =>
  sql`
    INSERT INTO parked_event AS p (consumer, entity_type, entity_id, seq, shard, cause, tries)
    SELECT DISTINCT ON (n.consumer, n.entity_type, n.entity_id, n.seq)
      n.consumer, n.entity_type, n.entity_id, n.seq, coalesce((
        SELECT j.shard FROM journal_all j
        WHERE j.entity_type = n.entity_type AND j.entity_id = n.entity_id ORDER BY j.seq LIMIT 1), 0),
      left(n.cause, ${causeMax}), n.tries
    FROM jsonb_populate_recordset(NULL::parked_event, ${JSON.stringify(events)}::text::jsonb) n
    ON CONFLICT (consumer, entity_type, entity_id, seq)
      DO UPDATE SET tries = p.tries + excluded.tries, cause = excluded.cause`

/** A read table did with the entities after all. */
export const done = (sql: SqlClient.SqlClient, consumer: string, entityType: string, ids: ReadonlyArray<string>) => sql`
  DELETE FROM parked_event WHERE consumer = ${consumer} AND entity_type = ${entityType}
    AND entity_id = ANY(${Result.getOrThrow(PgTypes.array(ids, PgTypes.OID.text))})`

/** Of a consumer: whose events are set aside. */
export const idsOf = (sql: SqlClient.SqlClient, consumer: string) =>
  Effect.map(
    sql<{ id: string }>`SELECT DISTINCT entity_id AS id FROM parked_event WHERE consumer = ${consumer}`,
    (rows) => new Set(rows.map(({ id }) => id))
  )

/** One that nobody has seen to yet, as operators see it. */
export interface Listed extends ParkedEvent {
  readonly region: Region
  readonly shard: number
  /** Unix milliseconds. */
  readonly at: number
  /** Of its events, as text; `null` when no such row is in the journal. */
  readonly bytes: number | null
  /** Tells apart what was set aside in one millisecond. */
  readonly key: string
}

/** Of a region, the newest first, after one that was listed. */
export const list = (
  sql: SqlClient.SqlClient,
  region: Region,
  limit: number,
  after: Pick<Listed, "at" | "key"> | null = null
) =>
  Effect.map(
    sql<Omit<Listed, "region">>`
      SELECT p.*, (
          SELECT j.bytes FROM journal_all j
          WHERE j.entity_type = p.entity_type AND j.entity_id = p.entity_id AND j.seq = p.seq LIMIT 1) AS bytes
      FROM (
        SELECT consumer, entity_type, entity_id, seq, shard, cause, tries,
          (extract(epoch FROM at) * 1000)::bigint::double precision AS at,
          concat_ws(':', consumer, entity_type, entity_id, seq) AS key
        FROM parked_event WHERE NOT is_resolved) p
      WHERE ${after === null ? sql`true` : sql`(p.at, p.key) < (${String(after.at)}::text::double precision, ${after.key})`}
      ORDER BY p.at DESC, p.key DESC LIMIT ${limit}`,
    (rows) => rows.map((row): Listed => ({ ...row, region }))
  )

export type Key = Pick<ParkedEvent, "consumer" | "entity_type" | "entity_id" | "seq">

/** Into the stream again, for whoever lacks it; false when it is not set aside, or its history is archived. For operators, who say why in the audit log. */
export const retry = Effect.fn("ParkedEvents.retry")(function* (sql: SqlClient.SqlClient, key: Key) {
  const [row] = yield* sql<{ done: boolean }>`
    SELECT parked_event_retry(${key.consumer}, ${key.entity_type}, ${key.entity_id}, ${key.seq}) AS done`
  return row!.done
})

/** Nobody is to look at it any more: it stays where it is, in the journal, and out of the stream or the read table. */
export const resolve = Effect.fn("ParkedEvents.resolve")(function* (sql: SqlClient.SqlClient, key: Key) {
  const [row] = yield* sql<{ done: boolean }>`
    SELECT parked_event_resolve(${key.consumer}, ${key.entity_type}, ${key.entity_id}, ${key.seq}) AS done`
  return row!.done
})
