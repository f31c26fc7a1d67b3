import { Effect, Fiber, Layer } from "effect"
import { type ClusterError, MachineId, Runner, RunnerAddress, RunnerStorage, ShardId } from "effect/cluster"
import { PersistenceError } from "effect/cluster/ClusterError"
import { runnerAddress } from "../transport/NatsTransport.ts"
import { Placement, type View } from "./Placement.ts"
import type { Region } from "@halles/shared/Region"
import * as Shard from "@halles/shared/Shard"

/** `getRunners` answers when the placement changes; without a change, after this: `Sharding` publishes who joined only when it asks again. */
const unchangedMs = 500
/** How long taking shards waits for owners that are still about to give them back, and once the first ones are there. */
const firstMs = 700
const othersMs = 300
/** Between two tries, unless there is news of a shard given back. */
const tryAgainMs = 25

/**
 * The list of runners that `Sharding` draws its ring from, made from the placement: one row for each shard, which says
 * "the runner at this address serves this group".
 *
 * **Details**
 *
 * `Sharding` tells rows apart by address and weight, and puts each into the rings of its groups. So a row for each shard,
 * with a weight that no other row has, is a placement to the letter. A weight counts only beside others in one ring, and
 * here each ring has one runner. A change of one shard adds a row and takes one away, and touches no other shard.
 */
const rowsOf = (view: View): ReadonlyArray<readonly [Runner.Runner, boolean]> =>
  view.shards.flatMap(({ region, runner, shard }) => {
    if (runner === null) return []
    const group = Shard.groupOf(region, shard)
    const weight = 0.1 + (Shard.allGroups.indexOf(group) + 1) / 100_000
    return [[Runner.make({ address: addressOf(runner), groups: [group], weight }), true] as const]
  })

const addresses = new Map<string, RunnerAddress.RunnerAddress>()
const addressOf = (runner: string): RunnerAddress.RunnerAddress => {
  const known = addresses.get(runner) ?? runnerAddress(runner)
  addresses.set(runner, known)
  return known
}

/** Answers each change of the placement at once; the same rows, by identity, as long as there is none. */
const followed = (placement: Placement["Service"]) => {
  let version = -1
  let rows: ReturnType<typeof rowsOf> = []
  return Effect.map(
    Effect.suspend(() => placement.changedSince(version, unchangedMs)),
    (view) => {
      if (view.version !== version) rows = rowsOf(view)
      version = view.version
      return rows
    }
  )
}

/** For a process that owns no shards. */
export const layerClient: Layer.Layer<RunnerStorage.RunnerStorage, never, Placement> = Layer.effect(
  RunnerStorage.RunnerStorage,
  Effect.map(Placement, (placement) =>
    RunnerStorage.RunnerStorage.of({
      getRunners: Effect.map(followed(placement), (rows) => [...rows]),
      register: () => Effect.die("a client is no runner"),
      unregister: () => Effect.void,
      setRunnerHealth: () => Effect.void,
      acquire: () => Effect.succeed([]),
      refresh: () => Effect.succeed([]),
      release: () => Effect.void,
      releaseAll: () => Effect.void
    })
  )
)

/** For a runner: it makes shards its own by the storage that it is given. */
export const layer = (options: {
  readonly runnerId: string
  readonly region: Region
}): Layer.Layer<RunnerStorage.RunnerStorage, never, Placement | RunnerStorage.RunnerStorage> =>
  Layer.effect(RunnerStorage.RunnerStorage, make(options))

const make = Effect.fnUntraced(function* (options: { readonly runnerId: string; readonly region: Region }) {
  const { region, runnerId } = options
  const storage = yield* RunnerStorage.RunnerStorage
  const placement = yield* Placement
  const rows = followed(placement)
  // Its own row is in no ring: `Sharding` wants to see that it is registered.
  const self = [Runner.make({ address: addressOf(runnerId), groups: [], weight: 1 }), true] as const

  /**
   * Whoever has a shard gives it back when it has finished; that is waited for here, since `Sharding` itself would look
   * again after a second. Shards that are there already do not wait long for the others.
   */
  const acquire = Effect.fnUntraced(function* (
    address: RunnerAddress.RunnerAddress,
    wanted: Iterable<ShardId.ShardId>
  ): Effect.fn.Return<Array<ShardId.ShardId>, ClusterError.PersistenceError> {
    const missing = new Map([...wanted].map((shard) => [shard.toString(), shard]))
    const acquired: Array<ShardId.ShardId> = []
    let deadline = performance.now() + firstMs
    while (true) {
      const news = yield* Effect.forkChild(placement.news(tryAgainMs), { startImmediately: true })
      for (const shard of yield* storage.acquire(address, missing.values())) {
        if (!missing.delete(shard.toString())) continue
        acquired.push(shard)
      }
      if (missing.size === 0) break
      if (acquired.length > 0) deadline = Math.min(deadline, performance.now() + othersMs)
      if (performance.now() >= deadline) break
      yield* Fiber.await(news)
    }
    if (acquired.length > 0) {
      yield* placement
        .taken(region, runnerId, acquired.map(Shard.numberOf))
        .pipe(Effect.mapError((cause) => new PersistenceError({ cause })))
    }
    return acquired
  })

  return RunnerStorage.RunnerStorage.of({
    ...storage,
    getRunners: Effect.map(rows, (placed) => [self, ...placed]),
    // Presence tells who is there, and who is dead is the movers' business; ids of messages are drawn as clients draw theirs.
    register: () => Effect.sync(() => MachineId.make(Math.floor(Math.random() * 1_024))),
    unregister: () => Effect.void,
    setRunnerHealth: () => Effect.void,
    acquire,
    release: (address, shard) =>
      Effect.tap(storage.release(address, shard), () => Effect.sync(() => placement.tell(region, "released"))),
    releaseAll: (address) =>
      Effect.tap(storage.releaseAll(address), () => Effect.sync(() => placement.tell(region, "released")))
  })
})
