import { regions } from "@halles/shared/Region"
import { Effect, Option, Schedule } from "effect"
import type { Addresses } from "../Environment.ts"
import * as Environment from "../Environment.ts"
import * as Health from "../cluster/Health.ts"
import { ServerUnreachable } from "../InfraErrors.ts"
import { natsServer, natsUrl } from "./NatsServer.ts"
import { requireFree } from "../cluster/Ports.ts"
import { adminUrl, postgresServer } from "./PostgresServer.ts"
import { redisServer, redisUrl, type Store } from "./RedisServer.ts"
import type { Secrets } from "./Secrets.ts"
import { locate, type ServerProgram } from "./ServerProgram.ts"
import type { Settings } from "../Settings.ts"
import type { StateDirectory } from "../StateDirectory.ts"
import { awaitHealthy, type ProcessSpec, supervise } from "../cluster/Supervised.ts"

export type ServerName = "postgres" | "nats" | Store

/** The programs of the servers that we run ourselves; a server whose address was given is not among them. */
export type Programs = Partial<Record<ServerName, ServerProgram>>

/** Every server, healthy. */
export interface Servers extends Addresses {
  readonly programs: Programs
  /** The administrator's URL of the server of each database. */
  readonly admins: Readonly<Record<string, string>>
}

export const serverNames: ReadonlyArray<ServerName> = ["postgres", "nats", "redis", "counters"]

const given = (settings: Settings): Readonly<Record<ServerName, Option.Option<string>>> => ({
  postgres: settings.pgUrl,
  nats: settings.natsUrl,
  redis: settings.redisUrl,
  counters: settings.countersUrl
})
/** Two servers are one program. */
const programOf = (name: ServerName) => (name === "counters" ? "redis" : name)

/** Finds the programs of the servers that no address is given for. */
export const programs = Effect.fn("Servers.programs")(function* (
  settings: Settings,
  say: (line: string) => void,
  names: ReadonlyArray<ServerName> = serverNames
) {
  const found: Programs = {}
  for (const name of names.filter((server) => Option.isNone(given(settings)[server]))) {
    found[name] = yield* locate(programOf(name), { downloadOnly: settings.servers === "download", say })
  }
  return found
})

/** Where each server comes from, for people. */
export const sources = (settings: Settings, found: Programs): Record<string, string> =>
  Object.fromEntries(
    serverNames.flatMap((name) => {
      const url = Option.getOrUndefined(given(settings)[name])
      const source =
        url === undefined ? found[name]?.source : `${Environment.withoutLogin(url)} (given in the environment)`
      return source === undefined ? [] : [[name, source]]
    })
  )

/** Starts the servers that we run ourselves, checks those that we are given, and returns when all are healthy. They stop with the scope. */
export const startServers = Effect.fn("Servers.start")(function* (options: {
  readonly directory: StateDirectory
  readonly secrets: Secrets
  readonly settings: Settings
  readonly names?: ReadonlyArray<ServerName>
}) {
  const { directory, names = serverNames, secrets, settings } = options
  const { layout } = directory
  const found = yield* programs(settings, (message) => directory.update({ message }), names)
  directory.update({ sources: sources(settings, found) })
  const specs: Array<ProcessSpec> = []
  if (found.postgres !== undefined) specs.push(yield* postgresServer(layout, secrets, found.postgres))
  if (found.nats !== undefined) specs.push(natsServer(layout, secrets, found.nats))
  for (const store of ["redis", "counters"] as const) {
    const program = found[store]
    if (program !== undefined) specs.push(redisServer(layout, store, secrets, program))
  }
  yield* requireFree(specs, layout.portBase)
  if (specs.length > 0) directory.update({ message: `starting ${specs.map(({ name }) => name).join(", ")}` })
  const supervised = yield* Effect.forEach(specs, (spec) => supervise(spec, directory.show), {
    concurrency: "unbounded"
  })
  yield* Effect.forEach(supervised, (server) => awaitHealthy(server), { concurrency: "unbounded", discard: true })

  const admin = Option.getOrElse(settings.pgUrl, () => adminUrl(layout, secrets))
  const own = { eu: settings.pgUrlEu, am: settings.pgUrlAm, ap: settings.pgUrlAp }
  const admins = Object.fromEntries([
    ...regions.map((region) => [region, Option.getOrElse(own[region], () => admin)] as const),
    ["control", admin] as const
  ])
  const servers: Servers = {
    programs: found,
    admins,
    nats: Option.getOrElse(settings.natsUrl, () => natsUrl(layout, secrets)),
    redis: Option.getOrElse(settings.redisUrl, () => redisUrl(layout, "redis")),
    counters: Option.getOrElse(settings.countersUrl, () => redisUrl(layout, "counters")),
    databases: Object.fromEntries(
      Object.entries(admins).map(([name, url]) => [name, Environment.withLogin(url, "", "", `halles_${name}`)])
    )
  }
  yield* requireGiven(settings, servers, names)
  directory.update({
    nats: Environment.withoutLogin(servers.nats),
    redis: Environment.withoutLogin(servers.redis),
    counters: Environment.withoutLogin(servers.counters),
    databases: servers.databases
  })
  return servers
})

/** A server that was given must answer as ours do. */
const requireGiven = (settings: Settings, servers: Servers, names: ReadonlyArray<ServerName>) => {
  const checks = {
    postgres: () => Health.postgres(servers.admins["control"] ?? ""),
    nats: () => Health.nats(servers.nats),
    redis: () => Health.redis(servers.redis),
    counters: () => Health.evictsNothing(servers.counters)
  }
  return Effect.forEach(
    names.filter((name) => Option.isSome(given(settings)[name])),
    (name) =>
      checks[name]().pipe(
        Effect.retry(Schedule.max([Schedule.spaced("500 millis"), Schedule.recurs(20)])),
        Effect.mapError(({ reason }) => new ServerUnreachable({ server: name, reason }))
      ),
    { discard: true }
  )
}
