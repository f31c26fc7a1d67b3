import { CommitLatency } from "./CommitLatency.ts"
import { EntityCalls } from "../activation/EntityCalls.ts"
import { Context, Effect, Layer, Metric, Option, Schedule, Semaphore } from "effect"
import * as GroupCommit from "./GroupCommit.ts"
import {
  JournalStore,
  type Loaded,
  parkedMax,
  type Recorded,
  type Snapshot,
  type Stored,
  type StoreFailed,
  type Traced
} from "./JournalStore.ts"
import { Outbox } from "./Outbox.ts"
import { TakenCommands } from "./TakenCommands.ts"
import { ShardEpochs } from "../placement/ShardEpochs.ts"

/** Entities that are read at the same time; more wait their turn. */
export const loadsMax = 512

export const duplicateActivations = Metric.counter("halles_duplicate_activation_total", {
  description: "Batches refused because another runner had raised the epoch of their shard"
})

/** While the database is away reading waits for it: an entity without its past could only answer wrongly. */
const untilAnswered = { schedule: Schedule.spaced("200 millis") } as const
const answered = <A>(effect: Effect.Effect<A, StoreFailed>): Effect.Effect<A> =>
  effect.pipe(
    Effect.tapError((error) => Effect.logWarning("The journal does not answer, trying again", error.reason)),
    Effect.retry(untilAnswered),
    Effect.orDie
  )

/**
 * The append-only event table of a region and all that is committed with it: the only source of truth.
 */
export class Journal extends Context.Service<
  Journal,
  {
    /** What an entity is rebuilt from: the newest snapshot and the first rows after it. */
    readonly load: (entityType: string, entityId: string) => Effect.Effect<Loaded>
    readonly find: (entityType: string, entityId: string, commandId: string) => Effect.Effect<Option.Option<Stored>>
    /** In order, as many as go together; none when there are no more. */
    readonly history: (entityType: string, entityId: string, afterSeq: number) => Effect.Effect<ReadonlyArray<Recorded>>
    /** The newest trace that is written beside the entity's events and is exported. */
    readonly traceOf: (entityType: string, entityId: string) => Effect.Effect<Traced | null>
    /**
     * Whether the entity was parked or in quarantine when it was read of its shard, which is once after this runner took it: what
     * this runner parks itself its `Supervision` knows. It says yes where that is not known.
     */
    readonly isRefused: (lease: GroupCommit.WriterLease) => Effect.Effect<boolean>
    /**
     * Whether nobody has taken the shard over since the entity was activated, and, of one that is taken for new, whether there is
     * nothing of it in the journal.
     */
    readonly owns: (lease: GroupCommit.WriterLease) => Effect.Effect<boolean>
    /** Whether the writer takes more at the moment. */
    readonly hasRoom: () => boolean
    /** For how long the database has been busy with what is being written, in milliseconds. */
    readonly slowMs: () => number
    readonly taken: TakenCommands
    readonly appendUnsafe: (
      entry: GroupCommit.Entry,
      others?: ReadonlyArray<GroupCommit.Entry>
    ) => Effect.Effect<GroupCommit.Refused | null>
    /** Best effort: a snapshot that is not written costs a longer load, nothing else. */
    readonly snapshot: (lease: GroupCommit.WriterLease, snapshot: Snapshot) => Effect.Effect<void>
    /** Moves or deletes a timer that has fired. */
    readonly rearm: (entityType: string, entityId: string, firedAt: number, dueAt: number | null) => Effect.Effect<void>
  }
