import { PgTypes } from "@effect/sql-pg"
import type { ParkedBecause } from "../activation/Parking.ts"
import { blamesTheData } from "@halles/shared/clients/Postgres"
import { Context, Effect, Layer, Metric, Option, Result, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { isWithinBytes } from "@halles/shared/Bytes"
import { WrittenTimers } from "./WrittenTimers.ts"
import type { Entry } from "./GroupCommit.ts"
import * as Loads from "./Loads.ts"
import { withinBytes } from "./Pages.ts"

/** A row of the journal as it is read back: one accepted command and what came of it. */
export interface Stored {
  readonly seq: number
  readonly commandId: string
  readonly events: ReadonlyArray<unknown>
  /** Of the model; whatever stands there in a row that none of ours wrote. */
  readonly version: number
  /** Unix milliseconds. */
  readonly at: number
}

/** A row with what stands beside its events. */
export interface Recorded extends Stored {
  /** As `Origin` of the command has them; `null` where it has none. */
  readonly actor: string | null
  readonly author: string | null
  readonly reason: string | null
}

export interface Snapshot {
  readonly seq: number
  readonly version: number
  readonly state: unknown
  /** The newest command ids that it covers, oldest first. */
  readonly commands: ReadonlyArray<string>
}

export interface Loaded {
  readonly snapshot: Snapshot | null
  readonly tail: ReadonlyArray<Stored>
  /** There are rows after those. */
  readonly more: boolean
  /** Nobody is to rebuild it before an operator resumes it. */
  readonly isParked: boolean
}

/** An entity that is parked, and why. */
export interface Parked extends ParkedBecause {
  readonly entityType: string
  readonly entityId: string
  readonly shard: number
  /** The runner that parked it. */
  readonly runner: string
}

/** What became of a batch: all of it is in the journal, or none of it. */
export type Appended =
  | { readonly _tag: "Written"; readonly batch: bigint; readonly positions: ReadonlyArray<bigint> }
  /** Another runner has raised the epoch of one of its shards. */
  | { readonly _tag: "Stale" }
  /** A command of it is in the journal already. */
  | { readonly _tag: "CommandTaken" }

/** A span that is exported, by its ids. */
export interface Traced {
  readonly traceId: string
  readonly spanId: string
}

export interface DueTimer {
  readonly entityType: string
  readonly entityId: string
  readonly shard: number
  /** Unix milliseconds. */
  readonly dueAt: number
}

/** The database did not do it, or did not say that it did. */
export class StoreFailed extends Schema.TaggedError<StoreFailed>()("StoreFailed", { reason: Schema.String }) {}

/** Rows of one read of a history, and bytes of them. */
export const historyMax = 1_000
export const historyBytesMax = 8 * 1024 ** 2
/** Bytes of a snapshot's state; without one an entity is rebuilt from its last, and all rows since. */
export const snapshotBytesMax = 16 * 1024 ** 2

const snapshotsSkipped = Metric.counter("halles_snapshot_too_large_total", {
  description: "Snapshots that were not written, since the state is too large",
  incremental: true
})

/** Parked entities of one look. */
export const parkedMax = 10_000

/**
 * The tables of a region's journal: rows, snapshots, timers and fencing epochs, as `JournalTables.ts` makes
 * them. Whoever stands in for it (a simulation) must keep what they keep: a batch is written whole or not at all, only
 * under the newest epoch of its shards, and neither a seq nor a command id of an entity twice.
 */
export class JournalStore extends Context.Service<
  JournalStore,
  {
    /** Deletes the outbox markers of the `published` batches in the same transaction. */
    readonly append: (
      owner: string,
      entries: ReadonlyArray<Entry>,
      published: ReadonlyArray<bigint>
    ) => Effect.Effect<Appended, StoreFailed>
    /** What an entity is rebuilt from: its snapshot and the first rows after it. */
    readonly load: (entityType: string, entityId: string) => Effect.Effect<Loaded, StoreFailed>
    /** In order, as many as go together; none when there are no more. */
    readonly history: (
      entityType: string,
      entityId: string,
      afterSeq: number
    ) => Effect.Effect<ReadonlyArray<Recorded>, StoreFailed>
    readonly find: (
      entityType: string,
      entityId: string,
      commandId: string
    ) => Effect.Effect<Option.Option<Stored>, StoreFailed>
    /** The newest span that was exported and stands beside the entity's events. */
    readonly traceOf: (entityType: string, entityId: string) => Effect.Effect<Traced | null, StoreFailed>
    /** Kept only if it is newer than the one that is there. */
    readonly putSnapshot: (entityType: string, entityId: string, snapshot: Snapshot) => Effect.Effect<void, StoreFailed>
    /** Moves a timer that was due at `firedAt` or before, or deletes it; one that was set meanwhile stays as it is. */
    readonly rearm: (
      entityType: string,
      entityId: string,
      firedAt: number,
      dueAt: number | null
    ) => Effect.Effect<void, StoreFailed>
    /** What `append` and `rearm` have written of timers. */
    readonly writtenTimers: WrittenTimers
    /** Parks an entity, under the epoch of its shard: one of before may have hung for reasons of its own. */
    readonly park: (entity: Parked, epoch: number) => Effect.Effect<void, StoreFailed>
    /** Those of the shards that are parked or in quarantine; `parkedMax` at the most. */
    readonly parked: (shards: ReadonlyArray<number>) => Effect.Effect<ReadonlyArray<Parked>, StoreFailed>
    /** The longest due first, behind `after`; without those of parked entities, which wait until they are resumed. */
    readonly dueTimers: (
      shards: ReadonlyArray<number>,
      now: number,
      limit: number,
      after: DueTimer | null
    ) => Effect.Effect<ReadonlyArray<DueTimer>, StoreFailed>
    /** Who raised the epoch of the shard last. */
    readonly epochOf: (
      shard: number
    ) => Effect.Effect<{ readonly epoch: number; readonly owner: string } | null, StoreFailed>
    /** What operators must see, kept until retention drops it. */
    readonly alarm: (kind: string, detail: unknown) => Effect.Effect<void, StoreFailed>
  }
>()("@halles/engine/JournalStore") {
  /** In the region's Postgres. */
  static readonly layer = Layer.effect(
    JournalStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const columns = sql.literal("seq, command_id, events, meta->'v' AS version, extract(epoch FROM at) * 1000 AS at")
      const load = yield* Loads.make(sql, { rowsMax: historyMax, stateBytesMax: snapshotBytesMax, failed })
      const writtenTimers = new WrittenTimers()
      return JournalStore.of({
        writtenTimers,
        append: (owner, entries, published) => writtenTimers.noting(append(sql, owner, entries, published), entries),
        load,
        history: (entityType, entityId, afterSeq) =>
          sql<Row & Origin>`
            SELECT ${columns}, meta->>'actor' AS actor, meta->>'author' AS author, meta->>'reason' AS reason
            FROM ${withinBytes(
              sql,
              sql`
                SELECT seq, command_id, events, meta, at, bytes FROM journal_all
                WHERE entity_type = ${entityType} AND entity_id = ${entityId} AND seq > ${afterSeq}
                ORDER BY seq LIMIT ${historyMax}`,
              "seq",
              historyBytesMax
            )} ORDER BY seq`.pipe(
            Effect.map((rows) =>
              rows.map(({ actor, author, reason, ...row }) => ({ ...stored(row), actor, author, reason }))
            ),
            readable
          ),
        find: (entityType, entityId, commandId) =>
          sql<Row>`
            SELECT ${columns} FROM journal_all
            WHERE entity_type = ${entityType} AND entity_id = ${entityId} AND command_id = ${commandId}`.pipe(
            Effect.map(([row]) => Option.map(Option.fromNullishOr(row), stored)),
            readable
          ),
        traceOf: (entityType, entityId) =>
          sql<Traced>`
            SELECT meta->>'traceId' AS "traceId", meta->>'spanId' AS "spanId" FROM journal_all
            WHERE entity_type = ${entityType} AND entity_id = ${entityId} AND meta->'sampled' = 'true'::jsonb
            ORDER BY seq DESC LIMIT 1`.pipe(
            Effect.map(([row]) => row ?? null),
            readable
          ),
        putSnapshot: (entityType, entityId, { commands, seq, state, version }) => {
          const text = JSON.stringify(state)
          if (!isWithinBytes(text, snapshotBytesMax)) {
            return Effect.andThen(
              Effect.logWarning(`The state of ${entityType}/${entityId} is too large for a snapshot`, text.length),
              Metric.update(snapshotsSkipped, 1)
            )
          }
          return sql`
            INSERT INTO snapshot (entity_type, entity_id, seq, version, state, commands)
            VALUES (${entityType}, ${entityId}, ${seq}, ${version}, ${text}::text::jsonb,
              ARRAY(SELECT jsonb_array_elements_text(${JSON.stringify(commands)}::text::jsonb)))
            ON CONFLICT (entity_type, entity_id) DO UPDATE
              SET seq = excluded.seq, version = excluded.version, state = excluded.state,
                commands = excluded.commands, at = now()
              WHERE snapshot.seq < excluded.seq`.pipe(Effect.asVoid, Effect.mapError(failed))
        },
        rearm: (entityType, entityId, firedAt, dueAt) => {
          const fired = sql`entity_type = ${entityType} AND entity_id = ${entityId}
            AND due_at <= to_timestamp(${String(firedAt)}::text::double precision / 1000)`
          const moved =
            dueAt === null
              ? sql`DELETE FROM timer WHERE ${fired}`
              : sql`UPDATE timer SET due_at = to_timestamp(${String(dueAt)}::text::double precision / 1000) WHERE ${fired}`
          return writtenTimers.noting(moved.pipe(Effect.asVoid, Effect.mapError(failed)), [{ dueAt: dueAt ?? 0 }])
        },
        park: ({ cause, entityId, entityType, runner, shard, tries }, epoch) =>
          sql`
            INSERT INTO parked_entity (entity_type, entity_id, shard, cause, tries, runner)
            SELECT ${entityType}, ${entityId}, ${shard}, ${cause}, ${tries}, ${runner}
            FROM shard_epoch e WHERE e.shard = ${shard} AND e.epoch = ${epoch}
            ON CONFLICT (entity_type, entity_id) DO NOTHING`.pipe(Effect.asVoid, Effect.mapError(failed)),
        parked: (shards) =>
          sql<Parked>`
            SELECT entity_type AS "entityType", entity_id AS "entityId", shard, cause, tries, runner
            FROM refused_entity WHERE shard = ANY(${[...shards]}) ORDER BY at DESC LIMIT ${parkedMax}`.pipe(
            Effect.mapError(failed)
          ),
        dueTimers: (shards, now, limit, after) =>
          sql<DueTimer>`
            SELECT entity_type AS "entityType", entity_id AS "entityId", shard,
              (extract(epoch FROM due_at) * 1000)::double precision AS "dueAt"
            FROM timer
            WHERE due_at <= to_timestamp(${String(now)}::text::double precision / 1000) AND shard = ANY(${[...shards]})
              AND NOT EXISTS (SELECT FROM refused_entity p
                WHERE p.entity_type = timer.entity_type AND p.entity_id = timer.entity_id)
              AND ${
                after === null
                  ? sql`true`
                  : sql`(due_at, entity_type, entity_id) > (to_timestamp(
                      ${String(after.dueAt)}::text::double precision / 1000), ${after.entityType}, ${after.entityId})`
              }
            ORDER BY due_at, entity_type, entity_id LIMIT ${limit}`.pipe(Effect.mapError(failed)),
        epochOf: (shard) =>
          sql<{ epoch: number; owner: string }>`SELECT epoch, owner FROM shard_epoch WHERE shard = ${shard}`.pipe(
            Effect.map(([row]) => row ?? null),
            Effect.mapError(failed)
          ),
        alarm: (kind, detail) =>
          sql`INSERT INTO alarm (kind, detail) VALUES (${kind}, ${JSON.stringify(detail)}::text::jsonb)`.pipe(
            Effect.asVoid,
            Effect.mapError(failed)
          )
      })
    })
  )
}

