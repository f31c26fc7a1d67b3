import { createServer } from "node:http"
import { NodeHttpServer } from "@effect/platform-node"
import { objectives } from "@halles/entities/Alarms/Objectives"
import { ShardEpochs } from "@halles/entities/ShardEpochs"
import { overdue } from "@halles/entities/Timers"
import { Nats } from "@halles/shared/Nats"
import { Effect, Layer, Metric } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import { SqlClient } from "effect/sql"

/** Ready means progress: the servers answer, shards are owned, and no timer is long overdue. */
const ready = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const nats = yield* Nats
  const epochs = yield* ShardEpochs
  const database = yield* Effect.isSuccess(Effect.timeout(sql`SELECT 1`, "1 second"))
  const { value } = yield* Metric.value(overdue)
  const state = {
    database,
    nats: !nats.isClosed() && nats.info !== undefined,
    shards: epochs.owned().length,
    timerOverdueMs: Math.round(value)
  }
  const ok =
    state.database && state.nats && state.shards > 0 && state.timerOverdueMs <= objectives.timer_overdue.objective
  return HttpServerResponse.jsonUnsafe({ ready: ok, ...state }, { status: ok ? 200 : 503 })
})

/** Health and metrics of a runner; no part of the public edge. */
export const layer = (port: number) =>
  HttpRouter.serve(
    Layer.mergeAll(
      HttpRouter.add("GET", "/health/live", HttpServerResponse.jsonUnsafe({ live: true })),
      HttpRouter.add("GET", "/health/ready", ready),
      PrometheusMetrics.layerHttp()
    ),
    { disableLogger: true, disableListenLog: true }
  ).pipe(Layer.provide(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port })))
