import { Context, Effect, Exit, Layer, Scope } from "effect"
import { writeFileSync } from "node:fs"
import type { ClusterState } from "./ClusterState.ts"
import { developmentCertificate } from "../servers/DevelopmentCertificate.ts"
import * as Environment from "../Environment.ts"
import type {
  AlreadyRunning,
  CommandFailed,
  MadeByOtherVersion,
  PortBlocked,
  PortTaken,
  ProcessFailed,
  ProvisionFailed,
  ServerMissing,
  ServerUnreachable,
  StateUnusable
} from "../InfraErrors.ts"
import { carrierFile, gatewayFile, type Layout } from "../Layout.ts"
import { ports, requireFree } from "./Ports.ts"
import { processes, sharing, wantedPorts } from "./Processes.ts"
import { signal } from "./ProcessIdentity.ts"
import { provision } from "../servers/Provision.ts"
import { runnerPlaces } from "./Regions.ts"
import { keepRenewed, secrets } from "../servers/Secrets.ts"
import { type Servers, startServers } from "../servers/Servers.ts"
import type { Settings } from "../Settings.ts"
import * as StateDirectory from "../StateDirectory.ts"
import { awaitHealthy, type ProcessSpec, type Supervised, supervise } from "./Supervised.ts"

/** What a cluster is made of. */
export interface ClusterOptions {
  readonly layout: Layout
  readonly settings: Settings
  /** With what the shop itself does not need: accounts, with a mail server that keeps what it sends, and outgoing webhooks. */
  readonly identity?: boolean
  /** Each program in a process of its own, so that a proof can kill one of them; else all but the runners share two processes. */
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

export type ClusterError =
  | AlreadyRunning
  | CommandFailed
  | MadeByOtherVersion
  | PortBlocked
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
  yield* requireFree(wantedPorts(layout, identity), layout.portBase)
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
  const groups = processes(parts, (name) => seen.get(name) ?? parts, identity)
  for (const group of apart ? groups : groups.map((members) => sharing(layout, members))) {
    directory.update({ message: `starting ${group.map(({ name }) => name).join(", ")}` })
    const kept = backoffMsMax === undefined ? group : group.map((spec) => ({ ...spec, backoffMsMax }))
    supervised.push(...(yield* superviseTogether(kept, directory)))
  }
  // No group is waited for before the next one starts: each process waits by itself for what it needs.
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
