import { Context, Effect, Exit, Layer, Scope } from "effect"
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type { ClusterState } from "./ClusterState.ts"
import { developmentCertificate } from "../servers/DevelopmentCertificate.ts"
import * as Environment from "../Environment.ts"
import * as Health from "./Health.ts"
import type {
  AlreadyRunning,
  CommandFailed,
  PortTaken,
  ProcessFailed,
  ProvisionFailed,
  ServerMissing,
  ServerUnreachable,
  StateUnusable
} from "../InfraErrors.ts"
import { carrierFile, compiled, gatewayFile, type Layout, logFile, root } from "../Layout.ts"
import { ports, requireFree, runnerPort } from "./Ports.ts"
import { signal } from "./ProcessIdentity.ts"
import { provision } from "../servers/Provision.ts"
import { runnerPlaces } from "./Regions.ts"
import { keepRenewed, secrets } from "../servers/Secrets.ts"
import { type Servers, startServers } from "../servers/Servers.ts"
import type { Settings } from "../Settings.ts"
import * as StateDirectory from "../StateDirectory.ts"
import { awaitHealthy, type ProcessSpec, type Supervised, supervise } from "./Supervised.ts"
import * as Together from "./Together.ts"

/** What a cluster is made of; without `entryPoints` it is the workspace's own programs. */
export interface ClusterOptions {
  readonly layout: Layout
  readonly settings: Settings
  readonly entryPoints?: EntryPoints
  /** With what the shop itself does not need: accounts, with a mail server that keeps what it sends, and outgoing webhooks. */
  readonly identity?: boolean
  /** Each program in a process of its own, for whoever kills one of them; else those beside the runners share two. */
  readonly apart?: boolean
  /** Begins with an empty past: what the directory holds is removed, once it is ours and nothing runs in it. */
  readonly empty?: boolean
  /** The longest pause before one of our own processes is started again, for whoever kills many of them; 5 s if it is not said. */
  readonly backoffMsMax?: number
  /** The servers as one process, by its name, is told to find them; a proxy may stand between. */
  readonly through?: (
    process: string,
    servers: Environment.Addresses
  ) => Effect.Effect<Environment.Addresses, never, Scope.Scope>
}

/**
 * For every process of ours. Megabytes of young memory: messages live for milliseconds, and with Node's 16 MB so many of
 * them outlive a collection that an eighth of the processor time of a durable command went into copying them.
 */
export const nodeOptions = [
  "--max-semi-space-size=64",
  "--expose-gc",
  `--import=${pathToFileURL(join(root, "infra", "preload.mjs"))}`
]

export const nodeEnvironment = { NODE_ENV: "production", NODE_COMPILE_CACHE: compiled }

/** The program of each kind of process, a path below the checkout. A program that is absent is an error, but for `ops`. */
export interface EntryPoints {
  readonly gateway: string
  readonly carrier: string
  readonly runner: string
  readonly edge: string
  readonly ops: string
  readonly identity: string
  readonly webhooks: string
  readonly mail: string
}

export const entryPoints: EntryPoints = {
  gateway: "infra/partners/src/gateway.ts",
  carrier: "infra/partners/src/carrier.ts",
  runner: "packages/runners/src/main.ts",
  edge: "packages/http/src/main.ts",
  ops: "packages/http/src/ops.ts",
  identity: "packages/identity/src/main.ts",
  webhooks: "packages/http/src/webhooks.ts",
  mail: "infra/partners/src/mail.ts"
}

export type ClusterError =
  | AlreadyRunning
  | CommandFailed
  | PortTaken
  | ProcessFailed
  | ProvisionFailed
  | ServerMissing
  | ServerUnreachable
  | StateUnusable

/** A whole cluster that is healthy, and that stops when its scope ends: clients first, servers last. */
export class Cluster extends Context.Service<
  Cluster,
  {
    readonly edgeUrl: string
    readonly parts: Environment.Parts
    /** What `npm run replay` and `halles` get. */
    readonly clientEnvironment: Record<string, string>
    /** What `npm run check` gets. */
    readonly proverEnvironment: Record<string, string>
    readonly servers: Servers
    readonly state: () => ClusterState
    /** Sends a signal to one process by its name, `eu-1` for example; the supervisor starts it again when it ends. */
    readonly signal: (name: string, signal: NodeJS.Signals) => void
    /** Waits until every process is healthy, after a kill for example. */
    readonly healthy: Effect.Effect<void, ProcessFailed>
  }
>()("@halles/infra/Cluster") {
  static readonly layer = (options: ClusterOptions): Layer.Layer<Cluster, ClusterError> =>
    Layer.effect(Cluster, start(options))
}

