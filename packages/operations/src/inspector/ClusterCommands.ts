import * as Alarms from "@halles/entities/inspector/Alarms"
import { RegionDatabases } from "@halles/entities/routes/Reads"
import { regions } from "@halles/shared/Region"
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { SqlClient } from "effect/sql"
import { duration, output, printList } from "./Output.ts"
import { sqlCommand } from "./SqlCommand.ts"

const region = Flag.Literals("region", regions).pipe(Flag.withDescription("One region only"), Flag.optional)
const wanted = (region: Option.Option<(typeof regions)[number]>) =>
  Option.match(region, { onNone: () => regions, onSome: (one) => [one] })

const shards = Command.make("shards", { region, output }, ({ output, region }) =>
  Effect.gen(function* () {
    const control = yield* SqlClient.SqlClient
    const databases = yield* RegionDatabases
    const items = yield* Effect.forEach(wanted(region), (one) =>
      Effect.gen(function* () {
        const placed = yield* control<{ shard: number; runner: string | null; holder: string | null }>`
          SELECT shard, runner, holder FROM shard_placement WHERE region = ${one} ORDER BY shard`
        const fences = yield* databases.of(one)<{ shard: number; epoch: number; owner: string; at: number }>`
          SELECT shard, epoch, owner, (extract(epoch FROM at) * 1000)::double precision AS at FROM shard_epoch`
        const byShard = new Map(fences.map((fence) => [fence.shard, fence]))
        return placed.map(({ holder, runner, shard }) => {
          const fence = byShard.get(shard)
          return {
            shard: `${one}/${shard}`,
            runner,
            holder,
            epoch: fence?.epoch ?? null,
            age: fence === undefined ? "" : duration(Date.now() - fence.at)
          }
        })
      })
    )
    yield* printList(output, items.flat(), ["shard", "runner", "holder", "epoch", "age"], (item) =>
      String(item["shard"])
    )
  })
).pipe(
  Command.withDescription(
    "Every shard: the runner that is to have it, the one that holds its lock, its epoch and how old that is"
  ),
  Command.withShortDescription("Which runner has which shard"),
  Command.withExamples([{ command: "halles shards --region eu" }])
)

const runners = Command.make("runners", { output }, ({ output }) =>
  Effect.gen(function* () {
    const control = yield* SqlClient.SqlClient
    const rows = yield* control<{
      runner: string
      region: string
      shards: number
      held: number
      leaving: string | null
      session: boolean
    }>`
      SELECT p.runner, p.region, count(*)::int AS shards, count(*) FILTER (WHERE p.holder = p.runner)::int AS held,
        (SELECT string_agg(l.wish, ' ') FROM runner_leaving l WHERE l.runner = p.runner) AS leaving,
        EXISTS (SELECT FROM pg_stat_activity a WHERE a.application_name LIKE '%' || p.runner || '%') AS session
      FROM shard_placement p WHERE p.runner IS NOT NULL GROUP BY p.region, p.runner ORDER BY p.region, p.runner`
    const items = rows.map(({ leaving, session, ...row }) => ({
      ...row,
      leaving: leaving ?? "",
      connected: session ? "yes" : "no"
    }))
    yield* printList(output, items, ["runner", "region", "shards", "held", "connected", "leaving"], (item) =>
      String(item["runner"])
    )
  })
).pipe(
  Command.withDescription(
    "Runners that shards are placed on: how many, how many of them they hold, whether they are connected, and whether they are leaving"
  ),
  Command.withShortDescription("Runners and how many shards they have"),
  Command.withExamples([{ command: "halles runners" }])
)

const alarms = Command.make("alarms", { region, output }, ({ output, region }) =>
  Effect.gen(function* () {
    const now = Date.now()
    const found = yield* Alarms.alarms({}, wanted(region))
    const items = found.map((alarm) => ({ ...alarm, for: duration(now - alarm.since) }))
    const columns = ["severity", "code", "region", "subject", "for", "text", "command"]
    yield* printList(output, items, columns, (item) => String(item["subject"] ?? item["code"]))
    if (output === "table" && items.length === 0) yield* Console.error("Nothing to look at.")
    yield* Effect.sync(() => {
      if (items.some(({ severity }) => severity === "critical")) process.exitCode = 1
    })
  })
).pipe(
  Command.withDescription(
    "What somebody should look at, the worst first, each with the command to run next: timers, sagas, events and read tables " +
      "that are late, parked entities, two owners of a shard, dead runners and letters. Exit code 1 if something is critical"
  ),
  Command.withShortDescription("What somebody should look at"),
  Command.withExamples([{ command: "halles alarms" }, { command: "halles alarms --region eu -o ids" }])
)

export const clusterCommands = [shards, runners, alarms, sqlCommand] as const
