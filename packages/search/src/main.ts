import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Nats } from "@halles/shared/clients/Nats"
import * as Postgres from "@halles/shared/clients/Postgres"
import * as Telemetry from "@halles/shared/clients/Telemetry"
import * as HttpListener from "@halles/shared/listener/HttpListener"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import * as Answering from "./process/Answering.ts"
import { Counting } from "./process/Counting.ts"
import { Following } from "./process/Following.ts"
import { Recommending } from "./process/Recommending.ts"
import { SearchConfig } from "./SearchConfig.ts"

/** It reads the table of products once, and then seldom. */
const connectionsMax = 2

/** Ready once its products can be searched: only then it listens. */
const http = (port: number) =>
  Layer.unwrap(
    Effect.map(Following, ({ asOf, catalogue }) =>
      HttpRouter.serve(
        Layer.mergeAll(
          HttpRouter.add("GET", "/", HttpServerResponse.jsonUnsafe({ name: "Halles search", health: "/health/ready" })),
          HttpRouter.add(
            "GET",
            "/health/ready",
            Effect.sync(() =>
              HttpServerResponse.jsonUnsafe({ ready: true, products: catalogue.index.size, asOf: asOf() })
            )
          ),
          PrometheusMetrics.layerHttp()
        ),
        { disableLogger: true, disableListenLog: true }
      ).pipe(Layer.provide(HttpListener.layer({ host: "127.0.0.1", port })))
    )
  )

/** Searches the products of one region. As many of them as are wanted share its queries. */
const SearchLive = Layer.unwrap(
  Effect.map(SearchConfig, ({ file, natsUrl, port, region, regionUrl }) =>
    Layer.mergeAll(http(port), Answering.layer(region)).pipe(
      Layer.provide([Recommending.layer, Counting.layer]),
      Layer.provide(Following.layer({ region, file })),
      Layer.provide([
        Nats.layer({ url: natsUrl, name: `search-${region}` }),
        Postgres.layer({ url: regionUrl, applicationName: `halles:search-${region}`, connectionsMax })
      ]),
      Layer.provide(Telemetry.layer("search"))
    )
  )
)

/** For `Together.ts`, which runs several programs in one process. */
export const program = SearchLive

if (import.meta.main) program.pipe(Layer.launch, NodeRuntime.runMain)