>()("@halles/engine/Journal") {
  static readonly layer = Layer.effect(
    Journal,
    Effect.gen(function* () {
      const store = yield* JournalStore
      const epochs = yield* ShardEpochs
      const outbox = yield* Outbox
      const loading = Semaphore.makeUnsafe(loadsMax)

      /** Two runners believed that they own the shard. Only one could write; operators hear of both. */
      const onStale = ({ lease }: GroupCommit.Entry) =>
        Effect.gen(function* () {
          if (epochs.current(lease.shard) === lease.epoch) epochs.drop([lease.shard])
          yield* Metric.update(duplicateActivations, 1)
          const now = yield* store.epochOf(lease.shard)
          const detail = {
            entity: `${lease.entityType}/${lease.entityId}`,
            shard: lease.shard,
            refused: { owner: epochs.owner, epoch: lease.epoch },
            current: { owner: now?.owner ?? null, epoch: now?.epoch ?? null }
          }
          yield* Effect.logError("Duplicate activation: a batch was refused", detail)
          yield* store.alarm("duplicate_activation", detail)
          outbox.alarm("duplicate_activation", detail)
        }).pipe(Effect.catchCause((cause) => Effect.logWarning("The alarm could not be stored", cause)))

      /** Epochs, by shard, under which it was read which entities are refused. */
      const readUnder = new Map<number, number>()
      const refused = new Set<string>()
      const reading = Semaphore.makeUnsafe(1)
      const hasRead = ({ epoch, shard }: GroupCommit.WriterLease) => readUnder.get(shard) === epoch
      const readRefused = Effect.gen(function* () {
        const unread = epochs.owned().flatMap((shard) => {
          const epoch = epochs.current(shard)
          return epoch === undefined || readUnder.get(shard) === epoch ? [] : [[shard, epoch] as const]
        })
        if (unread.length === 0) return
        const rows = yield* answered(store.parked(unread.map(([shard]) => shard)))
        if (rows.length === parkedMax) return
        for (const { entityId, entityType } of rows) refused.add(`${entityType}/${entityId}`)
        for (const [shard, epoch] of unread) readUnder.set(shard, epoch)
      }).pipe(reading.withPermits(1))

      const latency = yield* CommitLatency
      const figures = yield* EntityCalls
      const onCommitted = (committed: GroupCommit.Committed) => {
        latency.note(Date.now() - committed.entries[0]!.at)
        figures.commits += committed.entries.length
        outbox.publishUnsafe(committed)
      }
      // One for the whole runner: two wrote half as many rows a statement, which cost more than their overlap gave.
      const writer = yield* GroupCommit.make({
        store,
        runner: epochs.owner,
        onCommitted,
        published: outbox.published,
        onStale
      })

      return Journal.of({
        load: (entityType, entityId) => loading.withPermits(1)(answered(store.load(entityType, entityId))),
        find: (entityType, entityId, commandId) => answered(store.find(entityType, entityId, commandId)),
        history: (entityType, entityId, afterSeq) => answered(store.history(entityType, entityId, afterSeq)),
        traceOf: (entityType, entityId) => answered(store.traceOf(entityType, entityId)),
        isRefused: (lease) => {
          const isIt = () => !hasRead(lease) || refused.has(`${lease.entityType}/${lease.entityId}`)
          return Effect.suspend(() => (hasRead(lease) ? Effect.sync(isIt) : Effect.map(readRefused, isIt)))
        },
        owns: (lease) =>
          Effect.suspend(() => {
            const { entityId, entityType, epoch, shard } = lease
            const since = epochs.now()
            const isOwner = Effect.map(answered(store.epochOf(shard)), (now) => {
              const isOwner = now?.epoch === epoch
              if (isOwner) epochs.found(shard, since)
              else if (epochs.current(shard) === epoch) epochs.drop([shard])
              return isOwner
            })
            if (lease.isNew !== true) return isOwner
            // In this order: what an owner of before still writes would not be missed.
            return Effect.flatMap(isOwner, (owns) =>
              Effect.map(answered(store.load(entityType, entityId)), ({ isParked, snapshot, tail }) => {
                if (!isParked && snapshot === null && tail.length === 0) lease.isNew = false
                return owns && lease.isNew !== true
              })
            )
          }),
        hasRoom: writer.hasRoom,
        slowMs: writer.slowMs,
        taken: new TakenCommands(),
        appendUnsafe: writer.appendUnsafe,
        snapshot: ({ entityId, entityType }, snapshot) =>
          Effect.catch(store.putSnapshot(entityType, entityId, snapshot), (error) =>
            Effect.logWarning("A snapshot was not written", error.reason)
          ),
        rearm: (entityType, entityId, firedAt, dueAt) =>
          Effect.catch(store.rearm(entityType, entityId, firedAt, dueAt), (error) =>
            Effect.logWarning("A timer was not moved, it fires again", error.reason)
          )
      })
    })
  )
}
