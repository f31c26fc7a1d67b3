import type { Region } from "@halles/shared/Region"
import * as Shard from "@halles/shared/Shard"
import { Effect, Layer } from "effect"
import { type ClusterError, type RunnerAddress, RunnerStorage, type ShardId } from "effect/cluster"
import { PersistenceError } from "effect/cluster/ClusterError"
import { Outbox } from "./Outbox.ts"
import { ShardEpochs } from "./ShardEpochs.ts"

/** How long taking shards over waits for the events that their last owner left unpublished. */
const sweepDeadline = "400 millis"

/**
 * Runner storage whose locks come with a fencing epoch: a shard counts as acquired only when its epoch has been raised
 * in the region's database, so that whatever the last owner still has in flight is refused. What that owner left
 * unpublished is published first, to keep the events of an entity in order.
 */
export const make = Effect.fnUntraced(function* (region: Region) {
  const storage = yield* RunnerStorage.RunnerStorage
  const epochs = yield* ShardEpochs
  const outbox = yield* Outbox
  const numbers = (shards: Iterable<ShardId.ShardId>) =>
    [...shards].filter(({ group }) => Shard.groupsOf(region).includes(group)).map(Shard.numberOf)

  const raise = (shards: ReadonlyArray<number>): Effect.Effect<void, ClusterError.PersistenceError> =>
    shards.length === 0
      ? Effect.void
      : epochs.raise(shards).pipe(
          Effect.andThen(Effect.timeoutOption(outbox.sweep({ olderThanMs: 0 }), sweepDeadline)),
          Effect.mapError((cause) => new PersistenceError({ cause })),
          Effect.asVoid
        )

  const release = (address: RunnerAddress.RunnerAddress, shard: ShardId.ShardId) =>
    Effect.andThen(
      Effect.sync(() => epochs.drop(numbers([shard]))),
      storage.release(address, shard)
    )

  return RunnerStorage.RunnerStorage.of({
    ...storage,
    /**
     * An attempt that fails or runs out of time has an unknown outcome: its locks are given back before anybody tries
     * again, since a lock that nobody knows of would keep the shard from every runner.
     */
    acquire: (address, shards) => {
      const wanted = [...shards]
      return storage.acquire(address, wanted).pipe(
        Effect.tap((acquired) => raise(numbers(acquired))),
        Effect.onError(() =>
          Effect.forEach(wanted, (shard) => release(address, shard), { discard: true }).pipe(
            Effect.catchCause((cause) => Effect.logWarning("Locks of a failed attempt could not be given back", cause))
          )
        )
      )
    },
    /** A lock that is held though its epoch was lost (another runner wrote in between) is fenced anew. */
    refresh: (address, shards) =>
      Effect.tap(storage.refresh(address, shards), (held) =>
        raise(numbers(held).filter((shard) => epochs.current(shard) === undefined))
      ),
    release,
    releaseAll: (address) =>
      Effect.andThen(
        Effect.sync(() => epochs.drop(epochs.owned())),
        storage.releaseAll(address)
      )
  })
})

/** Fences the runner storage that it is given. */
export const layer = (region: Region) => Layer.effect(RunnerStorage.RunnerStorage, make(region))
