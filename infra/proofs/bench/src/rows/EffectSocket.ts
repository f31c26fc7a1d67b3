import { PgClient } from "@effect/sql-pg"
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as ClusterConfig from "@halles/engine/cluster/ClusterConfig"
import type { Region } from "@halles/shared/Region"
import { Layer, Option, type Redacted } from "effect"
import { MessageStorage, RunnerAddress, ShardingConfig, SqlRunnerStorage } from "effect/cluster"

/**
 * Effect's own cluster transport, as `NodeClusterSocket.layer` wires it, with the settings of our cluster and runners
 * listed in tables of its own, so that a cluster over NATS may run beside it. Of the two serializations that it offers
 * binary, its default, is the cheaper one: 411 and 282 µs of processor time a call with 64 and 256 in flight, ndjson 407
 * and 335 (quick runs one after the other, two cores shared with other work).
 */
const serialization = "binary"

/** Its list of runners is a query, not news, and is asked for as seldom as Effect does by default. */
const refreshAssignmentsInterval = ShardingConfig.defaults.refreshAssignmentsInterval
const clientConfig = { ...ClusterConfig.client, refreshAssignmentsInterval }

type Config = ShardingConfig.ShardingConfig["Service"]

/** The tables are made by whoever comes first, so that the owner of `halles_control` must ask. */
const storage = (config: Config, controlUrl: Redacted.Redacted) =>
  Layer.merge(
    MessageStorage.layerNoop,
    SqlRunnerStorage.layerWith({ prefix: "bench_socket" }).pipe(
      Layer.provide(PgClient.layer({ url: controlUrl, applicationName: "halles-bench:socket", maxConnections: 3 }))
    )
  ).pipe(Layer.provide(ShardingConfig.layer(config)))

export const layerRunner = (options: {
  readonly runnerId: string
  readonly region: Region
  readonly port: number
  readonly controlUrl: Redacted.Redacted
}) => {
  const config = ClusterConfig.runner({
    ...options,
    overrides: { refreshAssignmentsInterval, runnerAddress: Option.some(RunnerAddress.make("127.0.0.1", options.port)) }
  })
  return NodeClusterSocket.layer({ storage: "byo", serialization, shardingConfig: config }).pipe(
    Layer.provide(storage(config, options.controlUrl))
  )
}

export const layerClient = (controlUrl: Redacted.Redacted) =>
  NodeClusterSocket.layer({
    clientOnly: true,
    storage: "byo",
    serialization,
    shardingConfig: clientConfig
  }).pipe(Layer.provide(storage(clientConfig, controlUrl)))
