import { MetricsConfig } from "@halles/shared/listener/MetricsListener"
import { Config } from "effect"

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
  /** Of pictures that were made of others. */
  madeBytesMax: Config.Int("HALLES_MEDIA_MADE_BYTES_MAX").pipe(Config.withDefault(1_073_741_824))
})
