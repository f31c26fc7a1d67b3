import { PgClient } from "@effect/sql-pg"
import { addressed, client } from "@halles/harness/ProofCluster"
import { entryPoints, type NodeProcess, nodeProcess } from "@halles/infra/cluster/Processes"
import { developmentCertificate } from "@halles/infra/servers/DevelopmentCertificate"
import * as Environment from "@halles/infra/Environment"
import * as Layout from "@halles/infra/Layout"
import { ports, runnerPort } from "@halles/infra/cluster/Ports"
import { signal } from "@halles/infra/cluster/ProcessIdentity"
import { provision } from "@halles/infra/servers/Provision"
import { secrets } from "@halles/infra/servers/Secrets"
import { startServers } from "@halles/infra/servers/Servers"
import type { Settings } from "@halles/infra/Settings"
import * as StateDirectory from "@halles/infra/StateDirectory"
import { awaitHealthy, supervise } from "@halles/infra/cluster/Supervised"
import { type Config, Context, Effect, Layer, Redacted, type Scope } from "effect"
import { SqlClient } from "effect/sql"
import { writeFileSync } from "node:fs"
import { cpuSeconds } from "@halles/harness/Cpu"
import { heldUpMs } from "@halles/shared/testing/RunClock"

/** Where a row runs: real servers with an empty past, and the runners and partners that the row asks for. */
export class Stage extends Context.Service<
  Stage,
  {
    readonly parts: Environment.Parts
    /** A runner of `eu` until the scope ends. Other programs than the workspace's own are paths below the checkout. */
    readonly runner: (
      id: string,
      options?: {
        readonly program?: string
        readonly env?: Record<string, string>
        readonly nodeArgs?: ReadonlyArray<string>
      }
    ) => Effect.Effect<{ readonly pid: () => number }, Error, Scope.Scope>
    /** The payment gateway and the carrier, with empty books and the failure modes off. */
    readonly partners: (env?: Record<string, string>) => Effect.Effect<void, Error, Scope.Scope>
    /** The public edge; gives its address. */
    readonly edge: Effect.Effect<string, Error, Scope.Scope>
    /** Empties the region's journal and all that follows from it. No runner may be there. */
    readonly emptied: Effect.Effect<void, Error>
    /** A client of the cluster in this process. */
    readonly client: ReturnType<typeof client>
    /** The region's database as its owner. */
    readonly database: ReturnType<typeof ownerOf>
    /** The region's statements that took most of the database's time since the stage was made, as lines of text. */
    readonly statements: Effect.Effect<ReadonlyArray<string>, Error>
    /** Sends a signal to a process by its name, a server's among them; what ends is started again. */
    readonly signal: (name: string, sent: NodeJS.Signals) => void
    /** Processor seconds that each process has used since it started, this one among them; `postgres` with all of its children. */
    readonly cpu: () => Readonly<Record<string, number>>
    /** Milliseconds for which this thread and each runner's could have run and had no processor, by the number of the process. */
    readonly heldUpMs: () => ReadonlyMap<number, number>
  }
>()("@halles/bench/Stage") {
  static readonly layer = (options: {
    readonly settings: Config.Success<typeof Settings>
    /** Directory for a processor profile of each runner, or none. */
    readonly profile: string | null
  }) => Layer.effect(Stage, make(options))
}

/** The runner's place among the metrics ports; ids end in a number. */
const placeOf = (id: string) => ({ id, region: "eu" as const, index: Number(/\d+$/.exec(id)?.[0] ?? 0) })

const ownerOf = (parts: Environment.Parts) =>
  PgClient.layer({
    url: Redacted.make(Environment.databaseUrl(parts, "halles_owner", "eu")),
    applicationName: "halles-bench",
    maxConnections: 4
  })

