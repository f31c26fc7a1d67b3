import { whenOf } from "@halles/entities/inspector/Histories"
import { BadCommand, whatIf as decided } from "@halles/entities/inspector/WhatIf"
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { at, oneId } from "./EntityCommands.ts"
import { clockTime, output, table } from "./Output.ts"

export const whatIf = Command.make(
  "what-if",
  {
    id: oneId,
    at,
    command: Flag.String("command").pipe(
      Flag.withDescription('JSON, such as {"_tag":"Hold","orderId":"eu_x","quantity":5,"ttlMs":60000}')
    ),
    output
  },
  ({ at, command, id, output }) =>
    Effect.gen(function* () {
      const when = yield* whenOf(Option.getOrUndefined(at))
      const given = yield* Effect.try({
        try: (): unknown => JSON.parse(command),
        catch: (cause) => new BadCommand({ reason: String(cause) })
      })
      const { timerAt, ...would } = yield* decided(id, when, given)
      const answer = { ...would, timerAt: timerAt === null ? null : clockTime(timerAt) }
      if (output !== "table") return yield* Console.log(JSON.stringify(answer))
      yield* Console.log(`${answer.entity} at seq ${answer.seq}: nothing is written, nothing is sent.`)
      if (answer.events === null) return yield* Console.log(`It would be refused: ${JSON.stringify(answer.refused)}`)
      yield* Console.log(`It would record ${answer.events.length} events:`)
      for (const event of answer.events) yield* Console.log(`  ${JSON.stringify(event)}`)
      if (answer.changes.length > 0)
        yield* Console.log(
          table(
            answer.changes.map((change) => ({ ...change })),
            ["path", "before", "after"]
          )
        )
      yield* Console.log(`Its pending step would then be: ${answer.pendingStep ?? "none"}.`)
    })
).pipe(
  Command.withDescription(
    "What a command would do: decided and applied by the entity's own pure functions, here and nowhere else"
  ),
  Command.withShortDescription("What a command would do, without doing it"),
  Command.withExamples([
    { command: `halles what-if Sku/eu_TEA-01 --command '{"_tag":"Hold","orderId":"eu_x","quantity":5,"ttlMs":60000}'` }
  ])
)
