import { Option } from "effect"
import { ShardingConfig } from "effect/cluster"
import { runnerAddress } from "./NatsTransport.ts"
import type { Region } from "./Region.ts"
import { finishMs } from "./Residents.ts"
import * as Shard from "./Shard.ts"

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
  /** Also the time without a sign in `cluster_runners` after which a runner is no longer listed. */
  shardLockExpiration: 5_000,
  /** A third of it is the deadline of every lock operation: a busy database must not cost a runner its shards. */
  shardLockRefreshInterval: 1_500
} satisfies Config

/** A process that owns no shards, and takes no locks. */
export const client: Config = { ...common, runnerAddress: Option.none(), shardLockDisableAdvisory: true }

/**
 * A runner of one region. The shards of a killed or frozen one move within about 2 s: silence is noticed after 1.5 s, and
 * whoever notices ends its lock session. `shardLockExpiration` is what remains if nobody can.
 */
export const runner = (options: {
  readonly runnerId: string
  readonly region: Region
  readonly overrides?: Partial<Config>
}): Config => ({
  ...common,
  runnerAddress: Option.some(runnerAddress(options.runnerId)),
  assignedShardGroups: Shard.groupsOf(options.region),
  /** Forwarders: the entities are counted by `Residents`. */
  maxResidentEntities: 200_000,
  /** Drives the acquisition of shards too. */
  entityMessagePollInterval: 500,
  entityTerminationTimeout: finishMs,
  ...options.overrides
})