const start = Effect.fn("Cluster.start")(function* ({
  apart = false,
  backoffMsMax,
  empty = false,
  entryPoints: programs = entryPoints,
  identity = false,
  layout,
  settings,
  through = (_, servers) => Effect.succeed(servers)
}: ClusterOptions) {
  const directory = yield* StateDirectory.claim(layout, { empty })
  yield* reportFailure(directory)
  const keys = yield* secrets(layout)
  yield* Effect.forkScoped(keepRenewed(layout))
  yield* developmentCertificate(layout)
  yield* requireFree(wantedPorts(layout, programs, identity), layout.portBase)
  const servers = yield* startServers({ directory, secrets: keys, settings })
  const parts: Environment.Parts = { layout, secrets: keys, addresses: servers }
  // The partners' ledgers hold what customers paid: ours alone to read.
  for (const ledger of [gatewayFile(layout), carrierFile(layout)]) writeFileSync(ledger, "", { flag: "a", mode: 0o600 })
  directory.update({ message: "setting up the databases" })
  yield* provision(servers, parts)
  const supervised: Array<Supervised> = []
  const seen = new Map<string, Environment.Parts>()
  for (const name of [...runnerPlaces().map(({ id }) => id), "edge", "ops"]) {
    seen.set(name, { ...parts, addresses: yield* through(name, servers) })
  }
  const groups = processes(parts, (name) => seen.get(name) ?? parts, programs, identity)
  for (const group of apart ? groups : groups.map((members) => sharing(layout, members))) {
    directory.update({ message: `starting ${group.map(({ name }) => name).join(", ")}` })
    const kept = backoffMsMax === undefined ? group : group.map((spec) => ({ ...spec, backoffMsMax }))
    supervised.push(...(yield* superviseTogether(kept, directory)))
  }
  // Each waits by itself for what it needs.
  yield* Effect.forEach(supervised, (process) => awaitHealthy(process), { concurrency: "unbounded", discard: true })
  directory.update({ phase: "ready", message: "ready" })
  yield* Effect.addFinalizer(() => Effect.sync(() => directory.update({ phase: "stopping", message: "stopping" })))
  return {
    edgeUrl: `http://127.0.0.1:${ports(layout.portBase).edge}`,
    parts,
    clientEnvironment: Environment.client(parts),
    proverEnvironment: Environment.prover(parts),
    servers,
    state: directory.state,
    signal: (name: string, sent: NodeJS.Signals) => {
      const identity = directory.state().processes.find((process) => process.name === name)?.identity
      if (identity) signal(identity, sent)
    },
    healthy: Effect.forEach(supervised, (process) => awaitHealthy(process), { concurrency: "unbounded", discard: true })
  }
})

/** A start that fails leaves its reason in the state file, for `npm start` to show. */
const reportFailure = (directory: StateDirectory.StateDirectory) =>
  Effect.addFinalizer((exit) =>
    Effect.sync(() => {
      const error = Exit.isFailure(exit) ? exit.cause.reasons.find((reason) => reason._tag !== "Interrupt") : undefined
      if (error === undefined) return
      const problem = error._tag === "Fail" ? error.error : error.defect
      directory.update({ phase: "failed", message: problem instanceof Error ? problem.message : String(problem) })
    })
  )

/** Processes of one group stop at the same time; groups stop in the reverse of the order in which they started. */
const superviseTogether = Effect.fnUntraced(function* (
  group: ReadonlyArray<ProcessSpec>,
  directory: StateDirectory.StateDirectory
) {
  const scope = yield* Effect.acquireRelease(Scope.make("parallel"), (made, exit) => Scope.close(made, exit))
  return yield* Effect.forEach(group, (spec) => Scope.provide(supervise(spec, directory.show), scope))
})

const hasOps = (programs: EntryPoints): boolean => existsSync(join(root, programs.ops))

const wantedPorts = (
  layout: Layout,
  programs: EntryPoints,
  identity: boolean
): ReadonlyArray<{ readonly name: string; readonly port: number }> => {
  const own = ports(layout.portBase)
  return [
    { name: "edge", port: own.edge },
    { name: "edge (TLS)", port: own.edgeTls },
    { name: "edge metrics", port: own.edgeMetrics },
    ...(hasOps(programs)
      ? [
          { name: "ops", port: own.ops },
          { name: "ops metrics", port: own.opsMetrics }
        ]
      : []),
    ...(identity
      ? [
          { name: "identity", port: own.identity },
          { name: "identity metrics", port: own.identityMetrics },
          { name: "webhooks metrics", port: own.webhooksMetrics },
          { name: "mail", port: own.mail },
          { name: "webhooks", port: own.webhooks }
        ]
      : []),
    { name: "gateway", port: own.gateway },
    { name: "carrier", port: own.carrier },
    ...runnerPlaces().map(({ id, index }) => ({ name: `${id} metrics`, port: runnerPort(layout.portBase, index) }))
  ]
}

