import { PgClient } from "@effect/sql-pg"
import { cpuSeconds, everyStat } from "@halles/harness/Cpu"
import { proportionalBytes } from "@halles/harness/Memory"
import { Cluster } from "@halles/infra/cluster/Cluster"
import type { ClusterState } from "@halles/infra/cluster/ClusterState"
import * as Layout from "@halles/infra/Layout"
import { seed } from "@halles/infra/programs/seed"
import { Settings } from "@halles/infra/Settings"
import { Context, Effect, Layer, Redacted } from "effect"
import { ordersOf } from "./ClusterCheckout.ts"
import type { Figures } from "../Measure.ts"
import type { Measurement } from "../Measurement.ts"

const rows = ["clusterStart", "clusterFirst", "clusterCheckout", "clusterCheckoutOne", "clusterIdle"] as const

/** The first orders after a start, those of a busy shop, and those of one customer at a time. */
const spans = (quick: boolean) => ({
  clusterFirst: { callers: 8, warmUpMs: 0, durationMs: 4_000 },
  clusterCheckout: { callers: 32, warmUpMs: quick ? 20_000 : 30_000, durationMs: quick ? 15_000 : 30_000 },
  clusterCheckoutOne: { callers: 1, warmUpMs: 5_000, durationMs: quick ? 10_000 : 20_000 }
})

/** Until compilers and caches are at rest. */
const restMs = 60_000
const idleMs = { quick: 30_000, full: 60_000 }

/** What `npm start` starts, until it sells. In the directory of `npm run load`, since the bench's own servers run in that of the bench. */
const start = Effect.fnUntraced(function* (empty: boolean) {
  const settings = yield* Effect.orDie(Settings)
  const layout = Layout.of("load", settings.portBase)
  const began = performance.now()
  const services = yield* Layer.build(Cluster.layer({ layout, settings, empty, identity: true }))
  const cluster = Context.get(services, Cluster)
  yield* seed(cluster.edgeUrl, cluster.clientEnvironment["HALLES_IMPORT_TOKEN"] ?? "")
  return { cluster, layout, ms: performance.now() - began }
})

const pidsOf = ({ processes }: ClusterState): ReadonlyArray<readonly [string, number]> =>
  processes.flatMap(({ identity, name }) => (identity === null ? [] : [[name, identity.pid] as const]))

const cpuOf = (state: ClusterState): Readonly<Record<string, number>> => {
  const all = everyStat()
  return Object.fromEntries(pidsOf(state).map(([name, pid]) => [name, cpuSeconds(pid, all)]))
}
const sum = (values: Readonly<Record<string, number>>): number =>
  Object.values(values).reduce((total, value) => total + value, 0)
const micros = (seconds: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(seconds).map(([name, value]) => [name, Math.round(value * 1e6)]))

/** Of our databases, since the server began. */
const transactions = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const [row] = yield* sql<{ count: number }>`
    SELECT sum(xact_commit + xact_rollback)::double precision AS count FROM pg_stat_database
    WHERE datname LIKE 'halles%'`
  return row!.count
})

const one = (ms: number, cpu: Readonly<Record<string, number>>, setting: string): Figures => ({
  opsPerSecond: 1_000 / ms,
  p50ms: ms,
  p95ms: ms,
  p99ms: ms,
  cpuSecondsPerOp: sum(cpu),
  cpuMicrosByProcess: micros(cpu),
  operations: 1,
  setting
})

/** The cluster that people start: how long it takes until it sells, what an order costs there, and what it costs while nobody buys. */
export const wholeCluster: Measurement = {
  rows,
  run: Effect.fnUntraced(function* ({ quick, report, wants }) {
    const first = yield* Effect.scoped(start(true))
    const { cluster, layout, ms } = yield* start(false)
    const setting =
      "as npm start starts it, without npm and the command line; on the data of a first start, an operation is a start"
    yield* report("clusterStart", { ...one(ms, cpuOf(cluster.state()), setting), extra: { firstMs: first.ms } })
    for (const [row, span] of Object.entries(spans(quick))) {
      if (wants(row)) yield* report(row, yield* ordersOf(layout, span))
    }
    if (!wants("clusterIdle")) return

    yield* Effect.sleep(restMs)
    const admin = PgClient.layer({ url: Redacted.make(cluster.servers.admins["control"] ?? ""), maxConnections: 1 })
    const idle = yield* Effect.gen(function* () {
      const [before, used, began] = [yield* transactions, cpuOf(cluster.state()), performance.now()]
      yield* Effect.sleep(quick ? idleMs.quick : idleMs.full)
      const seconds = (performance.now() - began) / 1_000
      const perSecond = Object.fromEntries(
        Object.entries(cpuOf(cluster.state())).map(([name, now]) => [name, (now - (used[name] ?? now)) / seconds])
      )
      return { perSecond, transactionsPerSecond: ((yield* transactions) - before) / seconds }
    }).pipe(Effect.provide(admin))
    const all = everyStat()
    const bytes = pidsOf(cluster.state()).reduce((total, [, pid]) => total + proportionalBytes(pid, all), 0)
    yield* report("clusterIdle", {
      ...one(1_000, idle.perSecond, "nobody asks for anything; an operation is a second, without the supervisor"),
      extra: {
        coreShare: sum(idle.perSecond),
        transactionsPerSecond: idle.transactionsPerSecond,
        memoryMegabytes: bytes / 1e6
      }
    })
  }, Effect.scoped)
}
