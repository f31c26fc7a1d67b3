import { Console, Effect } from "effect"
import { type ClusterState, type ProcessState, read } from "./ClusterState.ts"
import * as Health from "./Health.ts"
import type { Layout } from "../Layout.ts"
import { table } from "../Table.ts"
import { ports } from "./Ports.ts"
import { isAlive } from "./ProcessIdentity.ts"
import { owner } from "../StateDirectory.ts"

/** The state of a running cluster; null if its supervisor is gone. */
export const running = (layout: Layout): ClusterState | null => {
  const state = read(layout)
  return state === null || owner(layout) === null ? null : state
}

const live = (process: ProcessState): boolean => process.identity !== null && isAlive(process.identity)

/** `npm run status`: a table, or one line of JSON. Gives the exit code: 0, or 3 if nothing runs. */
export const status = Effect.fn("Status.status")(function* (layout: Layout, json: boolean) {
  const state = running(layout)
  if (state === null) {
    yield* Console.log(json ? JSON.stringify({ running: false }) : "Nothing is running. npm start starts the cluster.")
    return 3
  }
  yield* Console.log(json ? JSON.stringify(summary(state)) : described(state, yield* healths(state)))
  return 0
})

/** The addresses of a cluster and the processes that live at this moment. */
export const summary = (state: ClusterState) => {
  const own = ports(state.portBase)
  return {
    running: true,
    phase: state.phase,
    edge: `http://127.0.0.1:${own.edge}`,
    ops: `http://127.0.0.1:${own.ops}`,
    identity: `http://localhost:${own.identity}`,
    postgres: host(state.databases["control"]),
    nats: host(state.nats),
    redis: host(state.redis),
    counters: host(state.counters),
    runners: state.processes
      .filter((process) => process.kind === "runner" && live(process))
      .map(({ identity, name, region }) => ({ id: name, pid: identity?.pid, region })),
    processes: state.processes
      .filter(live)
      .map(({ identity, kind, name, port, restarts }) => ({ name, kind, pid: identity?.pid, port, restarts }))
  }
}

const host = (url: string | undefined) => (url === undefined || url === "" ? null : new URL(url).host)

/** Whether each process does its work now. Servers are only knocked at: their passwords are not the reader's. */
const healths = (state: ClusterState) =>
  Effect.forEach(
    state.processes,
    (process) => {
      if (!live(process)) return Effect.succeed("down")
      if (process.kind === "server") return Effect.succeed("up")
      if (process.name === "mail") return Effect.succeed("up")
      const path = process.kind === "partner" ? "live" : "ready"
      return Health.http(`http://127.0.0.1:${process.port}/health/${path}`).pipe(
        Effect.as("healthy"),
        Effect.catch(({ reason }) => Effect.succeed(reason))
      )
    },
    { concurrency: "unbounded" }
  )

const described = (state: ClusterState, health: ReadonlyArray<string>): string => {
  const rows = state.processes.map((process, at) => [
    process.name,
    String(process.identity?.pid ?? "-"),
    String(process.port),
    process.upSince?.replace("T", " ").slice(0, 19) ?? "-",
    String(process.restarts),
    health[at] ?? ""
  ])
  const head = ["name", "pid", "port", "up since (UTC)", "restarts", "health"]
  const from = Object.entries(state.sources).map(([name, source]) => `${name}: ${source}`)
  return [
    state.phase === "ready"
      ? `Running, edge http://127.0.0.1:${ports(state.portBase).edge}`
      : `${state.phase}: ${state.message}`,
    "",
    table(head, rows, false),
    "",
    ...from
  ].join("\n")
}
