import { Console, Effect, Schema } from "effect"
import { ChildProcess } from "effect/process"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Parts, prover } from "../Environment.ts"
import { root } from "../Layout.ts"

/** What `npm run check` says last. */
const Summary = Schema.fromJsonString(
  Schema.Struct({ ok: Schema.Boolean, violations: Schema.Int, violated: Schema.Array(Schema.String) })
)
const decode = Schema.decodeUnknownEffect(Summary)

/** How long it waits for sagas, and after what silence an unfinished one is a violation. */
const patience = ["--settle", "10", "--grace", "15"]

/**
 * Runs the check program against a cluster, with commands that were acknowledged; prints what it prints when something is wrong.
 * The list of commands stays in the cluster's directory, to be looked at afterwards.
 */
export const check = Effect.fn("CheckProgram.check")(function* (
  parts: Parts,
  acknowledged: ReadonlyArray<{ readonly type: string; readonly id: string; readonly commandId: string }>
) {
  const file = join(parts.layout.directory, "acknowledged.jsonl")
  writeFileSync(file, acknowledged.map((one) => `${JSON.stringify(one)}\n`).join(""))
  const spawner = yield* ChildProcessSpawner
  const args = [join(root, "infra", "src", "programs", "check.ts"), "--acknowledged", file, ...patience]
  const printed = yield* spawner.lines(
    ChildProcess.make(process.execPath, args, { cwd: root, env: prover(parts), extendEnv: false, stdin: "ignore" })
  )
  const summary = yield* decode(printed.at(-1))
  if (!summary.ok) yield* Console.log(printed.join("\n"))
  return summary
})
