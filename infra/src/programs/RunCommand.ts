import { Effect } from "effect"
import { spawn } from "node:child_process"
import { CommandFailed } from "../InfraErrors.ts"

/** What a program that runs to its end is given. */
export interface RunOptions {
  readonly cwd?: string
  readonly env?: Record<string, string>
}

/** Runs a program to its end and gives what it printed; fails with its output if it ends badly. */
export const output = (
  command: string,
  args: ReadonlyArray<string>,
  options: RunOptions = {}
): Effect.Effect<string, CommandFailed> =>
  Effect.callback((resume) => {
    const child = spawn(command, args, {
      ...options,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let printed = ""
    let complained = ""
    const failed = (code: number | null, output: string) =>
      resume(Effect.fail(new CommandFailed({ command: [command, ...args].join(" "), code, output })))
    child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text))
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complained += text))
    child.on("error", (error) => failed(null, error.message))
    child.on("close", (code) => (code === 0 ? resume(Effect.succeed(printed)) : failed(code, complained || printed)))
    return Effect.sync(() => child.kill("SIGTERM"))
  })

/** Runs a program in the foreground with exactly this environment and gives its exit code; a signal that we get goes to it. */
export const foreground = (
  command: string,
  args: ReadonlyArray<string>,
  options: RunOptions
): Effect.Effect<number, CommandFailed> =>
  Effect.callback((resume) => {
    const child = spawn(command, args, { ...options, stdio: "inherit" })
    child.on("error", (error) => resume(Effect.fail(new CommandFailed({ command, code: null, output: error.message }))))
    child.on("exit", (code) => resume(Effect.succeed(code ?? 1)))
    return Effect.callback<void>((done) => {
      child.once("exit", () => done(Effect.void))
      if (!child.kill("SIGTERM")) done(Effect.void)
    })
  })
