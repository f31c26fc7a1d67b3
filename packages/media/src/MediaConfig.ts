import { MetricsConfig } from "@halles/shared/listener/MetricsListener"
import { Config, Schema } from "effect"

/** What the media process is told by its environment, read once. */
export const MediaConfig = Config.all({
  /** Loopback unless somebody decides otherwise; caches and balancers stand before it. */
  host: Config.NonEmptyString("HALLES_MEDIA_HOST").pipe(Config.withDefault("127.0.0.1")),
  port: Config.Port("HALLES_MEDIA_PORT"),
  metrics: MetricsConfig,
  /** Signs addresses of pictures, and passes of edge and runners, which have the same key. */
  key: Config.Redacted("HALLES_MEDIA_KEY"),
  /** Has originals, pictures made of them, and uploads under way. */
  directory: Config.NonEmptyString("HALLES_MEDIA_DIRECTORY"),
  /** A bucket for originals, in place of files in the directory. */
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
  /** Files that the scanner cannot scan, since it is away or they are too large: refused unless somebody decides otherwise. */
  unscanned: Config.schema(Schema.Literals(["refuse", "keep"]), "HALLES_MEDIA_UNSCANNED").pipe(
    Config.withDefault("refuse" as const)
  ),
  /** Of pictures made of originals. */
  madeBytesMax: Config.Int("HALLES_MEDIA_MADE_BYTES_MAX").pipe(Config.withDefault(1_073_741_824))
})
