import { assert, layer } from "@effect/vitest"
import { RunnerPresence, suspectMs } from "@halles/engine/placement/RunnerPresence"
import { PgTest } from "@halles/shared/testing/PgTest"
import * as RunClock from "@halles/shared/testing/RunClock"
import { Effect, Layer, Schedule } from "effect"
import { RunnerAddress, RunnerStorage, ShardId } from "effect/cluster"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import * as FencedRunnerStorage from "@halles/engine/placement/FencedRunnerStorage"
import * as EngineTables from "../EngineTables.ts"
import { Outbox } from "@halles/engine/journal/Outbox"
import { leaseMs, ShardEpochs } from "@halles/engine/placement/ShardEpochs"

const Database = Layer.provideMerge(EngineTables.layer, PgTest.layer("fenced_runner_storage"))

/** One runner of the region; `silent` are the others that it does not hear. */
const runner = (name: string, shard: ShardId.ShardId, silent: ReadonlySet<string> = new Set()) => {
  const address = RunnerAddress.make(name, 1)
  const presence = RunnerPresence.of({
    alive: Effect.succeed([]),
    isAlive: (id) => Effect.succeed(!silent.has(id)),
    silentMs: (id) => Effect.succeed(silent.has(id) ? suspectMs + 1 : 0)
  })
  const outage = { isOn: false }
  const breakable = Layer.effect(
    ShardEpochs,
    Effect.map(ShardEpochs, (epochs) => ({
      ...epochs,
      confirm: Effect.suspend(() =>
        outage.isOn
          ? Effect.fail(new SqlError({ reason: new ConnectionError({ cause: "the database is away" }) }))
          : epochs.confirm
      )
    }))
  ).pipe(Layer.provide(ShardEpochs.layer(name)))
  const layerRunner = FencedRunnerStorage.layer("eu").pipe(
    Layer.provide([RunnerStorage.layerMemory, Outbox.layerNoop, Layer.succeed(RunnerPresence, presence)]),
    Layer.provideMerge(breakable)
  )
  return Effect.map(Layer.build(Layer.fresh(layerRunner)), (context) => {
    const use = <A, E>(
      f: (storage: RunnerStorage.RunnerStorage["Service"], epochs: ShardEpochs["Service"]) => Effect.Effect<A, E>
    ) =>
      Effect.flatMap(Effect.all([RunnerStorage.RunnerStorage, ShardEpochs]), ([storage, epochs]) =>
        f(storage, epochs)
      ).pipe(Effect.provideContext(context))
    const number = Number(shard.group.slice(3))
    return {
      outage,
      ask: use((storage) => Effect.map(storage.acquire(address, [shard]), (acquired) => acquired.length > 0)),
      /** How long it takes until an entity of the shard may be made, and that by this thread's own clock, in milliseconds. */
      alone: use((_, epochs) =>
        Effect.suspend(() => {
          const [began, ownBegan] = [performance.now(), RunClock.nowMs()]
          return Effect.map(epochs.alone(number), () => ({
            ms: performance.now() - began,
            ownMs: RunClock.nowMs() - ownBegan
          }))
        })
      ),
      release: use((storage) => storage.release(address, shard)),
      releaseAll: use((storage) => storage.releaseAll(address)),
      stillHas: use((storage, { confirm }) =>
        Effect.ignore(confirm).pipe(
          Effect.andThen(storage.refresh(address, [shard])),
          Effect.map((held) => held.length > 0)
        )
      )
    }
  })
}

layer(Database, { excludeTestServices: true })("FencedRunnerStorage", (it) => {
  it.effect("takes the shard of a silent owner at once, and makes no entity of it while that one may be sure", () =>
    Effect.gen(function* () {
      const shard = ShardId.make("eu/7", 1)
      const frozen = yield* runner("eu-1", shard)
      const next = yield* runner("eu-2", shard, new Set(["eu-1"]))
      assert.isTrue(yield* frozen.ask, "a shard that nobody ever had")
      assert.isBelow((yield* frozen.alone).ownMs, 50)
      assert.isTrue(yield* next.ask)
      assert.isAtLeast((yield* next.alone).ms, leaseMs - 50)
      assert.isFalse(yield* frozen.stillHas)
      assert.isTrue(yield* next.stillHas)
    })
  )

  it.effect("waits for an owner who is there, until it hands the shard over", () =>
    Effect.gen(function* () {
      const shard = ShardId.make("eu/8", 1)
      const owner = yield* runner("eu-1", shard)
      const next = yield* runner("eu-2", shard)
      assert.isTrue(yield* owner.ask)
      assert.isFalse(yield* next.ask)
      assert.isTrue(yield* owner.stillHas)
      yield* owner.release
      assert.isTrue(yield* next.ask)
      assert.isBelow((yield* next.alone).ownMs, 50, "the last owner is not sure of it any more")
      yield* next.releaseAll
      assert.isTrue(yield* owner.ask)
      assert.isAtLeast((yield* owner.alone).ms, leaseMs - 50, "given back in a hurry")
    })
  )

  it.effect(
    "waits for an owner who does not hand the shard over only so long",
    () =>
      Effect.gen(function* () {
        const shard = ShardId.make("eu/9", 1)
        const owner = yield* runner("eu-1", shard)
        const next = yield* runner("eu-2", shard)
        assert.isTrue(yield* owner.ask)
        const began = performance.now()
        yield* Effect.repeat(next.ask, { until: (taken) => taken, schedule: Schedule.spaced("50 millis") })
        assert.isAtLeast(performance.now() - began, FencedRunnerStorage.patienceMs)
        assert.isFalse(yield* owner.stillHas)
        // Its owner comes back to the shard that it has lost, and finds somebody there in turn.
        assert.isFalse(yield* owner.ask)
      }),
    120_000
  )

  it.effect("loses no shard by an outage of the database", () =>
    Effect.gen(function* () {
      const shard = ShardId.make("eu/10", 1)
      const owner = yield* runner("eu-1", shard)
      assert.isTrue(yield* owner.ask)
      owner.outage.isOn = true
      assert.isTrue(yield* owner.stillHas)
      const next = yield* runner("eu-2", shard, new Set(["eu-1"]))
      assert.isTrue(yield* next.ask)
      owner.outage.isOn = false
      assert.isFalse(yield* owner.stillHas, "what was taken meanwhile is found when the database is back")
    })
  )
})
