import { Context, Effect, Layer, Metric, Option, Schedule, Semaphore } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import * as GroupCommit from "./Journal/GroupCommit.ts"
import { Outbox } from "./Outbox.ts"
import { ShardEpochs } from "./ShardEpochs.ts"

/** A row of the journal as it is read back: one accepted command and what came of it. */
export interface Stored {
  readonly seq: number
  readonly commandId: string
  readonly events: ReadonlyArray<unknown>
  readonly version: number
  /** Unix milliseconds. */
  readonly at: number
}

export interface Snapshot {
  readonly seq: number
  readonly version: number
  readonly state: unknown
  /** The newest command ids that it covers, oldest first. */
  readonly commands: ReadonlyArray<string>
}

/** Writers of one runner. Each takes its own shards, so that entities of a shard are written in order. */
const lanes = 2
/** Entities that are read at the same time; more wait their turn. */
const loadsMax = 64
/** Rows of one read of a history. */
const historyMax = 1_000

export const duplicateActivations = Metric.counter("halles_duplicate_activation_total", {
  description: "Batches refused because another runner had raised the epoch of their shard"
})

/** While the database is away reading waits for it: an entity without its past could only answer wrongly. */
const untilAnswered = { schedule: Schedule.spaced("200 millis") } as const
const answered = <A>(effect: Effect.Effect<A, SqlError.SqlError>): Effect.Effect<A> =>
  effect.pipe(
    Effect.tapError((error) => Effect.logWarning("The journal does not answer, trying again", error.reason._tag)),
    Effect.retry(untilAnswered),
    Effect.orDie
  )

/**
 * The append-only event table of a region and all that is committed with it: the only source of truth.
 */
export class Journal extends Context.Service<
  Journal,
  {
    /** What an entity is rebuilt from: the newest snapshot and the rows after it. */
    readonly load: (
      entityType: string,
      entityId: string
    ) => Effect.Effect<{ readonly snapshot: Snapshot | null; readonly tail: ReadonlyArray<Stored> }>
    readonly find: (entityType: string, entityId: string, commandId: string) => Effect.Effect<Option.Option<Stored>>
    /** In order, `historyMax` rows at the most. */
    readonly history: (entityType: string, entityId: string, afterSeq: number) => Effect.Effect<ReadonlyArray<Stored>>
    /** Whether the writer of the shard takes more at the moment. */
    readonly hasRoom: (shard: number) => boolean
    readonly appendUnsafe: (entry: GroupCommit.Entry) => Effect.Effect<GroupCommit.Refused | null>
    /** Best effort: a snapshot that is not written costs a longer load, nothing else. */
    readonly snapshot: (activation: GroupCommit.Activation, snapshot: Snapshot) => Effect.Effect<void>
    /** Moves a timer that is still there. */
    readonly rearm: (entityType: string, entityId: string, dueAt: number) => Effect.Effect<void>
  }
