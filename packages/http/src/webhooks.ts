import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as BreakerNews from "@halles/shared/clients/BreakerNews"
import * as HttpListener from "@halles/shared/listener/HttpListener"
import * as MetricsListener from "@halles/shared/listener/MetricsListener"
import { Nats } from "@halles/shared/clients/Nats"
import * as Postgres from "@halles/shared/clients/Postgres"
import * as Telemetry from "@halles/shared/clients/Telemetry"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { WebhooksConfig } from "./HttpConfig.ts"
import { collect } from "./webhooks/Collector.ts"
import * as Sealed from "./webhooks/Sealed.ts"
import { Sender } from "./webhooks/Sender.ts"
import { allowed, Targets } from "./webhooks/WebhookTargets.ts"

/** Connections to one endpoint, and how long one that is idle is kept. */
const connectionsMax = 8
const idleMs = 10_000

/** Connects only to addresses that `Targets` has checked; follows no redirect. */
const ClientLive = Layer.unwrap(
  Effect.map(Targets, ({ lookup }) =>
    NodeHttpClient.layerUndiciOptions({
      connections: connectionsMax,
      keepAliveTimeout: idleMs,
      connect: { lookup, timeout: 5_000 }
    })
  )
)

/** Tells endpoints of what happens. Its own process: what it waits for is outside, and nothing in the shop waits for it. */
const WebhooksLive = Layer.unwrap(
  Effect.map(WebhooksConfig, ({ allow, controlUrl, host, key, metrics, natsUrl, port }) =>
    Layer.mergeAll(
      HttpRouter.serve(
        Layer.mergeAll(
          HttpRouter.add(
            "GET",
            "/",
            HttpServerResponse.jsonUnsafe({ name: "Halles webhooks", health: "/health/ready" })
          ),
          HttpRouter.add("GET", "/health/ready", HttpServerResponse.jsonUnsafe({ ready: true }))
        ),
        { disableLogger: true }
      ).pipe(Layer.provide(HttpListener.layer({ host, port }))),
      MetricsListener.layer(metrics),
      BreakerNews.layerTell("webhooks"),
      Layer.effectDiscard(Effect.flatMap(Sender, ({ wake }) => Effect.forkScoped(collect(wake))))
    ).pipe(
      Layer.provide(Sender.layer(Sealed.make(key))),
      Layer.provide(ClientLive),
      Layer.provide(Targets.layer(allowed(allow))),
      Layer.provide([
        Nats.layer({ url: natsUrl, name: "webhooks" }),
        Postgres.layer({ url: controlUrl, applicationName: "halles:webhooks", connectionsMax: 8 })
      ]),
      Layer.provide(Telemetry.layer("webhooks"))
    )
  )
)

/** For `Together.ts`, which runs several programs in one process. */
export const program = WebhooksLive

if (import.meta.main) program.pipe(Layer.launch, NodeRuntime.runMain)
