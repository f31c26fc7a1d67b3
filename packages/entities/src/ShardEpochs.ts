import { Context, Effect, Layer } from "effect"
import { SqlClient, type SqlError } from "effect/sql"

/** Stands for the owner of a shard whose last owner has handed it over. */
const handedOver = ""

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
    /** Notes that this runner has finished with the shard and left nothing undone. */
    readonly handOver: (shard: number) => Effect.Effect<void, SqlError.SqlError>
    readonly drop: (shards: ReadonlyArray<number>) => void
    readonly current: (shard: number) => number | undefined
    readonly owned: () => ReadonlyArray<number>
    readonly owner: string
  }
>()("@halles/entities/ShardEpochs") {
  static readonly layer = (owner: string) =>
    Layer.effect(
      ShardEpochs,
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const epochs = new Map<number, number>()
        return ShardEpochs.of({
          owner,
          raise: Effect.fnUntraced(function* (shards) {
            const abandoned = yield* sql`
              SELECT shard FROM shard_epoch WHERE shard = ANY(${[...shards]}) AND owner NOT IN (${handedOver}, ${owner})`
            const rows = yield* sql<{ shard: number; epoch: number }>`
              SELECT * FROM shard_epoch_raise(${[...shards]}, ${owner})`
            for (const { epoch, shard } of rows) epochs.set(shard, epoch)
            return abandoned.length > 0
          }),
          handOver: (shard) => {
            const epoch = epochs.get(shard)
            return epoch === undefined
              ? Effect.void
              : Effect.asVoid(
                  sql`UPDATE shard_epoch SET owner = ${handedOver} WHERE shard = ${shard} AND epoch = ${epoch}`
                )
          },
          drop: (shards) => {
            for (const shard of shards) epochs.delete(shard)
          },
          current: (shard) => epochs.get(shard),
          owned: () => [...epochs.keys()]
        })
      })
    )
}
