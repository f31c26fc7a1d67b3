import { Carrier } from "@halles/entities/shipment/Carrier"
import * as Domains from "@halles/entities/Domains"
import * as FencedRunnerStorage from "@halles/engine/placement/FencedRunnerStorage"
import { Journal } from "@halles/engine/journal/Journal"
import { JournalStore } from "@halles/engine/journal/JournalStore"
import { Outbox } from "@halles/engine/journal/Outbox"
import * as Parking from "@halles/engine/activation/ParkedEntities"
import { PaymentGateway } from "@halles/entities/payment/PaymentGateway"
import * as MediaKeeper from "@halles/entities/media/MediaKeeper"
import * as MediaProcess from "@halles/entities/media/MediaProcess"
import * as Retention from "@halles/engine/journal/Retention"
import { confirming, ShardEpochs } from "@halles/engine/placement/ShardEpochs"
import * as Timers from "@halles/engine/eventsourced/Timers"
import * as EventLoopStall from "@halles/engine/activation/EventLoopStall"
import * as BreakerNews from "@halles/shared/clients/BreakerNews"
import * as ClusterRunner from "@halles/engine/cluster/ClusterRunner"
import { Nats } from "@halles/shared/clients/Nats"
import { controlSession } from "@halles/engine/placement/Placement"
import * as Postgres from "@halles/shared/clients/Postgres"
import { Redis } from "@halles/shared/clients/Redis"
import type { Region } from "@halles/shared/Region"
import { RunnerPresence } from "@halles/engine/placement/RunnerPresence"
import * as RunnerStatus from "@halles/engine/placement/RunnerStatus"
import * as Shard from "@halles/shared/Shard"
import * as Telemetry from "@halles/shared/clients/Telemetry"
import { Effect, Layer, Option } from "effect"
import { RunnerStorage, Singleton } from "effect/cluster"
import { randomUUID } from "node:crypto"
import manifest from "../package.json" with { type: "json" }
import { RunnerConfig } from "./RunnerConfig.ts"
import * as RunnerHttp from "./RunnerHttp.ts"
import * as RunnerMetrics from "./RunnerMetrics.ts"

/** Connections to the region's database: two writers, loads and reads, projections. */
const regionConnectionsMax = 16
/** The placement, the mover, and one to spare. */
const controlConnectionsMax = 4

const timers = (region: Region) =>
  Layer.effectDiscard(Effect.flatMap(Domains.makeTimers(region), (trigger) => Effect.forkScoped(Timers.run(trigger))))

/** One process that owns shards of its region and hosts their entities. */
export const RunnerLive = Layer.unwrap(
  Effect.map(RunnerConfig, (config) => {
    const { id, region } = config
    const runner = { runnerId: id, region, version: manifest.version, incarnation: randomUUID() }
    const storage = ClusterRunner.layerStorage(runner).pipe(
      Layer.provide(FencedRunnerStorage.layer(region)),
      // The list of runners is the placement's.
      Layer.provide([RunnerStorage.layerMemory, RunnerPresence.layerOf(region)]),
      Layer.provide(
        Postgres.layer({
          url: config.controlUrl,
          applicationName: controlSession(id),
          connectionsMax: controlConnectionsMax
        })
      )
    )
    const hosted = Layer.mergeAll(
      Domains.layer,
      timers(region),
      Layer.effectDiscard(Effect.forkScoped(confirming)),
      Layer.effectDiscard(Effect.forkScoped(Parking.watch)),
      Layer.effectDiscard(Effect.forkScoped(RunnerMetrics.run)),
      Singleton.make(`projections-${region}`, Domains.followTables(region), {
        shardGroup: Shard.group(`${region}_singletons`)
      }),
      Singleton.make(`retention-${region}`, Retention.run(Domains.retention), {
        shardGroup: Shard.group(`${region}_singletons`)
      }),
      Singleton.make(`media-${region}`, MediaKeeper.run(region), {
        shardGroup: Shard.group(`${region}_singletons`)
      }),
      RunnerHttp.layer(config.metricsPort),
      EventLoopStall.layer({ regionUrl: config.regionUrl, runner: id }),
      RunnerStatus.layer(runner),
      BreakerNews.layerTell(id)
    )
    // Given shards when all of this is there, and none left when it stops.
    return ClusterRunner.layerPresence(runner).pipe(
      Layer.provide(hosted),
      Layer.provide([
        PaymentGateway.layer({ url: config.gatewayUrl, key: config.gatewayKey }),
        Carrier.layer({ url: config.carrierUrl, key: config.carrierKey }),
        Option.match(config.media, {
          onNone: () => Layer.empty,
          onSome: ({ key, url }) => MediaProcess.layer({ url, publicUrl: url, key })
        })
      ]),
      Layer.provide(ClusterRunner.layer(runner)),
      Layer.provide(Parking.layer),
      Layer.provide(storage),
      Layer.provide(Journal.layer),
      Layer.provide(JournalStore.layer),
      Layer.provide(Outbox.layer(region)),
      Layer.provide(ShardEpochs.layer(id)),
      Layer.provide([
        Nats.layer({ url: config.natsUrl, name: id }),
        Redis.layer({ url: config.redisUrl, name: id }),
        Postgres.layer({ url: config.regionUrl, applicationName: `halles:${id}`, connectionsMax: regionConnectionsMax })
      ]),
      Layer.provide(Telemetry.layer("runner", id))
    )
  })
)
