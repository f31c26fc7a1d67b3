import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Nats } from "@halles/shared/Nats"
import * as Postgres from "@halles/shared/Postgres"
import { RunnerPresence } from "@halles/shared/RunnerPresence"
import { Effect, Layer, Logger } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { OpenApi } from "effect/http-api"
import { PrometheusMetrics } from "effect/observability"
import { createServer } from "node:http"
import { dashboardFiles } from "./DashboardFiles.ts"
import { OpsConfig } from "./HttpConfig.ts"
import { OperatorApi } from "./OperatorApi.ts"
import { readiness } from "./Readiness.ts"

const runners = Effect.map(
  Effect.flatMap(RunnerPresence, ({ alive }) => alive),
  (items) => HttpServerResponse.jsonUnsafe({ items, next: null })
)
const ready = Effect.map(readiness, (state) =>
  HttpServerResponse.jsonUnsafe(state, { status: state.ready ? 200 : 503 })
)

/** What operators look at; it reads and never writes. */
const OpsLive = Layer.unwrap(
  Effect.map(OpsConfig, ({ controlUrl, dashboard, host, natsUrl, port }) =>
    HttpRouter.serve(
      Layer.mergeAll(
        HttpRouter.add("GET", "/health/live", HttpServerResponse.jsonUnsafe({ live: true })),
        HttpRouter.add("GET", "/health/ready", ready),
        HttpRouter.add("GET", "/runners", runners),
        HttpRouter.add("GET", "/openapi.json", HttpServerResponse.jsonUnsafe(OpenApi.fromApi(OperatorApi))),
        dashboardFiles(dashboard),
        PrometheusMetrics.layerHttp()
      ),
      { disableLogger: true }
    ).pipe(
      Layer.provide(NodeHttpServer.layer(createServer, { host, port })),
      Layer.provide(RunnerPresence.layer),
      Layer.provide([
        Nats.layer({ url: natsUrl, name: "ops" }),
        Postgres.layer({ url: controlUrl, applicationName: "halles:ops", connectionsMax: 2 })
      ]),
      Layer.provide(Logger.layer([Logger.consoleJson]))
    )
  )
)

OpsLive.pipe(Layer.launch, NodeRuntime.runMain)
