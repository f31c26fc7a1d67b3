import { MetricsConfig } from "@halles/shared/listener/MetricsListener"
import { Region } from "@halles/shared/Region"
import { Config } from "effect"
import { Origin } from "./admission/SecurityHeaders.ts"

/** Of a region's database, for lists; entities are asked over the cluster. */
const regionUrls = {
  eu: Config.Redacted("HALLES_PG_EU_URL"),
  am: Config.Redacted("HALLES_PG_AM_URL"),
  ap: Config.Redacted("HALLES_PG_AP_URL")
}

/** Addresses and CIDR ranges with commas between; nobody where it is absent. */
const addresses = (name: string) => Config.String(name).pipe(Config.withDefault(""))

/** What secrets of outgoing webhooks are sealed with, and networks they may be sent to though they are not public. */
const webhooks = {
  key: Config.Redacted("HALLES_WEBHOOK_KEY"),
  allow: Config.String("HALLES_WEBHOOK_ALLOW").pipe(Config.withDefault(""))
}

/** What the edge is told by its environment, read once. */
export const HttpConfig = Config.all({
  /** Loopback unless somebody decides otherwise. */
  host: Config.NonEmptyString("HALLES_EDGE_HOST").pipe(Config.withDefault("127.0.0.1")),
  port: Config.Port("HALLES_EDGE_PORT"),
  /** TLS 1.3 with HTTP/2, beside the plain port, where all three are set: the files are PEM. */
  tls: Config.option(
    Config.all({
      port: Config.Port("HALLES_EDGE_TLS_PORT"),
      certificateFile: Config.NonEmptyString("HALLES_EDGE_TLS_CERTIFICATE"),
      keyFile: Config.NonEmptyString("HALLES_EDGE_TLS_KEY")
    })
  ),
  addressRules: Config.all({
    allow: addresses("HALLES_EDGE_ALLOW"),
    deny: addresses("HALLES_EDGE_DENY"),
    /** Our own tools and networks: counted, not limited. */
    unlimited: addresses("HALLES_EDGE_UNLIMITED"),
    /** Whose `X-Forwarded-For` is believed. */
    trustedProxies: addresses("HALLES_EDGE_TRUSTED_PROXIES")
  }),
  natsUrl: Config.Redacted("HALLES_NATS_URL"),
  metrics: MetricsConfig,
  /** What may be forgotten: answers. */
  redisUrl: Config.Redacted("HALLES_REDIS_URL"),
  /** What must not be pushed out by it: how often somebody has asked. */
  countersUrl: Config.Redacted("HALLES_COUNTERS_URL"),
  controlUrl: Config.Redacted("HALLES_PG_CONTROL_URL"),
  webhooks: Config.all(webhooks),
  regionUrls: Config.all(regionUrls),
  /** Addresses of the media process for the edge and for clients, and the key that it has too; without them the edge refuses uploads. */
  media: Config.option(
    Config.all({
      url: Config.NonEmptyString("HALLES_MEDIA_URL"),
      publicUrl: Config.option(Config.NonEmptyString("HALLES_MEDIA_PUBLIC_URL")),
      key: Config.Redacted("HALLES_MEDIA_KEY")
    })
  ),
  gatewayWebhookSecret: Config.Redacted("HALLES_GATEWAY_WEBHOOK_SECRET"),
  carrierWebhookSecret: Config.Redacted("HALLES_CARRIER_WEBHOOK_SECRET"),
  /** What commands and new entities are named with; the same for all edges, and for as long as clients may repeat requests. */
  intentKey: Config.Redacted("HALLES_INTENT_KEY"),
  /** What proves the tokens of our own tools; it makes none. */
  serviceKey: Config.NonEmptyString("HALLES_SERVICE_PUBLIC_KEY"),
  /** Whose access tokens are taken; nobody's without it. */
  issuerUrl: Config.option(Config.NonEmptyString("HALLES_ISSUER_URL")),
  /** Where a reader looks who names no region. */
  defaultRegion: Config.schema(Region, "HALLES_DEFAULT_REGION").pipe(Config.withDefault("eu" as const)),
  /** Origins of pages that may call the API from a browser, with commas between. */
  corsOrigins: Config.Array(Origin, "HALLES_CORS_ORIGINS").pipe(Config.withDefault([]))
})

/** What the process that sends webhooks is told by its environment, read once. */
export const WebhooksConfig = Config.all({
  host: Config.NonEmptyString("HALLES_WEBHOOKS_HOST").pipe(Config.withDefault("127.0.0.1")),
  port: Config.Port("HALLES_WEBHOOKS_PORT"),
  metrics: MetricsConfig,
  natsUrl: Config.Redacted("HALLES_NATS_URL"),
  controlUrl: Config.Redacted("HALLES_PG_CONTROL_URL"),
  ...webhooks
})

/** What the operator process is told by its environment, read once. `url` is how browsers name it, where people are sent back to. */
export const OpsConfig = Config.all({
  host: Config.NonEmptyString("HALLES_OPS_HOST").pipe(Config.withDefault("127.0.0.1")),
  port: Config.Port("HALLES_OPS_PORT"),
  metrics: MetricsConfig,
  /** Where the build of the page lies. */
  dashboard: Config.NonEmptyString("HALLES_DASHBOARD_DIRECTORY"),
  url: Config.option(Config.NonEmptyString("HALLES_OPS_URL")),
  /** Whose access tokens are taken, and where people sign in; nobody's and nowhere without it. */
  issuerUrl: Config.option(Config.NonEmptyString("HALLES_ISSUER_URL")),
  regionUrls: Config.all(regionUrls),
  natsUrl: Config.Redacted("HALLES_NATS_URL"),
  controlUrl: Config.Redacted("HALLES_PG_CONTROL_URL"),
  /** What proves the tokens of our own tools; it makes none. */
  serviceKey: Config.NonEmptyString("HALLES_SERVICE_PUBLIC_KEY")
})
