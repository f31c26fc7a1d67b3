import { Console, Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { clockTime, output, printList } from "../inspector/Output.ts"
import { given } from "./ChangeCommands.ts"
import { callOperator, confirmed, operator, reason, yes } from "./Operator.ts"

const streams = Command.make("streams", { output }, ({ output }) =>
  Effect.gen(function* () {
    const { streams } = yield* operator
    const { consumers, streams: all } = yield* callOperator(streams.streams())
    const items = all.flatMap(({ lastAt, name, ...stream }) => {
      const readers = consumers.filter((consumer) => consumer.stream === name)
      const own = { stream: name, messages: stream.messages, last: lastAt === null ? "" : clockTime(lastAt) }
      if (readers.length === 0) return [{ ...own, consumer: "", pending: 0, unacknowledged: 0, redelivered: 0 }]
      return readers.map((reader) => ({
        ...own,
        consumer: reader.name,
        pending: reader.pending,
        unacknowledged: reader.ackPending,
        redelivered: reader.redelivered
      }))
    })
    const columns = ["stream", "messages", "last", "consumer", "pending", "unacknowledged", "redelivered"]
    yield* printList(output, items, columns, (item) => String(item["stream"]))
  })
).pipe(
  Command.withDescription("Streams, those who read them, and how far they are"),
  Command.withExamples([{ command: "halles streams" }])
)

const limit = Flag.Int("limit").pipe(Flag.withDescription("Letters at the most"))

const list = Command.make("list", { limit: limit.pipe(Flag.withDefault(50)), output }, ({ limit, output }) =>
  Effect.gen(function* () {
    const { streams } = yield* operator
    const { items } = yield* callOperator(streams.deadLetters({ query: { limit: Math.min(200, Math.max(1, limit)) } }))
    const rows = items.map((letter) => ({ ...letter, at: clockTime(letter.at) }))
    yield* printList(output, rows, ["at", "stream", "consumer", "subject", "tries", "cause", "id"], (item) =>
      String(item["id"])
    )
    if (output === "table" && items.length === 0) yield* Console.error("Nothing was given up.")
  })
).pipe(
  Command.withDescription(
    "What was given up, the newest first: events that were set aside, messages of streams, webhooks"
  ),
  Command.withExamples([{ command: "halles dlq list" }])
)

const replay = Command.make(
  "replay",
  {
    ids: Argument.String("id").pipe(Argument.withDescription("As dlq list shows them"), Argument.variadic()),
    stream: Flag.String("stream").pipe(
      Flag.withDescription("The oldest of this stream, or of webhooks, in place of ids"),
      Flag.optional
    ),
    limit: limit.pipe(Flag.optional),
    reason,
    yes
  },
  ({ ids, limit, reason, stream, yes }) =>
    Effect.gen(function* () {
      const what = ids.length > 0 ? `${ids.length} letters` : "the oldest letters of the stream"
      yield* confirmed(yes, `Send ${what} again?`)
      const { streams } = yield* operator
      const { left, replayed } = yield* callOperator(
        streams.replayDeadLetters({
          payload: {
            reason,
            ...(ids.length > 0 ? { ids } : {}),
            ...given("stream", stream),
            ...given("limit", limit)
          }
        })
      )
      yield* Console.log(`${replayed} sent again, ${left} left.`)
    })
).pipe(
  Command.withDescription("Send dead letters again, a thousand at the most"),
  Command.withExamples([{ command: 'halles dlq replay --stream webhooks --limit 100 --reason "endpoint is back"' }])
)

const resolve = Command.make(
  "resolve",
  {
    ids: Argument.String("id").pipe(Argument.withDescription("As dlq list shows them"), Argument.variadic({ min: 1 })),
    reason,
    yes
  },
  ({ ids, reason, yes }) =>
    Effect.gen(function* () {
      yield* confirmed(yes, `Strike ${ids.length} letters off the list? They are not sent.`)
      const { streams } = yield* operator
      const { left, resolved } = yield* callOperator(streams.resolveDeadLetters({ payload: { reason, ids } }))
      yield* Console.log(`${resolved} struck off, ${left} left.`)
    })
).pipe(
  Command.withDescription(
    "Strike dead letters off the list that nobody needs any more: events that were set aside, messages of streams"
  ),
  Command.withExamples([{ command: 'halles dlq resolve parked:eu:outbox:Cart:eu_7f3a:3 --reason "written by hand"' }])
)

const dlq = Command.make("dlq").pipe(
  Command.withDescription("Dead letters: what was given up"),
  Command.withSubcommands([list, replay, resolve])
)

export const streamCommands = [streams, dlq] as const
