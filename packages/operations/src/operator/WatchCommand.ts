import { liveEvents } from "@halles/http/OperatorEvents"
import { Console, Effect, Option, Redacted, Schema, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { Sse } from "effect/encoding"
import { HttpClient, HttpClientRequest } from "effect/http"
import { duration, output, table } from "../inspector/Output.ts"
import { asked, NotDone, OperatorUrl } from "./Operator.ts"
import { token } from "./Tokens.ts"

const decodeOverview = Schema.decodeUnknownOption(Schema.fromJsonString(liveEvents.overview))
/** The end of a stream says that it is to be taken up again. */
const again = "1 second"

const shown = (text: string): string | null => {
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
      const url = new URL("/v1/ops/live", yield* OperatorUrl)
      if (Option.isSome(tail)) url.searchParams.set("tail", tail.value)
      const client = yield* HttpClient.HttpClient
      let lastEventId = ""
      const print = (event: Sse.Event) => {
        if (event.id !== undefined && event.id !== "") lastEventId = event.id
        if (output !== "table") return Console.log(`{"event":"${event.event}","data":${event.data}}`)
        if (event.event === "events") return Console.log(event.data)
        const page = event.event === "overview" ? shown(event.data) : null
        // Over what was there before, on a terminal.
        return page === null
          ? Effect.void
          : Console.log(process.stdout.isTTY ? `\u001b[2J\u001b[H${page}` : `${page}\n`)
      }
      const once = Effect.gen(function* () {
        const request = HttpClientRequest.get(url).pipe(
          HttpClientRequest.bearerToken(Redacted.value(yield* token)),
          lastEventId === "" ? (same) => same : HttpClientRequest.setHeader("last-event-id", lastEventId)
        )
        const response = yield* asked(client.execute(request))
        if (response.status !== 200) {
          return yield* new NotDone({
            reason: `the operator process refused with ${response.status}`,
            exitCode: response.status === 401 || response.status === 403 ? 4 : 6
          })
        }
        const heard: Array<Sse.Event> = []
        const parser = Sse.makeParser((event) => {
          if (event._tag === "Event") heard.push(event)
        })
        yield* response.stream.pipe(
          Stream.decodeText(),
          Stream.runForEach((text) => {
            parser.feed(text)
            return Effect.forEach(heard.splice(0), print, { discard: true })
          }),
          // A stream that breaks is taken up again.
          Effect.ignore
        )
      })
      for (;;) {
        yield* once
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