>()("@halles/entities/Journal") {
  static readonly layer = Layer.effect(
    Journal,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const epochs = yield* ShardEpochs
      const outbox = yield* Outbox
      const loading = Semaphore.makeUnsafe(loadsMax)

      /** Two runners believed that they own the shard. Only one could write; operators hear of both. */
      const onStale = ({ activation }: GroupCommit.Entry) =>
        Effect.gen(function* () {
          if (epochs.current(activation.shard) === activation.epoch) epochs.drop([activation.shard])
          yield* Metric.update(duplicateActivations, 1)
          const [now] = yield* sql<{ epoch: number; owner: string }>`
            SELECT epoch, owner FROM shard_epoch WHERE shard = ${activation.shard}`
          const detail = {
            entity: `${activation.entityType}/${activation.entityId}`,
            shard: activation.shard,
            refused: { owner: epochs.owner, epoch: activation.epoch },
            current: { owner: now?.owner ?? null, epoch: now?.epoch ?? null }
          }
          yield* Effect.logError("Duplicate activation: a batch was refused", detail)
          yield* sql`INSERT INTO alarm (kind, detail) VALUES ('duplicate_activation', ${JSON.stringify(detail)}::text::jsonb)`
          outbox.alarm("duplicate_activation", detail)
        }).pipe(Effect.catchCause((cause) => Effect.logWarning("The alarm could not be stored", cause)))

      const writers = yield* Effect.all(
        Array.from({ length: lanes }, () =>
          GroupCommit.make({ runner: epochs.owner, onCommitted: outbox.publishUnsafe, onStale })
        )
      )
      const writerOf = (shard: number) => writers[shard % lanes]!

      const columns = sql.literal(
        "seq, command_id, events, (meta->>'v')::int AS version, extract(epoch FROM at) * 1000 AS at"
      )
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
      const rowsAfter = (entityType: string, entityId: string, afterSeq: number) =>
        Effect.map(
          sql<Row>`
            SELECT ${columns} FROM journal_all
            WHERE entity_type = ${entityType} AND entity_id = ${entityId} AND seq > ${afterSeq}
            ORDER BY seq LIMIT ${historyMax}`,
          (rows) => rows.map(stored)
        )
      const tailAfter = Effect.fnUntraced(function* (entityType: string, entityId: string, afterSeq: number) {
        const tail: Array<Stored> = []
        while (true) {
          const rows: ReadonlyArray<Stored> = yield* rowsAfter(entityType, entityId, tail.at(-1)?.seq ?? afterSeq)
          tail.push(...rows)
          if (rows.length < historyMax) return tail
        }
      })
      const load = Effect.fnUntraced(function* (entityType: string, entityId: string) {
        const [row] = yield* sql<Snapshot>`
          SELECT seq, version, state, commands FROM snapshot
          WHERE entity_type = ${entityType} AND entity_id = ${entityId}`
        return { snapshot: row ?? null, tail: yield* tailAfter(entityType, entityId, row?.seq ?? 0) }
      })

      return Journal.of({
        load: (entityType, entityId) => loading.withPermits(1)(answered(load(entityType, entityId))),
        find: (entityType, entityId, commandId) =>
          answered(
            Effect.map(
              sql<Row>`
                SELECT ${columns} FROM journal_all
                WHERE entity_type = ${entityType} AND entity_id = ${entityId} AND command_id = ${commandId}`,
              ([row]) => Option.map(Option.fromNullishOr(row), stored)
            )
          ),
        history: (entityType, entityId, afterSeq) => answered(rowsAfter(entityType, entityId, afterSeq)),
        hasRoom: (shard) => writerOf(shard).hasRoom(),
        appendUnsafe: (entry) => writerOf(entry.activation.shard).appendUnsafe(entry),
        snapshot: ({ entityId, entityType }, { commands, seq, state, version }) =>
          sql`
            INSERT INTO snapshot (entity_type, entity_id, seq, version, state, commands)
            VALUES (${entityType}, ${entityId}, ${seq}, ${version}, ${JSON.stringify(state)}::text::jsonb,
              ARRAY(SELECT jsonb_array_elements_text(${JSON.stringify(commands)}::text::jsonb)))
            ON CONFLICT (entity_type, entity_id) DO UPDATE
              SET seq = excluded.seq, version = excluded.version, state = excluded.state,
                commands = excluded.commands, at = now()
              WHERE snapshot.seq < excluded.seq`.pipe(
            Effect.catch((error) => Effect.logWarning("A snapshot was not written", error.reason._tag)),
            Effect.asVoid
          ),
        rearm: (entityType, entityId, dueAt) =>
          sql`
            UPDATE timer SET due_at = to_timestamp(${String(dueAt)}::text::double precision / 1000)
            WHERE entity_type = ${entityType} AND entity_id = ${entityId}`.pipe(
            Effect.catch((error) => Effect.logWarning("A timer was not moved, it fires again", error.reason._tag)),
            Effect.asVoid
          )
      })
    })
  )
}
