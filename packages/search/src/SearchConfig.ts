import { Region } from "@halles/shared/Region"
import { Config } from "effect"

/** What a process that searches a region is told by its environment, read once. */
export const SearchConfig = Config.all({
  region: Config.schema(Region, "HALLES_REGION"),
  /** Where its snapshot lies: each process has one of its own. */
  file: Config.NonEmptyString("HALLES_SEARCH_FILE"),
  regionUrl: Config.Redacted("HALLES_PG_REGION_URL"),
  natsUrl: Config.Redacted("HALLES_NATS_URL"),
  /** Health and metrics, on the loopback address. */
  port: Config.Port("HALLES_SEARCH_PORT")
})