/** What is in the way of reading is in the rows: the same would be read again, so it is no matter of waiting. */
const readable = <A>(reading: Effect.Effect<A, SqlError.SqlError>): Effect.Effect<A, StoreFailed> =>
  reading.pipe(
    Effect.catchIf(blamesTheData, (error) => Effect.die(error)),
    Effect.mapError(failed)
  )
const failed = (error: SqlError.SqlError) => new StoreFailed({ reason: error.reason._tag })

type Origin = Pick<Recorded, "actor" | "author" | "reason">
interface Row {
  readonly seq: number
  readonly command_id: string
  readonly events: ReadonlyArray<unknown>
  readonly version: number
  readonly at: string | number
}

const stored = (row: Row): Stored => ({
  seq: row.seq,
  commandId: row.command_id,
  events: row.events,
  version: row.version,
  at: Math.round(Number(row.at))
})

const array = (values: ReadonlyArray<unknown>, oid: number) => Result.getOrThrow(PgTypes.array(values, oid))
const text = (values: ReadonlyArray<string>) => array(values, PgTypes.OID.text)
const int4 = (values: ReadonlyArray<number>) => array(values, PgTypes.OID.int4)
const int8 = (values: ReadonlyArray<bigint>) => array(values, PgTypes.OID.int8)
const float8 = (values: ReadonlyArray<number>) => array(values, PgTypes.OID.float8)

