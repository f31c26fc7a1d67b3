import { RegionDatabases } from "@halles/entities/routes/Reads"
import { type Region, regionOf } from "@halles/shared/Region"
import * as Shard from "@halles/shared/Shard"
import { Console, Effect, Option, Queue, Schedule, Schema, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { SqlClient } from "effect/sql"
import { createInterface } from "node:readline/promises"
import { difference } from "@halles/entities/inspector/Difference"
import { nameOf, type Ref, refsOf, type Row, rowsOf, stateOf, whenOf } from "@halles/entities/inspector/Histories"
import { masked } from "@halles/entities/inspector/Masked"
import { clockTime, output, printList, tree } from "./Output.ts"
import { listener } from "../operator/LiveStream.ts"
import { callOperator, operator, reason } from "../operator/Operator.ts"

/** Ids that are read from a pipe. */
const idsMax = 10_000
/** Rows of one history that are shown unless more are asked for. */
const rowsMax = 1_000
/** Between two looks for new rows, and tries to be told of them, while no operator process tells. */
const followMs = 500

export const ids = Argument.String("id").pipe(
  Argument.withDescription("eu_TEA-01, or Sku/eu_TEA-01 for one type; without any, ids are read from the pipe"),
  Argument.variadic()
)
export const oneId = Argument.String("id").pipe(Argument.withDescription("Such as eu_TEA-01 or Sku/eu_TEA-01"))

/** There is nobody to ask for ids. */
class NoIds extends Schema.TaggedError<NoIds>()("NoIds", {}) {
  override readonly message = "give an id, or pipe ids into this command"
}

const piped = Effect.suspend(() =>
  process.stdin.isTTY
    ? Effect.fail(new NoIds())
    : Stream.fromAsyncIterable(createInterface({ input: process.stdin }), () => new NoIds()).pipe(
        Stream.map((line) => line.trim()),
        Stream.filter((line) => line !== ""),
        Stream.take(idsMax),
        Stream.runCollect
      )
)

/** Every entity that the ids name; those of the pipe when none are given. */
export const refs = Effect.fnUntraced(function* (given: ReadonlyArray<string>) {
  const names = given.length > 0 ? given : yield* piped
  return (yield* Effect.forEach(names, refsOf)).flat()
})

export const rowItem = (row: Row) => ({
  at: clockTime(row.at),
  entity: nameOf(row),
  seq: row.seq,
  events: row.events.map(({ _tag }) => _tag).join(" "),
  command: row.commandId,
  actor: row.meta["actor"] ?? "",
  epoch: row.epoch
})
const rowColumns = ["at", "entity", "seq", "events", "command", "actor", "epoch"]
/** For eyes what happened; for programs the whole row. */
export const printRows = (format: Parameters<typeof printList>[0], rows: ReadonlyArray<Row>) =>
  printList(
    format,
    format === "table"
      ? rows.map(rowItem)
      : rows.map((row) => ({ ...row, events: masked(row.events), meta: masked(row.meta), entity: nameOf(row) })),
    rowColumns,
    (item) => String(item["entity"])
  )

const whoOwns = Command.make("who-owns", { ids, output }, ({ ids, output }) =>
  Effect.gen(function* () {
    const control = yield* SqlClient.SqlClient
    const databases = yield* RegionDatabases
    const items = yield* Effect.forEach(yield* refs(ids), ({ id, type }) =>
      Effect.gen(function* () {
        const region = regionOf(id) as Region
        const shard = Shard.shardOf(id)
        const [placed] = yield* control<{ runner: string | null; holder: string | null }>`
          SELECT runner, holder FROM shard_placement WHERE region = ${region} AND shard = ${shard}`
        const [fence] = yield* databases.of(region)<{ epoch: number }>`
          SELECT epoch FROM shard_epoch WHERE shard = ${shard}`
        const { holder = null, runner = null } = placed ?? {}
        return { entity: `${type}/${id}`, region, shard, runner, holder, epoch: fence?.epoch ?? null }
      })
    )
    yield* printList(output, items, ["entity", "region", "shard", "runner", "holder", "epoch"], (item) =>
      String(item["entity"])
    )
  })
).pipe(
  Command.withDescription(
    "The shard of an entity, the runner that is to have it, the one that holds its lock, and the fencing epoch"
  ),
  Command.withShortDescription("Shard, runner and epoch of an entity"),
  Command.withExamples([{ command: "halles who-owns eu_TEA-01" }])
)

export const at = Flag.String("at").pipe(
  Flag.withDescription("Look at a seq, or at a time such as 2026-11-23T09:41:07Z"),
  Flag.optional
)

const unmask = Flag.Boolean("unmask").pipe(
  Flag.withDescription(
    "Show personal data: by the operator process, to whoever may see it; the audit log says who did, and the --reason"
  ),
  Flag.withDefault(false)
)

const why = Flag.optional(reason)
/** Nobody sees personal data without saying why. */
class ReasonRequired extends Schema.TaggedError<ReasonRequired>()("ReasonRequired", {}) {
  override readonly message = "--unmask shows personal data: say why with --reason"
}

/** With personal data, as the operator process shows it. */
const unmasked = Effect.fnUntraced(function* (
  names: ReadonlyArray<Ref>,
  at: Option.Option<string>,
  why: Option.Option<string>,
  format: Parameters<typeof printList>[0]
) {
  if (Option.isNone(why)) return yield* new ReasonRequired()
  const { entities } = yield* operator
  for (const ref of names) {
    const unmasking = { unmask: "true" as const, reason: why.value }
    const query = { ...unmasking, ...Option.match(at, { onNone: () => ({}), onSome: (at) => ({ at }) }) }
    const { items } = yield* callOperator(entities.getEntity({ params: { id: nameOf(ref) }, query }))
    for (const { entity, pendingStep, seq, state } of items) {
      if (format === "ids") yield* Console.log(entity)
      else if (format === "table") yield* Console.log(tree({ entity, seq, pendingStep, state }))
      else yield* Console.log(JSON.stringify({ entity, seq, pendingStep, state }))
    }
  }
})

const get = Command.make("get", { ids, at, unmask, reason: why, output }, ({ at, ids, output, reason, unmask }) =>
  Effect.gen(function* () {
    if (unmask) return yield* unmasked(yield* refs(ids), at, reason, output)
    const when = yield* whenOf(Option.getOrUndefined(at))
    const items = yield* Effect.forEach(yield* refs(ids), (ref) =>
      Effect.map(stateOf(ref, when), ({ at, now }) => ({
        entity: nameOf(ref),
        seq: now.seq,
        at: at === null ? null : clockTime(at),
        pendingStep: now.pendingStep,
        timerAt: now.dueAt === null ? null : clockTime(now.dueAt),
        state: masked(now.view)
      }))
    )
    if (output !== "table") return yield* printList(output, items, [], (item) => String(item["entity"]))
    for (const item of items) yield* Console.log(tree(item))
  })
).pipe(
  Command.withDescription(
    "What an entity is, or was: rebuilt from its history by the same functions that the runners use"
  ),
  Command.withShortDescription("What an entity is, or was at a seq or a time"),
  Command.withExamples([
    { command: "halles get eu_TEA-01" },
    {
      command: 'halles get Order/eu_x --unmask --reason "the customer called"',
      description: "with personal data, for whoever may see it"
    },
    { command: "halles get Order/eu_x --at 3", description: "as it was after its third row" },
    { command: "halles list Order --where status=cancelled -o ids | halles get -o jsonl" }
  ])
)

const from = Flag.Int("from").pipe(Flag.withDescription("First seq"), Flag.withDefault(1))
const to = Flag.Int("to").pipe(Flag.withDescription("Last seq"), Flag.optional)
const follow = Flag.Boolean("follow").pipe(
  Flag.withAlias("f"),
  Flag.withDescription("Go on with new rows as they are committed, until it is interrupted"),
  Flag.withDefault(false)
)

const events = Command.make("events", { id: oneId, from, to, follow, output }, ({ follow, from, id, output, to }) =>
  Effect.gen(function* () {
    const found = yield* refsOf(id)
    const upTo = Option.match(to, { onNone: () => ({}), onSome: (to) => ({ to }) })
    const read = (ref: Ref, from: number) => rowsOf(ref, { from, limit: rowsMax, ...upTo })
    const first = (yield* Effect.forEach(found, (ref) => read(ref, from))).flat()
    yield* printRows(
      output,
      first.toSorted((a, b) => Number(a.position - b.position))
    )
    if (!follow) return
    const seen = new Map(
      found.map((ref) => [ref.type, first.findLast(({ type }) => type === ref.type)?.seq ?? from - 1])
    )
    const look = Effect.gen(function* () {
      for (const ref of found) {
        const rows = yield* read(ref, seen.get(ref.type)! + 1)
        if (rows.length === 0) continue
        seen.set(ref.type, rows.at(-1)!.seq)
        for (const row of rows) {
          const { at, command, entity, events, seq } = rowItem(row)
          yield* output === "table"
            ? Console.log([at, entity, seq, events, command].join("  "))
            : printRows(output, [row])
        }
      }
    })
    const notifications = yield* Queue.sliding<void>(1)
    let isNotified = false
    const tail = found.map((ref) => `${ref.type}:${ref.id}`).join(",")
    const listen = listener(Option.some(tail), ({ event }) => {
      if (event !== "hello" && event !== "events") return Effect.void
      isNotified = true
      return Queue.offer(notifications, undefined)
    })
    yield* Effect.ignore(listen).pipe(
      Effect.andThen(Effect.sync(() => (isNotified = false))),
      Effect.repeat(Schedule.spaced(followMs)),
      Effect.forkChild
    )
    // The live tail says when to look. What is shown is the history's, so that no row is missed or shown twice.
    for (;;) {
      yield* isNotified ? Queue.take(notifications) : Effect.timeoutOption(Queue.take(notifications), followMs)
      yield* look
    }
  })
).pipe(
  Command.withDescription("The history of an entity, row by row: one accepted command and the events that came of it"),
  Command.withShortDescription("The history of an entity"),
  Command.withExamples([
    { command: "halles events eu_x --from 2 --to 5" },
    { command: "halles events Sku/eu_TEA-01 --follow" }
  ])
)

const diff = Command.make(
  "diff",
  {
    id: oneId,
    from: Flag.Int("from").pipe(Flag.withDescription("Seq")),
    to: Flag.Int("to").pipe(Flag.withDescription("Seq")),
    output
  },
  ({ from, id, output, to }) =>
    Effect.gen(function* () {
      const items = yield* Effect.forEach(yield* refsOf(id), (ref) =>
        Effect.gen(function* () {
          const before = yield* stateOf(ref, { seq: from })
          const after = yield* stateOf(ref, { seq: to })
          return difference(masked(before.now.view), masked(after.now.view)).map((change) => ({
            entity: nameOf(ref),
            ...change
          }))
        })
      )
      yield* printList(output, items.flat(), ["entity", "path", "before", "after"], (item) => String(item["entity"]))
    })
).pipe(
  Command.withDescription("What changed in an entity between two seqs"),
  Command.withExamples([{ command: "halles diff eu_x --from 1 --to 4" }])
)

const timers = Command.make("timers", { ids: ids, output }, ({ ids, output }) =>
  Effect.gen(function* () {
    const databases = yield* RegionDatabases
    const items = yield* Effect.forEach(yield* refs(ids), ({ id, type }) =>
      Effect.map(
        databases.of(regionOf(id) as Region)<{ at: number }>`
          SELECT (extract(epoch FROM due_at) * 1000)::double precision AS at FROM timer
          WHERE entity_type = ${type} AND entity_id = ${id}`,
        (rows) =>
          rows.map(({ at }) => ({
            entity: `${type}/${id}`,
            due: clockTime(at),
            overdueMs: Math.max(0, Math.round(Date.now() - at))
          }))
      )
    )
    yield* printList(output, items.flat(), ["entity", "due", "overdueMs"], (item) => String(item["entity"]))
  })
).pipe(
  Command.withDescription("When the timer of an entity fires next"),
  Command.withExamples([{ command: "halles timers eu_x" }])
)

export const entityCommands = [whoOwns, get, events, diff, timers] as const
