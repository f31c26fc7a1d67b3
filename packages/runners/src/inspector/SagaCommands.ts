import { RegionDatabases } from "@halles/entities/Reads"
import { regions } from "@halles/shared/Region"
import { Console, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { oneId } from "./EntityCommands.ts"
import { nameOf, refsOf, rowsOf, stateOf } from "./Histories.ts"
import { clockTime, duration, output, printList, table } from "./Output.ts"

/** Entities that may owe a message to another party. */
const processManagers = ["Order", "Payment", "Shipment", "Cart"]

/** An unfinished saga has a timer that drives it again: who has one is looked at, who owes nothing is left out. */
const unfinished = Effect.fn("SagaCommands.unfinished")(function* (limit: number) {
  const databases = yield* RegionDatabases
  const found = yield* Effect.forEach(
    regions,
    (region) =>
      databases.of(region)<{ type: string; id: string; due: number }>`
      SELECT entity_type AS type, entity_id AS id, (extract(epoch FROM due_at) * 1000)::double precision AS due
      FROM timer WHERE entity_type = ANY(${processManagers}::text[]) ORDER BY due_at LIMIT ${limit}`
  )
  const looked = yield* Effect.forEach(found.flat(), ({ due, id, type }) =>
    Effect.map(stateOf({ type, id }, "now"), ({ at, now }) => ({
      type,
      id,
      due,
      owes: now.owes,
      at: at ?? 0,
      seq: now.seq
    }))
  )
  // Stuck ones first: those that have not moved for the longest time.
  return looked.filter(({ owes }) => owes !== null).toSorted((a, b) => a.at - b.at)
})

const list = Command.make(
  "list",
  {
    limit: Flag.Int("limit").pipe(
      Flag.withDescription("Entities that are looked at in each region"),
      Flag.withDefault(1_000)
    ),
    output
  },
  ({ limit, output }) =>
    Effect.gen(function* () {
      const now = Date.now()
      const items = (yield* unfinished(limit)).map(({ at, due, id, owes, seq, type }) => ({
        entity: `${type}/${id}`,
        step: owes,
        still: duration(now - at),
        since: clockTime(at),
        nextTry: clockTime(due),
        seq
      }))
      yield* printList(output, items, ["entity", "step", "still", "since", "nextTry", "seq"], (item) =>
        String(item["entity"])
      )
      if (output === "table" && items.length === 0) yield* Console.error("Every saga is completed or compensated.")
    })
).pipe(
  Command.withDescription("Sagas that owe a message, those that have not moved for the longest time first"),
  Command.withExamples([{ command: "halles saga list" }])
)

const show = Command.make("show", { id: oneId, output }, ({ id, output }) =>
  Effect.gen(function* () {
    const refs = (yield* refsOf(id)).filter(({ type }) => processManagers.includes(type))
    const rows = (yield* Effect.forEach(refs, (ref) => rowsOf(ref, {}))).flat().toSorted((a, b) => a.at - b.at)
    const items = rows.map((row, index) => ({
      at: clockTime(row.at),
      took: index === 0 ? "" : duration(row.at - rows[index - 1]!.at),
      entity: nameOf(row),
      seq: row.seq,
      step: row.events.map(({ _tag }) => _tag).join(" "),
      command: row.commandId
    }))
    yield* printList(output, items, ["at", "took", "entity", "seq", "step", "command"], (item) =>
      String(item["entity"])
    )
    if (output !== "table") return
    const owed = yield* Effect.forEach(refs, (ref) =>
      Effect.map(stateOf(ref, "now"), ({ now }) => ({ entity: nameOf(ref), owes: now.owes ?? "nothing" }))
    )
    yield* Console.log(`\n${table(owed, ["entity", "owes"])}`)
  })
).pipe(
  Command.withDescription(
    "The steps of a saga with their times, over order, payment and shipment, and what is still owed"
  ),
  Command.withExamples([{ command: "halles saga show eu_x" }])
)

export const saga = Command.make("saga").pipe(
  Command.withDescription("Look at sagas: what they have done, and what they still owe"),
  Command.withSubcommands([list, show])
)
