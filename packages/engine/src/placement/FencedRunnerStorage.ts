import type { Region } from "@halles/shared/Region"
import { RunnerPresence, suspectMs } from "./RunnerPresence.ts"
import * as Shard from "@halles/shared/Shard"
import { Clock, Effect, Layer, Option } from "effect"
import { type ClusterError, RunnerStorage, type ShardId } from "effect/cluster"
import { PersistenceError } from "effect/cluster/ClusterError"
import { Outbox } from "../journal/Outbox.ts"
import { ShardEpochs } from "./ShardEpochs.ts"

/** How long taking shards over waits for the events that an owner who is gone left unpublished. */
const sweepDeadline = "400 millis"
/** How long giving a shard back waits for the events of this runner that are on their way to the stream. */
const publishDeadline = "200 millis"
/** Of taking a lost shard back, and of giving shards up. */
const lookDeadline = "1 second"
/** How long the next owner of a shard waits for one that is alive and does not give it back. */
export const patienceMs = 3_000
/** A shard that was not asked for during this time is waited for anew. */
const forgottenMs = 2_000

/**
 * Runner storage without locks: a shard is a runner's own once the runner has raised its epoch in the region's database, and
 * until another one raises it. Whatever an earlier owner still has in flight is refused, so taking a shard is always safe; it
 * is polite as long as the owner is there. A shard is taken at once when its owner gave it back, was not heard for
 * `suspectMs`, or did not give it back for `patienceMs`.
 *
 * **Details**
 *
 * While the database is away nobody can raise an epoch, so that a runner loses no shard by an outage: it goes on as soon as
 * the database answers. To keep the events of an entity in order, what the last owner had not published is published before
 * the shard is taken: by itself if it hands the shard over, else by the next one.
 *
 * The list of runners is that of the storage that it is given.
 */
export const make = Effect.fnUntraced(function* (region: Region) {
  const list = yield* RunnerStorage.RunnerStorage
  const epochs = yield* ShardEpochs
  const outbox = yield* Outbox
  const presence = yield* RunnerPresence
  const numberOf = (shard: ShardId.ShardId) => (Shard.isOf(region, shard) ? Shard.numberOf(shard) : undefined)

  /** Since when a shard has been waited for, and when it was asked for last, in milliseconds since the epoch. */
  const waiting = new Map<number, { readonly since: number; last: number }>()
  const isWaitedFor = (shard: number, now: number): boolean => {
    const known = waiting.get(shard)
    if (known === undefined || now - known.last > forgottenMs) {
      waiting.set(shard, { since: now, last: now })
      return true
    }
    known.last = now
    return now - known.since < patienceMs
  }

  const mayTake = Effect.fnUntraced(function* (shard: number, owner: string | null) {
    if (owner === null || owner === epochs.owner) return true
    if ((yield* presence.silentMs(owner)) > suspectMs) return true
    return !isWaitedFor(shard, yield* Clock.currentTimeMillis)
  })

  const acquire = Effect.fnUntraced(
    function* (shards: ReadonlyArray<ShardId.ShardId>) {
      const owners = yield* epochs.owners(shards.flatMap((shard) => numberOf(shard) ?? []))
      const taken = yield* Effect.filter(shards, (shard) => {
        const number = numberOf(shard)
        return number === undefined ? Effect.succeed(false) : mayTake(number, owners.get(number) ?? null)
      })
      if (taken.length === 0) return []
      const abandoned = yield* epochs.raise(taken.map(Shard.numberOf))
      if (abandoned) yield* Effect.timeoutOption(outbox.sweep({ olderThanMs: 0 }), sweepDeadline)
      for (const shard of taken) waiting.delete(Shard.numberOf(shard))
      return taken
    },
    Effect.mapError((cause): ClusterError.PersistenceError => new PersistenceError({ cause }))
  )

  const isHeld = (shard: ShardId.ShardId) => {
    const number = numberOf(shard)
    return number !== undefined && epochs.current(number) !== undefined
  }
  /**
   * As `ShardEpochs.confirming` saw it last, so that an outage of the database costs no shard: one that is another's by now
   * refuses every write. A shard that was taken by somebody who is gone again is taken back.
   */
  const refresh = Effect.fnUntraced(function* (shards: ReadonlyArray<ShardId.ShardId>) {
    const lost = shards.filter((shard) => !isHeld(shard))
    if (lost.length > 0) yield* Effect.ignore(Effect.timeout(acquire(lost), lookDeadline))
    return shards.filter(isHeld)
  })

  /** Best effort: a shard that was not handed over costs the next owner a sweep, or its patience. */
  const handOver = (shard: number) =>
    outbox.settled.pipe(
      Effect.timeoutOption(publishDeadline),
      Effect.flatMap((settled) => epochs.handOver([shard], Option.isSome(settled))),
      Effect.timeout(lookDeadline),
      Effect.catch((error) => Effect.logDebug("A shard could not be handed over", error._tag)),
      Effect.andThen(Effect.sync(() => epochs.drop([shard])))
    )

  return RunnerStorage.RunnerStorage.of({
    ...list,
    acquire: (_address, shards) => acquire([...shards]),
    refresh: (_address, shards) => refresh([...shards]),
    release: (_address, shard) => {
      const number = numberOf(shard)
      return number === undefined ? Effect.void : handOver(number)
    },
    releaseAll: () =>
      Effect.suspend(() => epochs.handOver(epochs.owned(), false)).pipe(
        Effect.timeout(lookDeadline),
        Effect.ignore,
        Effect.andThen(Effect.sync(() => epochs.drop(epochs.owned())))
      )
  })
})

export const layer = (region: Region) => Layer.effect(RunnerStorage.RunnerStorage, make(region))
