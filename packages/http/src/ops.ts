import { NodeRuntime } from "@effect/platform-node"
import { RegionDatabases } from "@halles/entities/Reads"
import { AuditLog } from "@halles/shared/AuditLog"
import * as BreakerNews from "@halles/shared/BreakerNews"
import * as ClusterClient from "@halles/shared/ClusterClient"
import * as HttpListener from "@halles/shared/HttpListener"
import * as MetricsListener from "@halles/shared/MetricsListener"
import { Nats } from "@halles/shared/Nats"
import { Placement } from "@halles/shared/Placement"
import * as Postgres from "@halles/shared/Postgres"
import { Revocations } from "@halles/shared/Revocations"
import { RunnerPresence } from "@halles/shared/RunnerPresence"
import * as Telemetry from "@halles/shared/Telemetry"
import { ByteSize, Effect, Layer, Option } from "effect"
import { HttpIncomingMessage, HttpRouter, HttpServerResponse } from "effect/http"
import { dashboardFiles } from "./DashboardFiles.ts"
import { Credentials } from "./Credentials.ts"
import { AccessTokens } from "./Credentials/AccessTokens.ts"
import { Guard } from "./Guard.ts"
import { OpsConfig } from "./HttpConfig.ts"
import { Sessions } from "./Operator/Sessions.ts"
import * as SignIn from "./Operator/SignIn.ts"
import { OperatorRoutes } from "./OperatorHttp.ts"
import { PartnerKeys } from "./PartnerKeys.ts"
import { readiness } from "./Readiness.ts"
import { BrowserRules } from "./SecurityHeaders.ts"

/** Of every body. */
const bodyMax = ByteSize.kibibytes(256)
/** Connections to `halles_control`, and to each region's database. */
const controlConnectionsMax = 4
const regionConnectionsMax = 4

const ready = Effect.map(readiness, (state) =>
  HttpServerResponse.jsonUnsafe(state, { status: state.ready ? 200 : 503 })
)

/** What operators look at, and where they act: a client of the cluster that owns no shards. */
const OpsLive = Layer.unwrap(
  Effect.map(OpsConfig, (config) => {
    const { host, port } = config
    const url = Option.getOrElse(config.url, () => `http://${host}:${port}`)
    const accessTokens = Option.match(config.issuerUrl, {
      onNone: () => AccessTokens.layerNone,
      onSome: (issuer) => AccessTokens.layer(issuer).pipe(Layer.provide(Revocations.layer))
    })
    return HttpRouter.serve(
      Layer.mergeAll(
        HttpRouter.add("GET", "/health/live", HttpServerResponse.jsonUnsafe({ live: true })),
        HttpRouter.add("GET", "/health/ready", ready),
        dashboardFiles(config.dashboard),
        SignIn.layer(url),
        OperatorRoutes,
        BreakerNews.layerTell("ops"),
        MetricsListener.layer(config.metrics),
        Guard.pipe(Layer.provideMerge(SignIn.OperatorAuthentication), Layer.provideMerge(BrowserRules))
      ).pipe(Layer.provide(Layer.succeed(HttpIncomingMessage.MaxBodySize, bodyMax))),
      { disableLogger: true }
    ).pipe(
      Layer.provide(HttpListener.layer({ host, port })),
      Layer.provide([
        Sessions.layer({ issuer: config.issuerUrl, url }),
        Credentials.layer({ serviceKey: config.serviceKey, services: ["admin"] }),
        AuditLog.layer,
        RegionDatabases.layer({
          urls: config.regionUrls,
          applicationName: "halles:ops",
          connectionsMax: regionConnectionsMax
        })
      ]),
      Layer.provide([accessTokens, PartnerKeys.layerNone]),
      Layer.provide(ClusterClient.layer({ region: "ops" })),
      Layer.provide([RunnerPresence.layer, Placement.layer]),
      Layer.provide([
        Nats.layer({ url: config.natsUrl, name: "ops" }),
        Postgres.layer({
          url: config.controlUrl,
          applicationName: "halles:ops",
          connectionsMax: controlConnectionsMax
        })
      ]),
      Layer.provide(Telemetry.layer("ops"))
    )
  })
)

OpsLive.pipe(Layer.launch, NodeRuntime.runMain)