export type NodeProcess = Pick<ProcessSpec, "name" | "kind" | "port" | "env" | "region"> & {
  /** A path below the checkout. */
  readonly program: string
  /** The path that answers when it is healthy. */
  readonly health: string
}

/** One of our own programs, as its supervisor starts it. */
export const nodeProcess = (layout: Layout, { health, program, ...spec }: NodeProcess): ProcessSpec => ({
  ...spec,
  command: process.execPath,
  args: [...nodeOptions, join(root, program)],
  env: { ...Environment.inherited(process.env), ...nodeEnvironment, ...spec.env },
  cwd: root,
  log: logFile(layout, spec.name),
  stopSignal: "SIGTERM",
  // A runner hands its shards over first.
  graceMs: 20_000,
  health: Health.http(`http://127.0.0.1:${spec.port}${health}`)
})

/** The programs that share a process, by its name. */
const shared = {
  partners: ["gateway", "carrier", "mail"],
  web: ["edge", "ops", "identity", "webhooks"]
}

/** Those of a group that share a process, in one; healthy when all of them are. */
const sharing = (layout: Layout, group: ReadonlyArray<ProcessSpec>): ReadonlyArray<ProcessSpec> =>
  Object.entries(shared).reduce<ReadonlyArray<ProcessSpec>>((specs, [name, names]) => {
    const members = specs.filter((spec) => names.includes(spec.name))
    const [first] = members
    if (first === undefined || members.length === 1) return specs
    const programs = members.map(({ args, env, name }) => ({ name, path: args.at(-1)!, env }))
    const together = {
      ...first,
      name,
      args: [...nodeOptions, join(root, "infra", "src", "cluster", "Together.ts")],
      env: {
        ...Environment.inherited(process.env),
        ...nodeEnvironment,
        [Together.variable]: Together.encode(programs)
      },
      log: logFile(layout, name),
      health: Effect.forEach(members, ({ health }) => health, { concurrency: "unbounded", discard: true })
    }
    return [together, ...specs.filter((spec) => !members.includes(spec))]
  }, group)

/** Our own processes in groups, each of which calls only the ones before it. */
const processes = (
  parts: Environment.Parts,
  seenBy: (name: string) => Environment.Parts,
  programs: EntryPoints,
  identity: boolean
): ReadonlyArray<ReadonlyArray<ProcessSpec>> => {
  const { layout } = parts
  const own = ports(layout.portBase)
  const withIdentity = (spec: () => ProcessSpec) => (identity ? [spec()] : [])
  const node = (spec: NodeProcess) => nodeProcess(layout, spec)
  const partner = { kind: "partner", health: "/health/live" } as const
  const edge = { kind: "edge", health: "/health/ready" } as const
  return [
    [
      node({
        ...partner,
        name: "gateway",
        program: programs.gateway,
        port: own.gateway,
        env: Environment.gateway(parts)
      }),
      node({
        ...partner,
        name: "carrier",
        program: programs.carrier,
        port: own.carrier,
        env: Environment.carrier(parts)
      }),
      ...withIdentity(() => ({
        ...node({ ...partner, name: "mail", program: programs.mail, port: own.mail, env: Environment.mail(parts) }),
        health: Health.smtp(own.mail)
      }))
    ],
    runnerPlaces().map((place) =>
      node({
        name: place.id,
        kind: "runner",
        region: place.region,
        program: programs.runner,
        port: runnerPort(layout.portBase, place.index),
        health: "/health/ready",
        env: Environment.runner(seenBy(place.id), place)
      })
    ),
    [
      node({ ...edge, name: "edge", program: programs.edge, port: own.edge, env: Environment.edge(seenBy("edge")) }),
      ...(hasOps(programs)
        ? [node({ ...edge, name: "ops", program: programs.ops, port: own.ops, env: Environment.ops(seenBy("ops")) })]
        : []),
      ...withIdentity(() =>
        node({
          ...edge,
          name: "identity",
          program: programs.identity,
          port: own.identity,
          env: { ...Environment.identity(parts), ...Environment.identityGiven(process.env) }
        })
      ),
      ...withIdentity(() =>
        node({
          ...edge,
          name: "webhooks",
          program: programs.webhooks,
          port: own.webhooks,
          env: Environment.webhooks(parts)
        })
      )
    ]
  ]
}
