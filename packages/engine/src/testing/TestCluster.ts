import * as ActivationDirectory from "../activation/ActivationDirectory.ts"
import { RunnerPresence } from "../placement/RunnerPresence.ts"
import * as Shard from "@halles/shared/Shard"
import { Effect, Layer, Option, Schedule } from "effect"
import {
  MessageStorage,
  RunnerAddress,
  RunnerHealth,
  Runners,
  RunnerStorage,
  Sharding,
  ShardingConfig
} from "effect/cluster"
import { Journal } from "../journal/Journal.ts"
import { JournalStore } from "../journal/JournalStore.ts"
import { Outbox } from "../journal/Outbox.ts"
import * as FencedRunnerStorage from "../placement/FencedRunnerStorage.ts"
import * as Parking from "../activation/ParkedEntities.ts"
import { ShardEpochs } from "../placement/ShardEpochs.ts"

/** Drops what another runner has taken, and is sure of nothing: each answer asks the database who the owner is. */
const dropping = Effect.gen(function* () {
  const epochs = yield* ShardEpochs
  const drop = Effect.map(
    Effect.suspend(() => epochs.owners(epochs.owned())),
    (owners) => {
      for (const [shard, owner] of owners) if (owner !== epochs.owner) epochs.drop([shard])
    }
  )
  yield* Effect.forkScoped(Effect.repeat(Effect.ignore(drop), Schedule.spaced("100 millis")))
})

/**
 * One runner that owns all shards of `eu`, in this process, over one real database: for tests of event-sourced entities and of
 * what they do together. It needs the region's SqlClient.
 */
export const layer = (owner = "test-runner") => {
  const config = ShardingConfig.layer({
    runnerAddress: Option.some(RunnerAddress.make(owner, 1)),
    shardsPerGroup: 1,
    availableShardGroups: Shard.allGroups,
    assignedShardGroups: Shard.groupsOf("eu"),
    simulateRemoteSerialization: true,
    entityTerminationTimeout: "1 second",
    entityMessagePollInterval: "100 millis",
    refreshAssignmentsInterval: "100 millis",
    shardLockRefreshInterval: "400 millis",
    sendRetryInterval: "20 millis"
  })
  return Sharding.layer.pipe(
    Layer.provideMerge(Runners.layerNoop),
    Layer.provideMerge(MessageStorage.layerNoop),
    Layer.provide([
      ActivationDirectory.layerStorage.pipe(
        Layer.provide(FencedRunnerStorage.layer("eu")),
        Layer.provide([RunnerStorage.layerMemory, RunnerPresence.layerAlone])
      ),
      RunnerHealth.layerNoop
    ]),
    Layer.provideMerge([Journal.layer, ActivationDirectory.ActivationDirectory.layer]),
    Layer.provide(Parking.layer),
    Layer.provideMerge(JournalStore.layer),
    Layer.provide(Outbox.layerNoop),
    Layer.provideMerge(Layer.effectDiscard(dropping)),
    Layer.provideMerge(ShardEpochs.layer(owner)),
    Layer.provide(config)
  )
}
