import { Config, Effect, Layer } from "effect"
import { HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import * as HttpListener from "./HttpListener.ts"

/** Where a process that others may reach tells its figures: not there. */
export const MetricsConfig = Config.all({
  /** Loopback unless a scraper comes from elsewhere. */
  host: Config.NonEmptyString("HALLES_METRICS_HOST").pipe(Config.withDefault("127.0.0.1")),
  port: Config.Port("HALLES_METRICS_PORT")
})

const answer = Effect.gen(function* () {
  const { method, url } = yield* HttpServerRequest.HttpServerRequest
  if (url === "/" && method === "GET")
    return HttpServerResponse.jsonUnsafe({ name: "Halles metrics", metrics: "/metrics" })
  if (url !== "/metrics" || method !== "GET") return HttpServerResponse.empty({ status: 404 })
  return HttpServerResponse.text(yield* PrometheusMetrics.format(), {
    contentType: "text/plain; version=0.0.4; charset=utf-8"
  })
})

/** The figures of a process, in Prometheus's form, on a port of their own: what they tell of customers and load is for operators. */
export const layer = (options: Config.Success<typeof MetricsConfig>) =>
  HttpServer.serve(answer).pipe(Layer.provide(HttpListener.layer(options)))
