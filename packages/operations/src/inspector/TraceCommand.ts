import { traced } from "@halles/entities/inspector/Trace"
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { printRows } from "./EntityCommands.ts"
import { output } from "./Output.ts"

export const trace = Command.make(
  "trace",
  {
    id: Argument.String("id").pipe(Argument.withDescription("The id of a cart or an order, or a command of it")),
    output
  },
  ({ id, output }) => Effect.flatMap(traced(id), (rows) => printRows(output, rows))
).pipe(
  Command.withDescription("What one customer action caused across entities, in the order of commits"),
  Command.withExamples([
    { command: "halles trace eu_x" },
    { command: "halles trace eu_x:hold", description: "the action that a command belongs to" }
  ])
)
