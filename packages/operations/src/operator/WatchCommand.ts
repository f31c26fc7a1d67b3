import { liveEvents } from "@halles/http/operator/OperatorEvents"
import { Console, Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import type { Sse } from "effect/encoding"
import { duration, type Format, output, table } from "../inspector/Output.ts"
import { listener } from "./LiveStream.ts"

const decodeOverview = Schema.decodeUnknownOption(Schema.fromJsonString(liveEvents.overview))
/** The end of a stream says that it is to be taken up again. */
const again = "1 second"

const render = (text: string): string | null => {
  const overview = Option.getOrNull(decodeOverview(text))
  if (overview === null) return null
  const rows = overview.regions.map((region) => ({
    region: region.region,
    runners: region.runners,
    shards: `${region.shardsOwned}/${region.shards}`,
    "calls/s": Math.round(region.commandsPerSecond),
    "commits/s": Math.round(region.commitsPerSecond),
    p99: duration(region.p99Ms),
    sagas: region.sagaBacklog,
    overdue: region.oldestOverdueTimerMs === null ? "?" : duration(region.oldestOverdueTimerMs),
    outbox: region.outboxLagMs === null ? "?" : duration(region.outboxLagMs),
    unread: region.projectionLag ?? "?",
    parked: region.parked,
    alarms: region.alarms
  }))
  return table(rows, Object.keys(rows[0] ?? {}))
}

const print = (format: Format, event: Sse.Event) => {
  if (format !== "table") return Console.log(`{"event":"${event.event}","data":${event.data}}`)
  if (event.event === "events") return Console.log(event.data)
  const page = event.event === "overview" ? render(event.data) : null
  // Over what was there before, on a terminal.
  return page === null ? Effect.void : Console.log(process.stdout.isTTY ? `\u001b[2J\u001b[H${page}` : `${page}\n`)
}

export const watch = Command.make(
  "watch",
  {
    tail: Flag.String("tail").pipe(
      Flag.withDescription("Events too: a type, several with commas, *, or one entity as Order:eu_x"),
      Flag.optional
    ),
    output
  },
  ({ output, tail }) =>
    Effect.gen(function* () {
      const listen = listener(tail, (event) => print(output, event))
      for (;;) {
        yield* listen
        yield* Effect.sleep(again)
      }
    })
).pipe(
  Command.withDescription(
    "The cluster, each second, until it is interrupted; with -o jsonl all that the operator process tells"
  ),
  Command.withShortDescription("Watch the cluster"),
  Command.withExamples([{ command: "halles watch" }, { command: "halles watch --tail Order -o jsonl" }])
)
