import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as FencedRunnerStorage from "@halles/engine/placement/FencedRunnerStorage"
import { Outbox } from "@halles/engine/journal/Outbox"
import { ShardEpochs } from "@halles/engine/placement/ShardEpochs"
import * as ClusterRunner from "@halles/engine/cluster/ClusterRunner"
import * as HttpListener from "@halles/shared/listener/HttpListener"
import { Nats } from "@halles/shared/clients/Nats"
import * as Postgres from "@halles/shared/clients/Postgres"
import { controlSession } from "@halles/engine/placement/Placement"
import { Region } from "@halles/shared/Region"
import { RunnerPresence } from "@halles/engine/placement/RunnerPresence"
import { Config, Effect, Layer, Schema } from "effect"
import { RunnerStorage } from "effect/cluster"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { EchoLive, EchoManaged } from "./Echo.ts"
import * as EffectSocket from "./EffectSocket.ts"

/** A runner that hosts `Echo` and nothing else, over the transport that its environment names. */
const EchoConfig = Config.all({
  id: Config.NonEmptyString("HALLES_RUNNER_ID"),
  region: Config.schema(Region, "HALLES_REGION"),
  controlUrl: Config.Redacted("HALLES_PG_CONTROL_URL"),
  regionUrl: Config.Redacted("HALLES_PG_REGION_URL"),
  natsUrl: Config.Redacted("HALLES_NATS_URL"),
  metricsPort: Config.Port("HALLES_METRICS_PORT"),
  transport: Config.schema(Schema.Literals(["nats", "socket"]), "HALLES_BENCH_TRANSPORT"),
  socketPort: Config.Port("HALLES_BENCH_SOCKET_PORT")
})
type Settings = Config.Success<typeof EchoConfig>

const nats = ({ controlUrl, id, natsUrl, region, regionUrl }: Settings) => {
  const runner = { runnerId: id, region, version: "bench" }
  return ClusterRunner.layerPresence(runner).pipe(
    Layer.provide(EchoLive),
    Layer.provide(ClusterRunner.layer(runner)),
    Layer.provide(ClusterRunner.layerStorage(runner)),
    Layer.provide(FencedRunnerStorage.layer(region)),
    Layer.provide([
      RunnerStorage.layerMemory,
      RunnerPresence.layer,
      Outbox.layerNoop,
      ShardEpochs.layer(id).pipe(
        Layer.provide(Postgres.layer({ url: regionUrl, applicationName: `halles:${id}`, connectionsMax: 4 }))
      )
    ]),
    Layer.provide([
      Nats.layer({ url: natsUrl, name: id }),
      Postgres.layer({ url: controlUrl, applicationName: controlSession(id), connectionsMax: 4 })
    ])
  )
}

const socket = ({ controlUrl, id, region, socketPort }: Settings) =>
  EchoManaged.pipe(
    Layer.provide(Layer.orDie(EffectSocket.layerRunner({ runnerId: id, region, port: socketPort, controlUrl })))
  )

const health = (port: number) =>
  HttpRouter.serve(HttpRouter.add("GET", "/health/ready", HttpServerResponse.jsonUnsafe({ ready: true })), {
    disableLogger: true,
    disableListenLog: true
  }).pipe(Layer.provide(HttpListener.layer({ host: "127.0.0.1", port })))

Layer.unwrap(
  Effect.map(EchoConfig, (settings) =>
    Layer.merge(settings.transport === "nats" ? nats(settings) : socket(settings), health(settings.metricsPort))
  )
).pipe(Layer.launch, NodeRuntime.runMain)
