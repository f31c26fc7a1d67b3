import { refused, stepsOf, unfinished, unknownStep } from "@halles/entities/inspector/Sagas"
import { regionOf } from "@halles/shared/Region"
import { Console, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { sagaChanges } from "../operator/ChangeCommands.ts"
import { oneId } from "./EntityCommands.ts"
import { nameOf, stateOf } from "@halles/entities/inspector/Histories"
import { clockTime, duration, output, printList, table } from "./Output.ts"

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
      const open = (yield* unfinished(limit)).map(({ at, due, id, pendingStep, seq, type }) => ({
        entity: `${type}/${id}`,
        step: pendingStep,
        still: duration(now - at),
        since: clockTime(at),
        nextTry: clockTime(due),
        seq,
        refused: ""
      }))
      const ended = (yield* refused(limit)).map(({ at, id, reason, seq, step }) => ({
        entity: `Order/${id}`,
        step,
        still: duration(now - at),
        since: clockTime(at),
        nextTry: "never",
        seq,
        refused: reason
      }))
      const items = [...open, ...ended]
      yield* printList(output, items, ["entity", "step", "still", "since", "nextTry", "seq", "refused"], (item) =>
        String(item["entity"])
      )
      if (output === "table" && items.length === 0) yield* Console.error("Every saga is completed or compensated.")
    })
).pipe(
  Command.withDescription(
    "Sagas with a pending step, those that have not moved for the longest time first, then those of which a step was refused for good"
  ),
  Command.withExamples([{ command: "halles saga list" }])
)

/** Of a region, among which those of one order are looked for. */
const refusedMax = 1_000

const show = Command.make("show", { id: oneId, output }, ({ id, output }) =>
  Effect.gen(function* () {
    const { refs, rows } = yield* stepsOf(id)
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
    const pendingSteps = yield* Effect.forEach(refs, (ref) =>
      stateOf(ref, "now").pipe(
        Effect.map(({ now }) => ({ entity: nameOf(ref), pendingStep: now.pendingStep ?? "nothing" })),
        Effect.catchTag("HistoryUnreadable", () => Effect.succeed({ entity: nameOf(ref), pendingStep: unknownStep }))
      )
    )
    yield* Console.log(`\n${table(pendingSteps, ["entity", "pendingStep"])}`)
    const ended = (yield* refused(refusedMax, [regionOf(refs[0]!.id)])).filter((one) =>
      refs.some(({ id }) => id === one.id)
    )
    if (ended.length === 0) return
    const steps = ended.map(({ at, reason, step }) => ({ refused: step, since: clockTime(at), reason }))
    yield* Console.log(`\n${table(steps, ["refused", "since", "reason"])}`)
    yield* Console.log(`\nSend one anew, or let it be:
  halles saga retry ${id} --step ${steps[0]!.refused} --reason "…"
  halles saga skip ${id} --step ${steps[0]!.refused} --reason "…"`)
  })
).pipe(
  Command.withDescription(
    "The steps of a saga with their times, over order, payment and shipment, and its pending steps"
  ),
  Command.withExamples([{ command: "halles saga show eu_x" }])
)

export const saga = Command.make("saga").pipe(
  Command.withDescription("Sagas: what they have done, their pending steps, and what operators do about it"),
  Command.withSubcommands([list, show, ...sagaChanges])
)
