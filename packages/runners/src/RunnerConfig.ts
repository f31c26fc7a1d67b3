import { Region } from "@halles/shared/Region"
import { Config, Schema } from "effect"

/** What a runner is told by its environment, read once. */
export const RunnerConfig = Config.all({
  /** `eu-1`: the name under which it holds shards; no two live processes may share one. */
  id: Config.schema(Schema.String.check(Schema.isPattern(/^[a-z]{2}-[a-z0-9-]{1,30}$/)), "HALLES_RUNNER_ID"),
  region: Config.schema(Region, "HALLES_REGION"),
  regionUrl: Config.Redacted("HALLES_PG_REGION_URL"),
  controlUrl: Config.Redacted("HALLES_PG_CONTROL_URL"),
  natsUrl: Config.Redacted("HALLES_NATS_URL"),
  redisUrl: Config.Redacted("HALLES_REDIS_URL"),
  gatewayUrl: Config.String("HALLES_GATEWAY_URL"),
  gatewayKey: Config.Redacted("HALLES_GATEWAY_KEY"),
  carrierUrl: Config.String("HALLES_CARRIER_URL"),
  carrierKey: Config.Redacted("HALLES_CARRIER_KEY"),
  /** The media process, where there is one. */
  media: Config.option(
    Config.all({ url: Config.NonEmptyString("HALLES_MEDIA_URL"), key: Config.Redacted("HALLES_MEDIA_KEY") })
  ),
  /** Health and metrics, on the loopback address. */
  metricsPort: Config.Port("HALLES_METRICS_PORT")
})
