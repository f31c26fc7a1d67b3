import { Reads, RegionDatabases } from "@halles/entities/routes/Reads"
import * as BreakerNews from "@halles/shared/clients/BreakerNews"
import * as ClusterClient from "@halles/engine/cluster/ClusterClient"
import { SearchClient } from "@halles/search/contract/SearchClient"
import { Intents } from "@halles/shared/Intent"
import * as MetricsListener from "@halles/shared/listener/MetricsListener"
import { Nats } from "@halles/shared/clients/Nats"
import * as Postgres from "@halles/shared/clients/Postgres"
import { Redis, RedisUnavailable } from "@halles/shared/clients/Redis"
import { Revocations } from "@halles/shared/security/Revocations"
import { RunnerPresence } from "@halles/engine/placement/RunnerPresence"
import * as Telemetry from "@halles/shared/clients/Telemetry"
import * as MediaProcess from "@halles/entities/media/MediaProcess"
import { linker, MediaLinks } from "@halles/entities/media/MediaUrl"
import { ByteSize, Effect, Layer, Option } from "effect"
import { HttpIncomingMessage, HttpRouter } from "effect/http"
import { AuditLog } from "@halles/shared/audit/AuditLog"
import { AccessLive } from "./access/AccessLive.ts"
import { Authentication } from "./access/Authentication.ts"
import { BulkHttp } from "./bulk/BulkHttp.ts"
import { DefaultRegion, Issuer, laptopIssuer } from "@halles/entities/routes/Edge"
import { DomainHttp } from "./DomainHttp.ts"
import { EdgeLive } from "./EdgeLive.ts"
import { Credentials } from "./access/Credentials.ts"
import { AccessTokens } from "./access/AccessTokens.ts"
import * as Docs from "./openapi/Docs.ts"
import { EdgeAnalytics } from "./admission/EdgeAnalytics.ts"
import { FaultHttp } from "./admission/FaultHttp.ts"
import { Faults } from "./admission/InjectedFaults.ts"
import { FrontDoor } from "./admission/FrontDoor.ts"
import { AdmissionControl } from "./admission/AdmissionControl.ts"
import { RequestMiddleware } from "./admission/RequestMiddleware.ts"
import { HealthHttp } from "./health/HealthHttp.ts"
import { HttpConfig } from "./HttpConfig.ts"
import { IdempotencyLive } from "./idempotency/IdempotencyLive.ts"
import { PartnerKeyHttp } from "./access/PartnerKeyHttp.ts"
import { PartnerKeys } from "./access/PartnerKeys.ts"
import { ProblemPages } from "./problems/ProblemPages.ts"
import { RateLimit } from "./admission/RateLimit.ts"
import { ResponseCache } from "./cache/ResponseCache.ts"
import { Invalidation } from "./cache/Invalidation.ts"
import { RefusalsLive } from "./problems/RequestRefusals.ts"
import { BrowserRules, CorsOrigins } from "./admission/SecurityHeaders.ts"
import { routerConfig } from "./openapi/RouteTable.ts"
import { SearchHttp } from "./search/SearchHttp.ts"
import { SubscriptionHttp } from "./webhooks/SubscriptionHttp.ts"
import { Subscriptions } from "./webhooks/Subscriptions.ts"
import { allowed, Targets } from "./webhooks/WebhookTargets.ts"
import { TraceContext } from "./TraceContext.ts"
import { Upstreams } from "./admission/Upstreams.ts"
import { WebhookHttp, WebhookSecrets } from "./notices/PartnerNoticeHttp.ts"

/** Of every body that is read as a whole; catalogue imports are read row by row. */
const bodyMax = ByteSize.kibibytes(256)
/** Connections to the placement of shards, and to each region's read tables. */
const controlConnectionsMax = 4
const regionConnectionsMax = 8
/** A request does not wait longer for what Redis knows. */
const redisMsMax = 100

