import { models } from "@halles/entities/Domains"
import { regions } from "@halles/shared/Region"
import { Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { clockTime, output, printList } from "./Output.ts"
import { masked } from "@halles/entities/inspector/Masked"
import { BadExpression, where } from "@halles/entities/inspector/Where"
import { search } from "@halles/entities/inspector/Search"

/** Entities that are shown unless more are asked for. */
const limitDefault = 100
const regionFlag = Flag.Literals("region", regions).pipe(Flag.withDescription("One region only"), Flag.optional)

export const list = Command.make(
  "list",
  {
    type: Argument.Literals("type", [...models.keys()]).pipe(Argument.withDescription("The entity type")),
    where: Flag.String("where").pipe(
      Flag.withDescription('Conditions on the state, such as "status=confirmed and lines.*.sku=TEA-01"'),
      Flag.mapTryCatch(where, (cause) => (cause instanceof BadExpression ? cause.message : String(cause))),
      Flag.optional
    ),
    region: regionFlag,
    limit: Flag.Int("limit").pipe(
      Flag.withDescription("Entities of one region at the most"),
      Flag.withDefault(limitDefault)
    ),
    output
  },
  ({ limit, output, region, type, where }) =>
    Effect.gen(function* () {
      const fits = Option.getOrElse(where, () => () => true)
      const wanted = Option.match(region, { onNone: () => regions, onSome: (one) => [one] })
      const found = (yield* Effect.forEach(wanted, (one) => search(one, type, fits, limit))).flat()
      const items = found.map(({ at, id, now }) => ({
        entity: `${type}/${id}`,
        seq: now.seq,
        changed: clockTime(at),
        pendingStep: now.pendingStep,
        state: masked(now.view)
      }))
      yield* printList(output, items, ["entity", "seq", "changed", "pendingStep", "state"], (item) =>
        String(item["entity"])
      )
      if (output === "table" && found.length >= limit)
        yield* Console.error(`Stopped at ${limit} a region; --limit shows more.`)
    })
).pipe(
  Command.withDescription(
    "Entities of a type whose state fulfils conditions. It follows their histories, so it takes its time on a large journal"
  ),
  Command.withShortDescription("Entities whose state fulfils conditions"),
  Command.withExamples([
    { command: 'halles list Order --where "status=cancelled"' },
    { command: 'halles list Cart --where "lines.*.sku=TEA-01 and status=open" -o ids' }
  ])
)
