import { Layer } from "effect"
import {
  MessageStorage,
  RunnerHealth,
  type Runners,
  type RunnerStorage,
  Sharding,
  ShardingConfig
} from "effect/cluster"
import type { SqlClient } from "effect/sql"
import * as ClusterConfig from "./ClusterConfig.ts"
import type { Nats } from "@halles/shared/clients/Nats"
import * as NatsTransport from "../transport/NatsTransport.ts"
import * as Caller from "../transport/Caller.ts"
import * as PlacedRunnerStorage from "../placement/PlacedRunnerStorage.ts"
import { Placement } from "../placement/Placement.ts"
import * as FailFastSharding from "../placement/FailFastSharding.ts"

/** Calls entities and owns none: the edge, operations, load. `region` is where this process runs. */
export const layerWithStorage = (options: {
  readonly region: string
  readonly limits?: Partial<NatsTransport.Limits>
}): Layer.Layer<Sharding.Sharding | Runners.Runners | Caller.Caller, never, RunnerStorage.RunnerStorage | Nats> =>
  Sharding.layer.pipe(
    Layer.provideMerge(Caller.layerRunners),
    Layer.provide(RunnerHealth.layerNoop),
    Layer.provide(NatsTransport.layerClientProtocol(options)),
    Layer.provide(MessageStorage.layerNoop),
    Layer.provide(ShardingConfig.layer(ClusterConfig.client))
  )

/** The same with the placement of `halles_control`, whose tables the start script makes. */
export const layer = (options: {
  readonly region: string
  readonly limits?: Partial<NatsTransport.Limits>
}): Layer.Layer<Sharding.Sharding | Runners.Runners | Caller.Caller, never, SqlClient.SqlClient | Nats> =>
  FailFastSharding.layer.pipe(
    Layer.provideMerge(layerWithStorage(options)),
    Layer.provide(PlacedRunnerStorage.layerClient),
    Layer.provide(Placement.layer)
  )
