import { Context, Effect, Layer, Schedule } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { Notice } from "@halles/shared/Notice"
import { Placement } from "./Placement.ts"

/** Stands for the owner of a shard whose last owner has handed it over, with nothing left to publish. */
export const handedOver = ""
/** The same of one who gave it back in a hurry: what it left unpublished is the next one's. */
export const left = "-"

/**
 * For so long after the beginning of a look at the database, in milliseconds, an owner may be sure that the shards it found to be
 * its own are: who takes a shard that nobody has handed over waits as long before it answers anything.
 */
export const leaseMs = 250
/**
 * Between two reads of the epochs, as long as `isSure` was called within `askedWithinMs`. At rest the next read comes when `isSure`
 * returns false, when the placement changes, or after `restMs`.
 */
const confirmEveryMs = 100
const askedWithinMs = 1_000
const restMs = 2_000
/** Of one look: what comes later is of no use. */
const confirmDeadline = "1 second"

/** By two clocks, in milliseconds: one stands still while a machine sleeps, the other one may be set. */
export interface Instant {
  readonly monotonic: number
  readonly wall: number
}
const now = (): Instant => ({ monotonic: performance.now(), wall: Date.now() })
export const isWithinLease = (since: Instant | undefined, now: Instant): boolean =>
  since !== undefined && now.monotonic - since.monotonic < leaseMs && now.wall - since.wall < leaseMs

/**
 * The fencing epochs of the shards that this runner has acquired, by shard number. A batch is written under the epoch
 * that its entity was activated with, and refused once another runner has raised it.
 */
export class ShardEpochs extends Context.Service<
  ShardEpochs,
  {
    /**
     * Takes the shards over: whatever an earlier owner still has in flight is refused from now on. Says whether some
     * earlier owner went without handing its shard over.
     */
    readonly raise: (shards: ReadonlyArray<number>) => Effect.Effect<boolean, SqlError.SqlError>
    /** Until no earlier owner of the shard can be sure of it any more: nothing is answered before. */
    readonly alone: (shard: number) => Effect.Effect<void>
    /** Who has the shards; `null` for one that its last owner gave back. A shard that nobody ever had is not among them. */
    readonly owners: (
      shards: ReadonlyArray<number>
    ) => Effect.Effect<ReadonlyMap<number, string | null>, SqlError.SqlError>
    /** Notes that this runner has finished with its shards, and whether it left nothing to publish. */
    readonly handOver: (shards: ReadonlyArray<number>, isSettled: boolean) => Effect.Effect<void, SqlError.SqlError>
    readonly drop: (shards: ReadonlyArray<number>) => void
    readonly current: (shard: number) => number | undefined
    /** Looks whether the shards are still this runner's: those that are not are dropped, of the others it is sure for a while. */
    readonly confirm: Effect.Effect<void, SqlError.SqlError>
    /** The shard was found to be this runner's by a look that began then. */
    readonly found: (shard: number, since: Instant) => void
    readonly now: () => Instant
    /** Nobody has answered for the shard under a higher epoch: what its entities remember is how things are. */
    readonly isSure: (shard: number, epoch: number) => boolean
    /** When `isSure` was called last, by `performance.now()`. */
    readonly askedAt: () => number
    /** `isSure` has returned false. */
    readonly unsure: Notice
    /** `raise` has taken shards. */
    readonly raised: Notice
    readonly owned: () => ReadonlyArray<number>
    readonly owner: string
  }
