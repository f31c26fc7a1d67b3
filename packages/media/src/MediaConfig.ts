import { MetricsConfig } from "@halles/shared/listener/MetricsListener"
import { Config, Schema } from "effect"

/** What the media process is told by its environment, read once. */
export const MediaConfig = Config.all({
  /** Loopback unless somebody decides otherwise; caches and balancers stand before it. */
  host: Config.NonEmptyString("HALLES_MEDIA_HOST").pipe(Config.withDefault("127.0.0.1")),
  port: Config.Port("HALLES_MEDIA_PORT"),
  metrics: MetricsConfig,
  /** What addresses are signed with, and what the edge hands over: the same as the edge's. */
  key: Config.Redacted("HALLES_MEDIA_KEY"),
  /** Where originals, what is made of them, and what is on its way lie. */
  directory: Config.NonEmptyString("HALLES_MEDIA_DIRECTORY"),
  /** A bucket for what was uploaded, in place of files in the directory. */
  s3: Config.option(
    Config.all({
      bucket: Config.NonEmptyString("HALLES_MEDIA_S3_BUCKET"),
      region: Config.NonEmptyString("HALLES_MEDIA_S3_REGION"),
      endpoint: Config.option(Config.NonEmptyString("HALLES_MEDIA_S3_ENDPOINT")),
      accessKeyId: Config.Redacted("HALLES_MEDIA_S3_ACCESS_KEY_ID"),
      secretAccessKey: Config.Redacted("HALLES_MEDIA_S3_SECRET_ACCESS_KEY")
    })
  ),
  /** ClamAV's `clamd`, as `127.0.0.1:3310` or the path of its socket; without it nothing is scanned. */
  clamd: Config.option(Config.NonEmptyString("HALLES_MEDIA_CLAMD")),
  /** What the scanner cannot look at, since it is away or will not: refused, unless somebody decides otherwise. */
  unscanned: Config.schema(Schema.Literals(["refuse", "keep"]), "HALLES_MEDIA_UNSCANNED").pipe(
    Config.withDefault("refuse" as const)
  ),
  /** Of pictures that were made of others. */
  madeBytesMax: Config.Int("HALLES_MEDIA_MADE_BYTES_MAX").pipe(Config.withDefault(1_073_741_824))
})
