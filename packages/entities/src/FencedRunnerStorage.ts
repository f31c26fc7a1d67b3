import type { Region } from "@halles/shared/Region"
import * as Shard from "@halles/shared/Shard"
import { Effect, Layer, Option } from "effect"
import { type ClusterError, type RunnerAddress, RunnerStorage, type ShardId } from "effect/cluster"
import { PersistenceError } from "effect/cluster/ClusterError"
import { Outbox } from "./Outbox.ts"
import { ShardEpochs } from "./ShardEpochs.ts"

/** How long taking shards over waits for the events that an owner who is gone left unpublished. */
const sweepDeadline = "400 millis"
/** How long giving a shard back waits for the events of this runner that are on their way to the stream. */
const publishDeadline = "200 millis"

/**
 * Runner storage whose locks come with a fencing epoch: a shard counts as acquired only when its epoch has been raised
 * in the region's database, so that whatever the last owner still has in flight is refused. To keep the events of an
 * entity in order, what that owner had not published is published before the shard is taken: by itself if it hands the
 * shard over, else by the next one.
 */
export const make = Effect.fnUntraced(function* (region: Region) {
  const storage = yield* RunnerStorage.RunnerStorage
  const epochs = yield* ShardEpochs
  const outbox = yield* Outbox
  const numbers = (shards: Iterable<ShardId.ShardId>) =>
    [...shards].filter((shard) => Shard.isOf(region, shard)).map(Shard.numberOf)

  const raise = (shards: ReadonlyArray<number>): Effect.Effect<void, ClusterError.PersistenceError> =>
    shards.length === 0
      ? Effect.void
      : epochs.raise(shards).pipe(
          Effect.flatMap((abandoned) =>
            abandoned ? Effect.timeoutOption(outbox.sweep({ olderThanMs: 0 }), sweepDeadline) : Effect.void
          ),
          Effect.mapError((cause) => new PersistenceError({ cause })),
          Effect.asVoid
        )

  /** Best effort: a shard that was not handed over costs the next owner a sweep. */
  const handOver = (shard: ShardId.ShardId) =>
    outbox.settled.pipe(
      Effect.timeoutOption(publishDeadline),
      Effect.flatMap((settled) =>
        Option.isNone(settled)
          ? Effect.void
          : Effect.forEach(numbers([shard]), (number) => epochs.handOver(number), { discard: true })
      ),
      Effect.catch((error) => Effect.logDebug("A shard could not be handed over", error.reason._tag)),
      Effect.andThen(Effect.sync(() => epochs.drop(numbers([shard]))))
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
    release: (address, shard) => Effect.andThen(handOver(shard), release(address, shard)),
    releaseAll: (address) =>
      Effect.andThen(
        Effect.sync(() => epochs.drop(epochs.owned())),
        storage.releaseAll(address)
      )
  })
})

/** Fences the runner storage that it is given. */
export const layer = (region: Region) => Layer.effect(RunnerStorage.RunnerStorage, make(region))
