import { objectives } from "@halles/entities/inspector/Objectives"
import { RegionDatabases } from "@halles/entities/routes/Reads"
import { type Region, regions } from "@halles/shared/Region"
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { SqlClient } from "effect/sql"
import { duration, output, printList } from "./Output.ts"

/** What is looked at, what was found, and what to do when it is not as it should be. */
interface Finding {
  readonly what: string
  readonly where: string
  readonly found: string
  readonly ok: boolean
  readonly next: string
}

const skewMaxMs = 1_000
const connectionsShareMax = 0.8

const finding = (what: string, where: string, found: string, ok: boolean, next: string): Finding => ({
  what,
  where,
  found,
  ok,
  next: ok ? "" : next
})

const server = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, where: string) {
  const startedAt = performance.now()
  const before = Date.now()
  const [row] = yield* sql<{
    now: number
    version: string
    used: number
    max: number
    bytes: bigint
    waiting: number
  }>`
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::double precision AS now,
      current_setting('server_version') AS version,
      (SELECT count(*)::int FROM pg_stat_activity WHERE usename IS NOT NULL) AS used,
      current_setting('max_connections')::int AS max,
      pg_database_size(current_database()) AS bytes,
      (SELECT count(*)::int FROM pg_locks WHERE NOT granted) AS waiting`
  const took = performance.now() - startedAt
  const { bytes, max, now, used, version, waiting } = row!
  const skew = now - (before + took / 2)
  return [
    finding(
      "version",
      where,
      `Postgres ${version}`,
      Number.parseInt(version, 10) >= 15,
      "Halles needs Postgres 15 or newer"
    ),
    finding("answer", where, duration(took), took < 1_000, "look at the load of the server"),
    finding(
      "clock",
      where,
      `${Math.round(skew)} ms ahead of here`,
      Math.abs(skew) < skewMaxMs,
      "set the clocks (NTP): timers and epochs are stamped by them"
    ),
    finding(
      "connections",
      where,
      `${used} of ${max}`,
      used < max * connectionsShareMax,
      "raise max_connections or stop what leaks them"
    ),
    finding(
      "locks waited for",
      where,
      String(waiting),
      waiting < 50,
      `halles sql "SELECT * FROM pg_locks WHERE NOT granted" -d ${where}`
    ),
    finding("size", where, `${(Number(bytes) / 1_048_576).toFixed(0)} MiB`, true, "")
  ]
})

const region = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, control: SqlClient.SqlClient, where: Region) {
  const [row] = yield* sql<{ overdue: number | null; unpublished: number | null; alarms: number }>`
    SELECT (SELECT (extract(epoch FROM now() - min(due_at)) * 1000)::double precision FROM timer WHERE due_at < now()) AS overdue,
      (SELECT (extract(epoch FROM now() - min(at)) * 1000)::double precision FROM outbox_batch) AS unpublished,
      (SELECT count(*)::int FROM alarm WHERE at > now() - interval '1 hour') AS alarms`
  const [placed] = yield* control<{ homeless: number; moving: number }>`
    SELECT count(*) FILTER (WHERE runner IS NULL OR holder IS NULL)::int AS homeless,
      count(*) FILTER (WHERE runner IS DISTINCT FROM holder)::int AS moving
    FROM shard_placement WHERE region = ${where}`
  const { alarms, overdue, unpublished } = row!
  const { homeless, moving } = placed!
  return [
    finding(
      "oldest overdue timer",
      where,
      duration(overdue ?? 0),
      (overdue ?? 0) < objectives.timer_overdue.objective,
      `halles saga list; is a runner of ${where} alive?`
    ),
    finding(
      "oldest unpublished batch",
      where,
      duration(unpublished ?? 0),
      (unpublished ?? 0) < objectives.events_unpublished.objective,
      "is NATS there? events wait in the outbox and nothing is lost"
    ),
    finding(
      "shards nobody holds",
      where,
      String(homeless),
      homeless === 0,
      `start a runner of ${where}; halles shards --region ${where}`
    ),
    finding("shards on their way", where, String(moving), moving < 16, `halles shards --region ${where}`),
    finding("alarms of the last hour", where, String(alarms), alarms === 0, `halles alarms --region ${where}`)
  ]
})

export const doctor = Command.make("doctor", { output }, ({ output }) =>
  Effect.gen(function* () {
    const control = yield* SqlClient.SqlClient
    const databases = yield* RegionDatabases
    const found = [
      ...(yield* server(control, "control")),
      ...(yield* Effect.forEach(regions, (one) =>
        Effect.zipWith(server(databases.of(one), one), region(databases.of(one), control, one), (a, b) => [...a, ...b])
      )).flat()
    ]
    const items = found.map(({ ok, ...rest }) => ({ ...rest, verdict: ok ? "ok" : "LOOK" }))
    yield* printList(output, items, ["verdict", "where", "what", "found", "next"], (item) => String(item["what"]))
    const wrong = found.filter(({ ok }) => !ok).length
    if (output === "table") yield* Console.error(wrong === 0 ? "Nothing to do." : `${wrong} to look at.`)
    yield* Effect.sync(() => {
      if (wrong > 0) process.exitCode = 1
    })
  })
).pipe(
  Command.withDescription(
    "Looks at databases, clocks, connections, locks, shards, timers and the outbox; exit code 1 if something needs a look"
  ),
  Command.withShortDescription("Is everything as it should be?"),
  Command.withExamples([{ command: "halles doctor" }])
)
