import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A folder that goes with its scope. */
export const folder = (name: string) =>
  Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), `halles-${name}-`))),
    (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
  )

interface Options<E> {
  readonly program: string
  readonly args: ReadonlyArray<string>
  /** What it prints once it accepts connections. */
  readonly isReady: RegExp
  readonly failed: (cause: unknown) => E
}

/** A server that a test may kill and start again; it runs, and ends with the scope. */
export const make = Effect.fnUntraced(function* <E>({ args, failed, isReady, program }: Options<E>) {
  let child: ChildProcess | undefined
  const start = Effect.tryPromise({
    try: async () => {
      child = await started(program, args, isReady)
    },
    catch: failed
  })
  const kill = Effect.promise(async () => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null) return
    const exit = new Promise((resolve) => running.once("exit", resolve))
    running.kill("SIGKILL")
    await exit
  })
  yield* Effect.acquireRelease(start, () => kill)
  return { start, kill, send: (signal: NodeJS.Signals) => Effect.sync(() => void child?.kill(signal)) }
})

const started = (program: string, args: ReadonlyArray<string>, isReady: RegExp): Promise<ChildProcess> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    child.once("error", reject)
    child.once("exit", (code) => reject(new Error(`${program} ended with ${code}: ${output}`)))
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-10_000)
        if (isReady.test(output)) resolve(child)
      })
    }
  })
