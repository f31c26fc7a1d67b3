import { regions } from "@halles/shared/Region"
import { Effect } from "effect"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import * as Environment from "../Environment.ts"
import { compiled, type Layout, logFile, root } from "../Layout.ts"
import * as Health from "./Health.ts"
import { ports, runnerPort, searchPort } from "./Ports.ts"
import { runnerPlaces } from "./Regions.ts"
import type { ProcessSpec } from "./Supervised.ts"
import * as Together from "./Together.ts"

/** Our own processes in groups, each of which calls only the ones before it. */
export const processes = (
  parts: Environment.Parts,
  seenBy: (name: string) => Environment.Parts,
  identity: boolean
): ReadonlyArray<ReadonlyArray<ProcessSpec>> => {
  const { layout } = parts
  const own = ports(layout.portBase)
  const withIdentity = (spec: () => ProcessSpec) => (identity ? [spec()] : [])
  const media = identity ? Environment.mediaClient(parts) : {}
  const node = (spec: NodeProcess) => nodeProcess(layout, spec)
  const partner = { kind: "partner", health: "/health/live" } as const
  const edge = { kind: "edge", health: "/health/ready" } as const
  return [
    [
      node({
        ...partner,
        name: "gateway",
        program: entryPoints.gateway,
        port: own.gateway,
        env: Environment.gateway(parts)
      }),
      node({
        ...partner,
        name: "carrier",
        program: entryPoints.carrier,
        port: own.carrier,
        env: Environment.carrier(parts)
      }),
      ...withIdentity(() => ({
        ...node({ ...partner, name: "mail", program: entryPoints.mail, port: own.mail, env: Environment.mail(parts) }),
        health: Health.smtp(own.mail)
      })),
      // It shares its process with no other program: decoding a stranger's picture takes whole cores, and may kill the process.
      ...withIdentity(() =>
        node({
          ...edge,
          name: "media",
          program: entryPoints.media,
          port: own.media,
          env: { ...Environment.media(parts), ...Environment.given("media", process.env) }
        })
      )
    ],
    runnerPlaces().map((place) =>
      node({
        name: place.id,
        kind: "runner",
        region: place.region,
        program: entryPoints.runner,
        port: runnerPort(layout.portBase, place.index),
        health: "/health/ready",
        env: { ...Environment.runner(seenBy(place.id), place), ...media }
      })
    ),
    [
      node({
        ...edge,
        name: "edge",
        program: entryPoints.edge,
        port: own.edge,
        env: { ...Environment.edge(seenBy("edge")), ...media, ...Environment.given("edge", process.env) }
      }),
      node({ ...edge, name: "ops", program: entryPoints.ops, port: own.ops, env: Environment.ops(seenBy("ops")) }),
      ...withIdentity(() =>
        node({
          ...edge,
          name: "identity",
          program: entryPoints.identity,
          port: own.identity,
          env: { ...Environment.identity(parts), ...Environment.given("identity", process.env) }
        })
      ),
      ...withIdentity(() =>
        node({
          ...edge,
          name: "webhooks",
          program: entryPoints.webhooks,
          port: own.webhooks,
          env: Environment.webhooks(parts)
        })
      ),
      ...(identity ? regions : []).map((region) =>
        node({
          ...edge,
          name: `search-${region}`,
          region,
          program: entryPoints.search,
          port: searchPort(layout.portBase, region),
          env: Environment.search(parts, region)
        })
      )
    ]
  ]
}

/** The ports that the processes listen on. */
export const wantedPorts = (
  layout: Layout,
  identity: boolean
): ReadonlyArray<{ readonly name: string; readonly port: number }> => {
  const own = ports(layout.portBase)
  return [
    { name: "edge", port: own.edge },
    { name: "edge (TLS)", port: own.edgeTls },
    { name: "edge metrics", port: own.edgeMetrics },
    { name: "ops", port: own.ops },
    { name: "ops metrics", port: own.opsMetrics },
    ...(identity
      ? [
          { name: "identity", port: own.identity },
          { name: "identity metrics", port: own.identityMetrics },
          { name: "webhooks metrics", port: own.webhooksMetrics },
          { name: "mail", port: own.mail },
          { name: "media", port: own.media },
          { name: "media metrics", port: own.mediaMetrics },
          { name: "webhooks", port: own.webhooks },
          ...regions.map((region) => ({ name: `search-${region}`, port: searchPort(layout.portBase, region) }))
        ]
      : []),
    { name: "gateway", port: own.gateway },
    { name: "carrier", port: own.carrier },
    ...runnerPlaces().map(({ id, index }) => ({ name: `${id} metrics`, port: runnerPort(layout.portBase, index) }))
  ]
}

/** The programs that share a process, by its name. */
const shared = {
  partners: ["gateway", "carrier", "mail"],
  web: ["edge", "ops", "identity", "webhooks"],
  search: regions.map((region) => `search-${region}`)
}

/** The group with one process in place of those that share it; that process is healthy when all of its programs are. */
export const sharing = (layout: Layout, group: ReadonlyArray<ProcessSpec>): ReadonlyArray<ProcessSpec> =>
  Object.entries(shared).reduce<ReadonlyArray<ProcessSpec>>((specs, [name, names]) => {
    const members = specs.filter((spec) => names.includes(spec.name))
    const [first] = members
    if (first === undefined || members.length === 1) return specs
    const { kind, port } = first
    const programs = members.map(({ args, env, name }) => ({ name, path: args.at(-1)!, env }))
    const env = { [Together.variable]: Together.encode(programs) }
    const program = "infra/src/cluster/Together.ts"
    const together = {
      ...nodeProcess(layout, { name, kind, port, program, health: "", env }),
      health: Effect.forEach(members, ({ health }) => health, { concurrency: "unbounded", discard: true })
    }
    return [together, ...specs.filter((spec) => !members.includes(spec))]
  }, group)

/** The program of each kind of process, a path below the checkout. */
export const entryPoints = {
  gateway: "infra/partners/src/gateway.ts",
  carrier: "infra/partners/src/carrier.ts",
  runner: "packages/runners/src/main.ts",
  edge: "packages/http/src/main.ts",
  ops: "packages/http/src/ops.ts",
  identity: "packages/identity/src/main.ts",
  webhooks: "packages/http/src/webhooks.ts",
  mail: "infra/partners/src/mail.ts",
  media: "packages/media/src/main.ts",
  search: "packages/search/src/main.ts"
}

/**
 * For every process of ours. Megabytes of young memory: messages live for milliseconds, and with Node's 16 MB so many of
 * them outlive a collection that an eighth of the processor time of a durable command went into copying them.
 */
const nodeOptions = [
  "--max-semi-space-size=64",
  "--expose-gc",
  `--import=${pathToFileURL(join(root, "infra", "preload.mjs"))}`
]

export const nodeEnvironment = { NODE_ENV: "production", NODE_COMPILE_CACHE: compiled }

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