/** The table `projection` stays: what it names is up to date with an empty journal. */
const emptied = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    TRUNCATE journal, events_archive, snapshot, timer, outbox_batch, alarm, product_view, order_view, stock_view`
})

const make = Effect.fnUntraced(function* (options: {
  readonly settings: Config.Success<typeof Settings>
  readonly profile: string | null
}) {
  const layout = Layout.of("bench", options.settings.portBase)
  const directory = yield* StateDirectory.claim(layout, { empty: true })
  const keys = yield* secrets(layout)
  const servers = yield* startServers({ directory, secrets: keys, settings: options.settings })
  const parts: Environment.Parts = { layout, secrets: keys, addresses: servers }
  yield* provision(servers, parts)
  yield* developmentCertificate(layout)

  const administrator = PgClient.layer({
    url: Redacted.make(Environment.withDatabase(servers.admins["eu"] ?? "", "halles_eu")),
    applicationName: "halles-bench:administrator",
    maxConnections: 1
  })
  yield* Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    yield* sql`CREATE EXTENSION IF NOT EXISTS pg_stat_statements`
  }).pipe(Effect.provide(administrator))

  const profile = options.profile === null ? [] : ["--cpu-prof", `--cpu-prof-dir=${options.profile}`]
  const start = Effect.fnUntraced(function* (given: NodeProcess, nodeArgs: ReadonlyArray<string> = []) {
    const spec = nodeProcess(layout, given)
    const args = [...profile, ...nodeArgs, ...spec.args]
    const supervised = yield* supervise({ ...spec, args }, directory.show)
    yield* awaitHealthy(supervised)
    return { pid: () => supervised.state().identity?.pid ?? 0 }
  })
  const edgePort = ports(layout.portBase).edge

  return Stage.of({
    parts,
    runner: (id, { env = {}, nodeArgs = [], program = entryPoints.runner } = {}) => {
      const port = runnerPort(layout.portBase, placeOf(id).index)
      const given = { name: id, kind: "runner", program, port, health: "/health/ready" } as const
      return start({ ...given, env: { ...Environment.runner(parts, placeOf(id)), ...env } }, nodeArgs)
    },
    partners: Effect.fnUntraced(function* (env = {}) {
      for (const file of [Layout.gatewayFile(layout), Layout.carrierFile(layout)]) {
        writeFileSync(file, "", { mode: 0o600 })
      }
      for (const [name, own] of [
        ["gateway", Environment.gateway(parts)],
        ["carrier", Environment.carrier(parts)]
      ] as const) {
        const given = { name, kind: "partner", program: entryPoints[name], health: "/health/live" } as const
        yield* start({ ...given, port: ports(layout.portBase)[name], env: { ...own, ...env } })
      }
    }),
    edge: Effect.as(
      start({
        name: "edge",
        kind: "edge",
        program: entryPoints.edge,
        port: edgePort,
        health: "/health/ready",
        env: Environment.edge(parts)
      }),
      `http://127.0.0.1:${edgePort}`
    ),
    emptied: emptied.pipe(Effect.provide(ownerOf(parts))),
    client: client(addressed("bench", parts)),
    database: ownerOf(parts),
    statements: statements.pipe(Effect.provide(administrator)),
    signal: (name, sent) => {
      const identity = directory.state().processes.find((process) => process.name === name)?.identity
      if (identity) signal(identity, sent)
    },
    cpu: () =>
      Object.fromEntries([
        ["client", process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6],
        ...directory
          .state()
          .processes.flatMap(({ identity, name }) =>
            identity === null ? [] : [[name, cpuSeconds(identity.pid)] as const]
          )
      ]),
    heldUpMs: () =>
      new Map(
        [
          process.pid,
          ...directory
            .state()
            .processes.flatMap(({ identity, kind }) => (kind === "runner" && identity !== null ? identity.pid : []))
        ].map((pid) => [pid, heldUpMs(pid)])
      )
  })
})

const statements = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const rows = yield* sql<{ calls: number; rows: number; ms: number; query: string }>`
    SELECT calls::int, rows::int, total_exec_time AS ms, regexp_replace(query, '[[:space:]]+', ' ', 'g') AS query
    FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 15`
  return rows.map(({ calls, ms, query, rows: touched }) =>
    [
      `${ms.toFixed(0)} ms`.padStart(10),
      `${calls} calls`.padStart(14),
      `${touched} rows`.padStart(14),
      query.slice(0, 140)
    ].join("  ")
  )
})
