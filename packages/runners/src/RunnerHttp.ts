import * as HttpListener from "@halles/shared/listener/HttpListener"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import * as Readiness from "./Readiness.ts"

const ready = HttpRouter.use((router) =>
  Effect.gen(function* () {
    const readiness = yield* Readiness.make
    const answer = Effect.map(readiness, (state) =>
      HttpServerResponse.jsonUnsafe(state, { status: state.ready ? 200 : 503 })
    )
    yield* router.add("GET", "/health/ready", answer)
  })
)

/** Health and metrics of a runner; no part of the public edge. */
export const layer = (port: number) =>
  HttpRouter.serve(
    Layer.mergeAll(
      HttpRouter.add(
        "GET",
        "/",
        HttpServerResponse.jsonUnsafe({ name: "Halles runner", health: "/health/ready", metrics: "/metrics" })
      ),
      HttpRouter.add("GET", "/health/live", HttpServerResponse.jsonUnsafe({ live: true })),
      ready,
      PrometheusMetrics.layerHttp()
    ),
    { disableLogger: true, disableListenLog: true }
  ).pipe(Layer.provide(HttpListener.layer({ host: "127.0.0.1", port })))
