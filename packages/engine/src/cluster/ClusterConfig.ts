import { Option } from "effect"
import { ShardingConfig } from "effect/cluster"
import { runnerAddress } from "../transport/NatsTransport.ts"
import type { Region } from "@halles/shared/Region"
import { finishMs } from "../activation/ActivationDirectory.ts"
import * as Shard from "@halles/shared/Shard"

type Config = ShardingConfig.ShardingConfig["Service"]

/** What clients and runners of one cluster must agree on. */
const common = {
  ...ShardingConfig.defaults,
  availableShardGroups: Shard.allGroups,
  shardsPerGroup: 1,
  simulateRemoteSerialization: false,
  /** The list of runners is asked for again after this, and answers when it has changed: `PlacedRunnerStorage`. */
  refreshAssignmentsInterval: 5,
  /** A call that met a dead runner is tried again after this; the caller's deadline ends it. */
  sendRetryInterval: 25,
  /** How soon `Sharding` learns that a shard was taken over, and the deadline of taking some. Locks expire nowhere: epochs fence. */
  shardLockExpiration: 5_000,
  shardLockRefreshInterval: 1_500
} satisfies Config

/** A process that owns no shards. */
export const client: Config = { ...common, runnerAddress: Option.none() }

/**
 * A runner of one region. The shards of a killed one move within a second, those of a frozen one within about 2 s: its
 * silence is noticed after 1.5 s, and the next owner raises their epochs.
 */
export const runner = (options: {
  readonly runnerId: string
  readonly region: Region
  readonly overrides?: Partial<Config>
}): Config => ({
  ...common,
  runnerAddress: Option.some(runnerAddress(options.runnerId)),
  assignedShardGroups: Shard.groupsOf(options.region),
  /** Forwarders: the entities are counted by `ActivationDirectory`. */
  maxResidentEntities: 200_000,
  /** Drives the acquisition of shards too. */
  entityMessagePollInterval: 500,
  entityTerminationTimeout: finishMs,
  ...options.overrides
})
