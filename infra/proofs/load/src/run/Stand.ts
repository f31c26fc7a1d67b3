import { own as ownCluster } from "@halles/harness/ProofCluster"
import { entryPoints, nodeProcess } from "@halles/infra/cluster/Processes"
import { ClusterState, type ProcessState, read } from "@halles/infra/cluster/ClusterState"
import * as Environment from "@halles/infra/Environment"
import * as Layout from "@halles/infra/Layout"
import { ports, runnerPort } from "@halles/infra/cluster/Ports"
import { runnerPlaces } from "@halles/infra/cluster/Regions"
import { secrets } from "@halles/infra/servers/Secrets"
import type { Settings } from "@halles/infra/Settings"
import { running } from "@halles/infra/cluster/Status"
import { awaitHealthy, supervise } from "@halles/infra/cluster/Supervised"
import type { Region } from "@halles/shared/Region"
import { resolve } from "node:path"
import { Effect, Layer, Option, Schema, type Scope } from "effect"

/** A cluster to be loaded: one of our own, or the one of `npm start`. */
export interface Stand {
  readonly parts: Environment.Parts
  readonly edgeUrl: string
  /** Its processes as they are now. */
  readonly state: () => ClusterState
  /** One more runner, healthy, until the scope ends; gives its name. */
  readonly join: (region: Region) => Effect.Effect<string, Error, Scope.Scope>
}

class NothingRuns extends Schema.TaggedError<NothingRuns>()("NothingRuns", {}) {
  override get message(): string {
    return "no cluster is running: npm start, or leave --running away"
  }
}

/** The cluster of a layout, by its state file. */
const attach = Effect.fnUntraced(function* (layout: Layout.Layout, settings: Settings) {
  const keys = yield* secrets(layout)
  const first = running(layout)
  if (first?.phase !== "ready") return yield* new NothingRuns()
  const nats = Option.getOrElse(settings.natsUrl, () => Environment.withLogin(first.nats, "halles", keys.nats))
  const parts: Environment.Parts = {
    layout: { ...layout, portBase: first.portBase },
    secrets: keys,
    addresses: { nats, redis: first.redis, counters: first.counters, databases: first.databases }
  }
  const joined = new Map<string, ProcessState>()
  const stand: Stand = {
    parts,
    edgeUrl: `http://127.0.0.1:${ports(first.portBase).edge}`,
    state: () => {
      const now = read(layout) ?? first
      return new ClusterState({ ...now, processes: [...now.processes, ...joined.values()] })
    },
    join: Effect.fnUntraced(function* (region) {
      const index = runnerPlaces().length + joined.size
      const runners = stand.state().processes.filter((process) => process.region === region)
      const id = `${region}-${runners.length + 1}`
      const spec = nodeProcess(parts.layout, {
        name: id,
        kind: "runner",
        region,
        program: entryPoints.runner,
        port: runnerPort(first.portBase, index),
        health: "/health/ready",
        env: Environment.runner(parts, { id, region, index })
      })
      yield* awaitHealthy(yield* supervise(spec, (state) => void joined.set(id, state)))
      return id
    })
  }
  return stand
})

/** The cluster of `npm start`, or the one that keeps its state in a directory. */
export const existing = (settings: Settings, directory: Option.Option<string>) => {
  const main = Layout.main(settings.portBase)
  return attach(
    Option.match(directory, { onNone: () => main, onSome: (path) => ({ ...main, directory: resolve(path) }) }),
    settings
  )
}

/** A cluster of our own with an empty past, until the scope ends. */
export const own = Effect.fnUntraced(function* (settings: Settings) {
  yield* Layer.build(ownCluster("load"))
  return yield* attach(Layout.of("load", settings.portBase), settings)
})
