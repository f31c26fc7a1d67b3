import { Context, Effect, Layer } from "effect"
import { SqlClient, type SqlError } from "effect/sql"

/**
 * The fencing epochs of the shards that this runner has acquired, by shard number. A batch is written under the epoch
 * that its entity was activated with, and refused once another runner has raised it.
 */
export class ShardEpochs extends Context.Service<
  ShardEpochs,
  {
    /** Takes the shards over: whatever an earlier owner still has in flight is refused from now on. */
    readonly raise: (shards: ReadonlyArray<number>) => Effect.Effect<void, SqlError.SqlError>
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
          raise: (shards) =>
            sql<{ shard: number; epoch: number }>`SELECT * FROM shard_epoch_raise(${[...shards]}, ${owner})`.pipe(
              Effect.map((rows) => {
                for (const { epoch, shard } of rows) epochs.set(shard, epoch)
              })
            ),
          drop: (shards) => {
            for (const shard of shards) epochs.delete(shard)
          },
          current: (shard) => epochs.get(shard),
          owned: () => [...epochs.keys()]
        })
      })
    )
}
