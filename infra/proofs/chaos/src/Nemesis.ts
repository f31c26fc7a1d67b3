import { PgClient } from "@effect/sql-pg"
import * as EdgeClient from "@halles/harness/EdgeClient"
import { Cluster } from "@halles/infra/cluster/Cluster"
import { ports } from "@halles/infra/cluster/Ports"
import { Effect, Redacted, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { type Fault, type Form, unheardMs } from "./FaultSchedule.ts"
import type { Network } from "./Network.ts"
import type { Passage, Proxy } from "./Proxy.ts"
import type { World } from "./World.ts"

const open = { up: "open", down: "open" } as const

const passagesOf = (
  form: Exclude<Form, "reset">,
  delayMs: number
): { readonly up: Passage; readonly down: Passage } => {
  switch (form) {
    case "block":
      return { up: "blocked", down: "blocked" }
    case "block-up":
      return { up: "blocked", down: "open" }
    case "block-down":
      return { up: "open", down: "blocked" }
    case "delay":
      return { up: { delayMs }, down: { delayMs } }
  }
}

/** A server that was just killed may take a while to hear of it. */
const insist = { schedule: Schedule.spaced("200 millis"), times: 150 }

/** Does the fault, and undoes it when its time is over or the run is. */
export const perform = Effect.fnUntraced(function* (fault: Fault, world: World, network: Network) {
  const cluster = yield* Cluster
  const during = (begin: Effect.Effect<void>, end: Effect.Effect<void>, ms: number = fault.durationMs) =>
    Effect.acquireUseRelease(
      begin,
      () => Effect.sleep(ms),
      () => end
    )
  const signal = (name: string, sent: NodeJS.Signals) => Effect.sync(() => cluster.signal(name, sent))
  switch (fault.kind) {
    case "kill":
      return yield* signal(fault.process, "SIGKILL")
    case "pg":
      return yield* signal("postgres", "SIGKILL")
    case "nats":
      return yield* signal(fault.kind, "SIGKILL")
    case "redis":
      return yield* Effect.andThen(signal("redis", "SIGKILL"), signal("counters", "SIGKILL"))
    case "freeze": {
      const frozen = during(
        signal(fault.process, "SIGSTOP"),
        signal(fault.process, "SIGCONT"),
        fault.durationMs - (fault.unheard ? unheardMs : 0)
      )
      const deaf = network.between("edge", "postgres")
      if (!fault.unheard || deaf === undefined) return yield* frozen
      const cut = during(
        Effect.sync(() => deaf.set(passagesOf("block", 0))),
        Effect.sync(() => deaf.set(open))
      )
      return yield* Effect.all([frozen, cut], { concurrency: "unbounded", discard: true })
    }
    case "partition": {
      const servers = fault.server === "redis" ? (["redis", "counters"] as const) : [fault.server]
      const proxies = servers.flatMap((server) => network.between(fault.process, server) ?? [])
      if (proxies.length === 0) return yield* Effect.die(`no proxy between ${fault.process} and ${fault.server}`)
      const all = (change: (proxy: Proxy) => void) => Effect.sync(() => proxies.forEach(change))
      if (fault.form === "reset") return yield* all((proxy) => proxy.reset())
      const passages = passagesOf(fault.form, fault.delayMs)
      return yield* during(
        all((proxy) => proxy.set(passages)),
        all((proxy) => proxy.set(open))
      )
    }
    case "slow-disk": {
      const admin = cluster.servers.admins["control"] ?? ""
      return yield* during(flushDelay(admin, fault.delayMs * 1_000), flushDelay(admin, 0))
    }
    case "duplicate":
      return yield* during(
        Effect.sync(() => void (world.duplicating = true)),
        Effect.sync(() => void (world.duplicating = false))
      )
    case "late-webhook": {
      const { layout, secrets } = cluster.parts
      const url = `http://127.0.0.1:${ports(layout.portBase)[fault.partner]}`
      const token = secrets[`${fault.partner}Key`]
      const mode = (mode: string) =>
        EdgeClient.open(url, 1).pipe(
          Effect.flatMap((send) => send({ method: "PUT", path: "/admin/mode", token, body: { mode } })),
          Effect.scoped,
          Effect.timeout("1 second"),
          Effect.retry(insist),
          Effect.ignore
        )
      return yield* during(mode(fault.mode), mode("up"))
    }
  }
})

/**
 * Every flush of the write-ahead log waits so many microseconds before it (0: none, as delivered): a slow disk, made with
 * Postgres' own `commit_delay`, of which 100 ms is the most, for the want of a disk that can be slowed without root.
 */
const flushDelay = (admin: string, microseconds: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    // Neither statement takes parameters; the number is ours.
    yield* sql.unsafe(`ALTER SYSTEM SET commit_siblings = 0`)
    yield* sql.unsafe(`ALTER SYSTEM SET commit_delay = ${Math.trunc(microseconds)}`)
    yield* sql`SELECT pg_reload_conf()`
  }).pipe(
    Effect.provide(PgClient.layer({ url: Redacted.make(admin), maxConnections: 1, applicationName: "halles:chaos" })),
    Effect.timeout("2 seconds"),
    Effect.retry(insist),
    Effect.ignore
  )
