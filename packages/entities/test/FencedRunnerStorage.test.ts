import { assert, layer } from "@effect/vitest"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer } from "effect"
import { RunnerAddress, RunnerStorage, ShardId } from "effect/cluster"
import * as FencedRunnerStorage from "../src/FencedRunnerStorage.ts"
import { layerRegion } from "../src/Migrations.ts"
import { Outbox } from "../src/Outbox.ts"
import { leaseMs, ShardEpochs } from "../src/ShardEpochs.ts"

const Database = Layer.provideMerge(layerRegion, PgTest.layer("fenced_runner_storage"))
const shard = ShardId.make("eu/7", 1)

/** One runner's locks, of a store that gives them to whoever asks: the fence is what is tested. */
const runner = (name: string) => {
  const address = RunnerAddress.make(name, 1)
  const layerRunner = FencedRunnerStorage.layer("eu").pipe(
    Layer.provide(RunnerStorage.layerMemory),
    Layer.provide(Outbox.layerNoop),
    Layer.provideMerge(Layer.fresh(ShardEpochs.layer(name)))
  )
  return Effect.map(Layer.build(Layer.fresh(layerRunner)), (context) => ({
    /** How long it took until it may answer, in milliseconds. */
    acquire: Effect.gen(function* () {
      const storage = yield* RunnerStorage.RunnerStorage
      const epochs = yield* ShardEpochs
      const began = performance.now()
      assert.deepStrictEqual(yield* storage.acquire(address, [shard]), [shard])
      yield* epochs.alone(7)
      return performance.now() - began
    }).pipe(Effect.provideContext(context)),
    release: Effect.flatMap(RunnerStorage.RunnerStorage, (storage) => storage.release(address, shard)).pipe(
      Effect.provideContext(context)
    )
  }))
}

layer(Database, { excludeTestServices: true })("FencedRunnerStorage", (it) => {
  it.effect("waits until the last owner can no longer be sure of a shard that it has not handed over", () =>
    Effect.gen(function* () {
      const frozen = yield* runner("eu-1")
      const next = yield* runner("eu-2")
      const polite = yield* runner("eu-3")
      yield* frozen.acquire
      assert.isAtLeast(yield* next.acquire, leaseMs)
      yield* next.release
      assert.isBelow(yield* polite.acquire, leaseMs, "a shard that was handed over is there at once")
    })
  )
})
