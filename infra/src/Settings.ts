import { Config, Schema } from "effect"

/** What the person at the keyboard may set; everything else follows from it. */
export const Settings = Config.all({
  /** First of the ports of this checkout. Its cluster, and those that proofs start beside it, use some of the 210 ports from there. */
  portBase: Config.schema(
    Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1024, maximum: 65_000 })),
    "HALLES_PORT_BASE"
  ).pipe(Config.withDefault(4400)),
  /** Servers that already run, each a URL with credentials; for Postgres those of an administrator. */
  pgUrl: Config.option(Config.NonEmptyString("HALLES_PG_URL")),
  natsUrl: Config.option(Config.NonEmptyString("HALLES_NATS_URL")),
  redisUrl: Config.option(Config.NonEmptyString("HALLES_REDIS_URL")),
  /** Another Redis, which never evicts: counts of tries and of requests. */
  countersUrl: Config.option(Config.NonEmptyString("HALLES_COUNTERS_URL")),
  /** A Postgres of its own for a region, administrator's URL. */
  pgUrlEu: Config.option(Config.NonEmptyString("HALLES_PG_URL_EU")),
  pgUrlAm: Config.option(Config.NonEmptyString("HALLES_PG_URL_AM")),
  pgUrlAp: Config.option(Config.NonEmptyString("HALLES_PG_URL_AP")),
  /** Whether each program has a process of its own; else all but the runners share two processes. */
  apart: Config.Boolean("HALLES_APART").pipe(Config.withDefault(false)),
  /** `download` passes over the programs of the machine. */
  servers: Config.schema(Schema.Literals(["auto", "download"]), "HALLES_SERVERS").pipe(
    Config.withDefault("auto" as const)
  )
})

export type Settings = Config.Success<typeof Settings>
