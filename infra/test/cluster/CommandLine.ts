import { Effect } from "effect"
import { ChildProcess } from "effect/process"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { spawn } from "node:child_process"
import { join } from "node:path"
import { Cluster } from "../../src/cluster/Cluster.ts"
import { nodeEnvironment } from "../../src/cluster/Processes.ts"
import * as Layout from "../../src/Layout.ts"

/** What the entity inspector prints. */
export const inspect = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
  const { clientEnvironment } = yield* Cluster
  const spawner = yield* ChildProcessSpawner
  const program = ChildProcess.make(
    process.execPath,
    [join(Layout.root, "packages/operations/src/halles.ts"), ...args],
    {
      env: { ...clientEnvironment, ...nodeEnvironment },
      stdin: "ignore"
    }
  )
  return (yield* spawner.string(program)).trim()
})

/** The command line as somebody uses it who has no token of our own tools. */
export const operate = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
  const { clientEnvironment } = yield* Cluster
  const { HALLES_ADMIN_TOKEN: _, ...env } = clientEnvironment
  const options = {
    env: { ...env, ...nodeEnvironment },
    stdio: ["ignore", "pipe", "pipe"] as ["ignore", "pipe", "pipe"]
  }
  const child = spawn(process.execPath, [join(Layout.root, "packages/operations/src/halles.ts"), ...args], options)
  const said = { out: "", error: "" }
  child.stdout.on("data", (chunk: Buffer) => (said.out += chunk.toString()))
  child.stderr.on("data", (chunk: Buffer) => (said.error += chunk.toString()))
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve))
  return { said, ended: Effect.promise(async () => ({ code: await ended, ...said })) }
})
export const operated = (...args: ReadonlyArray<string>) => Effect.flatMap(operate(...args), ({ ended }) => ended)

/** What was printed as JSON, a line each. */
export const lines = (text: string) => text.split("\n").map((line) => JSON.parse(line))
