import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { RegionDatabases } from "@halles/entities/routes/Reads"
import { AuditLog } from "@halles/shared/audit/AuditLog"
import * as BreakerNews from "@halles/shared/clients/BreakerNews"
import * as ClusterClient from "@halles/engine/cluster/ClusterClient"
import * as HttpListener from "@halles/shared/listener/HttpListener"
import * as MetricsListener from "@halles/shared/listener/MetricsListener"
import { Nats } from "@halles/shared/clients/Nats"
import { Placement } from "@halles/engine/placement/Placement"
import * as Postgres from "@halles/shared/clients/Postgres"
import { Revocations } from "@halles/shared/security/Revocations"
import { RunnerPresence } from "@halles/engine/placement/RunnerPresence"
import * as Telemetry from "@halles/shared/clients/Telemetry"
import { ByteSize, Effect, Layer, Option } from "effect"
import { HttpIncomingMessage, HttpRouter, HttpServerResponse } from "effect/http"
import { dashboardFiles } from "./operator/DashboardFiles.ts"
import { Credentials } from "./access/Credentials.ts"
import { AccessTokens } from "./access/AccessTokens.ts"
import { RequestMiddleware } from "./admission/RequestMiddleware.ts"
import { OpsConfig } from "./HttpConfig.ts"
import { Sessions } from "./operator/OperatorSessions.ts"
import * as SignIn from "./operator/OperatorSignIn.ts"
import { OperatorRoutes } from "./operator/OperatorHttp.ts"
import { PartnerKeys } from "./access/PartnerKeys.ts"
import { readiness } from "./health/Readiness.ts"
import { BrowserRules } from "./admission/SecurityHeaders.ts"

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
        RequestMiddleware.pipe(Layer.provideMerge(SignIn.OperatorAuthentication), Layer.provideMerge(BrowserRules))
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

/** For `Together.ts`, which runs several programs in one process. */
export const program = OpsLive

if (import.meta.main) program.pipe(Layer.launch, NodeRuntime.runMain)