/** All routes of the edge; what they need stays open, so that tests may serve them over a cluster of their own. */
export const RoutesLive = Layer.mergeAll(
  Docs.DocumentedApi,
  ProblemPages,
  FrontDoor,
  // Who it is comes first: what follows may judge by it.
  RequestMiddleware.pipe(
    Layer.provideMerge(Authentication),
    Layer.provideMerge(TraceContext),
    Layer.provideMerge(BrowserRules)
  )
).pipe(
  Layer.provide([DomainHttp, BulkHttp, SearchHttp.pipe(Layer.provide(SearchClient.layer))]),
  Layer.provide([SubscriptionHttp, WebhookHttp, PartnerKeyHttp, FaultHttp, HealthHttp]),
  Layer.provide([AccessLive, IdempotencyLive, RefusalsLive]),
  Layer.provide(EdgeLive),
  Layer.provide(Upstreams.reads),
  Layer.provide(Upstreams.layer),
  Layer.provide(Layer.succeed(HttpIncomingMessage.MaxBodySize, bodyMax))
)

/** What a Redis does for requests can be made to fail. */
const redisWithFaults = (options: Parameters<typeof Redis.layer>[0]) =>
  Layer.effect(
    Redis,
    Effect.gen(function* () {
      const redis = yield* Redis
      const faults = yield* Faults
      return Redis.of({
        use: (command) => faults.around("redis", redis.use(command), (cause) => new RedisUnavailable({ cause }))
      })
    })
  ).pipe(Layer.provide(Redis.layer({ answerMsMax: redisMsMax, ...options })))

/** The edge: a client of the cluster that owns no shards. */
export const HttpLive = Layer.unwrap(
  Effect.map(HttpConfig, (config) =>
    HttpRouter.serve(Layer.merge(RoutesLive, BreakerNews.layerTell("edge")), {
      disableLogger: true,
      routerConfig
    }).pipe(
      Layer.provide(
        AdmissionControl.listen({ host: config.host, port: config.port, tls: Option.getOrUndefined(config.tls) }).pipe(
          Layer.provideMerge(AdmissionControl.layer(config.addressRules)),
          Layer.provide([
            RateLimit.layer.pipe(
              Layer.provide(redisWithFaults({ url: config.countersUrl, name: "edge", dependency: "counters" }))
            ),
            Credentials.callers,
            EdgeAnalytics.layer
          ])
        )
      ),
      Layer.provide(Layer.provideMerge(Invalidation, ResponseCache.layer)),
      Layer.provide(redisWithFaults({ url: config.redisUrl, name: "edge" })),
      Layer.provide(Faults.layer),
      Layer.provide([
        Credentials.layer({ serviceKey: config.serviceKey, services: ["import", "admin"] }).pipe(
          Layer.provide([
            PartnerKeys.layer,
            Option.match(config.issuerUrl, {
              onNone: () => AccessTokens.layerNone,
              onSome: (issuer) => AccessTokens.layer(issuer).pipe(Layer.provide(Revocations.layer))
            })
          ])
        ),
        PartnerKeys.layer,
        AuditLog.layer,
        Layer.succeed(CorsOrigins, config.corsOrigins),
        Layer.succeed(DefaultRegion, config.defaultRegion),
        Layer.succeed(
          Issuer,
          Option.getOrElse(config.issuerUrl, () => laptopIssuer)
        ),
        Subscriptions.layer(config.webhooks.key),
        Targets.layer(allowed(config.webhooks.allow)),
        Intents.layer(config.intentKey),
        Option.match(config.media, {
          onNone: () => Layer.empty,
          onSome: ({ key, publicUrl, url }) => {
            const where = { url, publicUrl: Option.getOrElse(publicUrl, () => url), key }
            return Layer.merge(MediaProcess.layer(where), Layer.succeed(MediaLinks, linker(where.publicUrl, key)))
          }
        }),
        WebhookSecrets.layer({ gateway: config.gatewayWebhookSecret, carrier: config.carrierWebhookSecret }),
        Reads.layer.pipe(
          Layer.provide(
            RegionDatabases.layer({
              urls: config.regionUrls,
              applicationName: "halles:edge",
              connectionsMax: regionConnectionsMax
            })
          )
        )
      ]),
      Layer.provide([ClusterClient.layer({ region: "edge" }), RunnerPresence.layer]),
      Layer.provide([
        Nats.layer({ url: config.natsUrl, name: "edge" }),
        Postgres.layer({
          url: config.controlUrl,
          applicationName: "halles:edge:control",
          connectionsMax: controlConnectionsMax
        })
      ]),
      Layer.merge(MetricsListener.layer(config.metrics)),
      Layer.provide(Telemetry.layer("edge"))
    )
  )
)
