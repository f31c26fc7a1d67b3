import { nuid } from "@nats-io/transport-node"
import { Effect, Layer } from "effect"
import {
  MessageStorage,
  RunnerHealth,
  type Runners,
  type RunnerStorage,
  Sharding,
  ShardingConfig,
  SqlRunnerStorage
} from "effect/cluster"
import type { SqlClient } from "effect/sql"
import * as ClusterConfig from "./ClusterConfig.ts"
import type { Nats } from "./Nats.ts"
import * as NatsTransport from "./NatsTransport.ts"
import * as Caller from "./NatsTransport/Caller.ts"
import * as CallServer from "./NatsTransport/CallServer.ts"
import * as PlacedRunnerStorage from "./PlacedRunnerStorage.ts"
import { Placement } from "./Placement.ts"
import type { Region } from "./Region.ts"
import * as RunnerPresence from "./RunnerPresence.ts"
import * as ShardMover from "./ShardMover.ts"

export interface Options {
  /** `eu-1`; two letters of region first, one process at a time. */
  readonly runnerId: string
  readonly region: Region
  readonly version: string
  readonly overrides?: Partial<ShardingConfig.ShardingConfig["Service"]>
  readonly limits?: Partial<NatsTransport.Limits>
}

/** A runner: owns shards of its region, answers calls over NATS, and says by heartbeats that it is there. */
export const layer = (
  options: Options
): Layer.Layer<Sharding.Sharding | Runners.Runners, never, RunnerStorage.RunnerStorage | Nats> =>
  Layer.unwrap(
    Effect.sync(() => {
      const { limits, region, runnerId, version } = options
      const incarnation = nuid.next()
      const withLimits = limits === undefined ? {} : { limits }
      return CallServer.layer.pipe(
        Layer.provideMerge(Sharding.layer),
        Layer.provideMerge(Caller.layerRunners),
        Layer.provide(NatsTransport.layerServer({ runnerId, incarnation, ...withLimits })),
        Layer.provide(NatsTransport.layerClientProtocol({ region, ...withLimits })),
        // `ShardMover` looks after the dead.
        Layer.provide(RunnerHealth.layerNoop),
        // Heard before the first shard is asked for, and until the last one is given back.
        Layer.provide(RunnerPresence.layerHeartbeat({ id: runnerId, region, version, incarnation })),
        Layer.provide(MessageStorage.layerNoop),
        Layer.provide(layerConfig(options))
      )
    })
  )

/** What `SqlRunnerStorage`, or anything else beside the runner, must be configured with. */
export const layerConfig = (options: Options): Layer.Layer<ShardingConfig.ShardingConfig> =>
  ShardingConfig.layer(ClusterConfig.runner(options))

/** Locks, and which runner has which shard, in `halles_control`, whose tables the start script makes. */
export const layerStorage = (
  options: Options
): Layer.Layer<RunnerStorage.RunnerStorage | Placement, never, Nats | SqlClient.SqlClient> =>
  PlacedRunnerStorage.layer(options).pipe(
    Layer.provide(SqlRunnerStorage.layerStorage({}).pipe(Layer.provide(layerConfig(options)))),
    Layer.provideMerge(ShardMover.layer(options)),
    Layer.provideMerge(Placement.layer)
  )
