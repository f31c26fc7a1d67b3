import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Console, Effect, Exit, Logger, Option, Runtime } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import { writeFileSync } from "node:fs"

export const json = Flag.String("json").pipe(Flag.withDescription("File that gets the last line too"), Flag.optional)

/** Ends a proof: the last line of stdout, which a file may get too, with more in it; the exit code is 0 only if `ok`. */
export const end = Effect.fnUntraced(function* (
  summary: object,
  ok: boolean,
  file: Option.Option<string> = Option.none(),
  more: object = {}
) {
  yield* Console.log(JSON.stringify(summary))
  yield* Effect.sync(() => {
    if (Option.isSome(file)) writeFileSync(file.value, `${JSON.stringify({ ...summary, ...more })}\n`)
    process.exitCode = ok ? 0 : 1
  })
})

/** One line of what went wrong, on stderr; a fault of ours with its trace. The command line's own errors are shown already. */
const explain = (name: string, hint: (error: unknown) => string) => (cause: Cause.Cause<unknown>) => {
  const error = Cause.squash(cause)
  if (CliError.isCliError(error) || Cause.hasInterruptsOnly(cause)) return Effect.void
  if (Cause.hasDies(cause)) return Console.error(Cause.pretty(cause))
  return Console.error(`${name}: ${error instanceof Error ? error.message : String(error)}${hint(error)}`)
}

/** The whole of a proof's program. `hint` says what helps against a failure. */
export const run = <Name extends string, Input, ContextInput, E>(
  command: Command.Command<Name, Input, ContextInput, E, NodeServices.NodeServices>,
  hint: (error: unknown) => string = () => ""
): void =>
  Command.run(command, { version: "0.1.0" }).pipe(
    Effect.tapCause(explain(command.name, hint)),
    Effect.provide([NodeServices.layer, Logger.layer([])]),
    NodeRuntime.runMain({
      disableErrorReporting: true,
      teardown: (exit, onExit) =>
        Exit.isSuccess(exit) ? onExit(Number(process.exitCode ?? 0)) : Runtime.defaultTeardown(exit, onExit)
    })
  )