>()("@halles/engine/ShardEpochs") {
  static readonly layer = (owner: string) =>
    Layer.effect(
      ShardEpochs,
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const epochs = new Map<number, number>()
        const foundAt = new Map<number, Instant>()
        /** By `performance.now()`. */
        const aloneFrom = new Map<number, number>()
        let askedAt = Number.NEGATIVE_INFINITY
        const unsure = new Notice()
        const raised = new Notice()
        return ShardEpochs.of({
          owner,
          askedAt: () => askedAt,
          unsure,
          raised,
          raise: Effect.fnUntraced(function* (shards) {
            const abandoned = yield* sql`
              SELECT shard FROM shard_epoch WHERE shard = ANY(${[...shards]}) AND owner NOT IN (${handedOver}, ${owner})`
            const rows = yield* sql<{ shard: number; epoch: number }>`
              SELECT * FROM shard_epoch_raise(${[...shards]}, ${owner})`
            const from = abandoned.length > 0 ? performance.now() + leaseMs : 0
            for (const { epoch, shard } of rows) {
              epochs.set(shard, epoch)
              aloneFrom.set(shard, from)
            }
            raised.give()
            return abandoned.length > 0
          }),
          alone: (shard) =>
            Effect.suspend(() => {
              const waitMs = (aloneFrom.get(shard) ?? 0) - performance.now()
              return waitMs > 0 ? Effect.sleep(waitMs) : Effect.void
            }),
          owners: (shards) =>
            Effect.map(
              sql<{ shard: number; owner: string }>`
                SELECT shard, owner FROM shard_epoch WHERE shard = ANY(${[...shards]}::int[])`,
              (rows) =>
                new Map(rows.map(({ owner, shard }) => [shard, owner === handedOver || owner === left ? null : owner]))
            ),
          handOver: (shards, isSettled) => {
            const own = shards.flatMap((shard) => {
              const epoch = epochs.get(shard)
              return epoch === undefined ? [] : [{ shard, epoch }]
            })
            if (own.length === 0) return Effect.void
            return Effect.asVoid(sql`
              UPDATE shard_epoch AS e SET owner = ${isSettled ? handedOver : left}
              FROM unnest(${own.map(({ shard }) => shard)}::int[], ${own.map(({ epoch }) => epoch)}::int[]) AS o(shard, epoch)
              WHERE e.shard = o.shard AND e.epoch = o.epoch`)
          },
          drop: (shards) => {
            for (const shard of shards) epochs.delete(shard)
          },
          current: (shard) => epochs.get(shard),
          owned: () => [...epochs.keys()],
          confirm: Effect.gen(function* () {
            const checked = new Map(epochs)
            const since = now()
            const rows = yield* sql<{ shard: number; epoch: number }>`
              SELECT shard, epoch FROM shard_epoch WHERE shard = ANY(${[...checked.keys()]})`
            const current = new Map(rows.map(({ epoch, shard }) => [shard, epoch]))
            for (const [shard, epoch] of checked) {
              if (current.get(shard) === epoch) foundAt.set(shard, since)
              else if (epochs.get(shard) === epoch) epochs.delete(shard)
            }
          }),
          found: (shard, since) => void foundAt.set(shard, since),
          now,
          isSure: (shard, epoch) => {
            const at = now()
            askedAt = at.monotonic
            const isSure = epochs.get(shard) === epoch && isWithinLease(foundAt.get(shard), at)
            if (!isSure) unsure.give()
            return isSure
          }
        })
      })
    )
}

/**
 * Renews the writer lease, for ever, as long as entities call `isSure`. The first call after a rest returns false, so its entity
 * reads the epoch of its own shard, as it does whenever a read here is late.
 */
export const confirming = Effect.gen(function* () {
  const epochs = yield* ShardEpochs
  const placement = yield* Placement
  yield* Effect.gen(function* () {
    const unsure = epochs.unsure.next()
    const { version } = placement.view()
    yield* Effect.timeout(epochs.confirm, confirmDeadline)
    if (performance.now() - epochs.askedAt() < askedWithinMs) return
    yield* Effect.raceFirst(unsure, placement.changedSince(version, restMs))
  }).pipe(
    Effect.catchCause((cause) => Effect.logDebug("The epochs could not be read, trying again", cause)),
    Effect.repeat(Schedule.spaced(confirmEveryMs))
  )
})
