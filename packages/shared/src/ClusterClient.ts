import { Layer } from "effect"
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

/** Calls entities and owns none: the edge, operations, load. `region` is where this process runs. */
export const layerWithStorage = (options: {
  readonly region: string
  readonly limits?: Partial<NatsTransport.Limits>
}): Layer.Layer<Sharding.Sharding | Runners.Runners, never, RunnerStorage.RunnerStorage | Nats> =>
  Sharding.layer.pipe(
    Layer.provideMerge(Caller.layerRunners),
    Layer.provide(RunnerHealth.layerNoop),
    Layer.provide(NatsTransport.layerClientProtocol(options)),
    Layer.provide(MessageStorage.layerNoop),
    Layer.provide(ShardingConfig.layer(ClusterConfig.client))
  )

/**
 * The same with the list of runners in `halles_control`, whose tables the start script makes. One connection of the
 * given pool is held for good.
 */
export const layer = (options: {
  readonly region: string
  readonly limits?: Partial<NatsTransport.Limits>
}): Layer.Layer<Sharding.Sharding | Runners.Runners, never, SqlClient.SqlClient | Nats> =>
  layerWithStorage(options).pipe(
    Layer.provide(SqlRunnerStorage.layerStorage({})),
    Layer.provide(ShardingConfig.layer(ClusterConfig.client))
  )