const append = (
  sql: SqlClient.SqlClient,
  owner: string,
  entries: ReadonlyArray<Entry>,
  published: ReadonlyArray<bigint>
): Effect.Effect<Appended, StoreFailed> => {
  // By shard and epoch: activations of one shard may be of different epochs, and each is held against its own.
  const fence = [
    ...new Map(entries.map(({ lease: { epoch, shard } }) => [`${shard}:${epoch}`, { shard, epoch }] as const)).values()
  ]
  const timers = new Map(
    entries
      .filter(({ dueAt }) => dueAt !== undefined)
      .map((entry) => [`${entry.lease.entityType}:${entry.lease.entityId}`, entry])
  )
  const due = [...timers.values()]
  return sql<{ stale: ReadonlyArray<number> | null; batch: bigint; positions: ReadonlyArray<bigint> }>`
    SELECT stale, batch, positions FROM journal_append(
      ${owner},
      ${text(entries.map(({ lease }) => lease.entityType))},
      ${text(entries.map(({ lease }) => lease.entityId))},
      ${int4(entries.map(({ seq }) => seq))},
      ${text(entries.map(({ commandId }) => commandId))},
      ${text(entries.map(({ events }) => events))},
      ${text(entries.map(({ meta }) => meta))},
      ${int4(entries.map(({ lease }) => lease.shard))},
      ${int4(entries.map(({ lease }) => lease.epoch))},
      ${float8(entries.map(({ at }) => at))},
      ${int4(fence.map(({ shard }) => shard))},
      ${int4(fence.map(({ epoch }) => epoch))},
      ${text(due.map(({ lease }) => lease.entityType))},
      ${text(due.map(({ lease }) => lease.entityId))},
      ${int4(due.map(({ lease }) => lease.shard))},
      ${float8(due.map(({ dueAt }) => dueAt!))},
      ${int8(published)})`.pipe(
    Effect.map(([row]): Appended =>
      row!.stale === null ? { _tag: "Written", batch: row!.batch, positions: row!.positions } : { _tag: "Stale" }
    ),
    Effect.catch((error) =>
      error.reason._tag === "UniqueViolation" && error.reason.constraint === "journal_command"
        ? Effect.succeed<Appended>({ _tag: "CommandTaken" })
        : Effect.fail(failed(error))
    )
  )
}
