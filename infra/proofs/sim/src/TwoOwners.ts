import * as Invariants from "@halles/entities/laws/Invariants"
import { JournalStore } from "@halles/engine/journal/JournalStore"
import { layerRegion } from "@halles/entities/Migrations"
import { ShardEpochs } from "@halles/engine/placement/ShardEpochs"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer, Logger } from "effect"

const shard = 1

/** A runner's way to the journal: its own idea of the epochs, on the one database. */
const runner = (owner: string) =>
  Effect.gen(function* () {
    const store = yield* JournalStore
    const epochs = yield* ShardEpochs
    return {
      take: epochs.raise([shard]),
      write: (seq: number) =>
        Effect.suspend(() =>
          store.append(
            owner,
            [
              {
                lease: { entityType: "Sku", entityId: "eu_S0", shard, epoch: epochs.current(shard)!, dead: false },
                seq,
                commandId: `${owner}:${seq}`,
                events: JSON.stringify([{ _tag: "Received", warehouse: "w0", quantity: 1 }]),
                meta: JSON.stringify({ v: 1 }),
                at: 1_767_225_600_000 + seq,
                dueAt: undefined,
                onCommit: () => undefined
              }
            ],
            []
          )
        )
    }
  }).pipe(Effect.provide(ShardEpochs.layer(owner)))

const twoOwners = Effect.gen(function* () {
  const first = yield* runner("first")
  const second = yield* runner("second")
  yield* first.take
  yield* first.write(1)
  yield* second.take
  yield* second.write(2)
  yield* first.write(3)
  const { found } = yield* Invariants.check({ graceMs: 0, running: true })
  return found.map(
    ({ detail, entityId, entityType, invariant, seq }) => `${invariant} ${entityType}/${entityId} at ${seq}: ${detail}`
  )
})

/** On a real Postgres: a runner whose shard was taken over writes once more. What `npm run check` then finds. */
export const run = twoOwners.pipe(
  Effect.provide(
    JournalStore.layer.pipe(Layer.provideMerge(layerRegion), Layer.provideMerge(PgTest.layer("two_owners")))
  ),
  Effect.provide(Logger.layer([]))
)
