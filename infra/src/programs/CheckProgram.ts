import { Console, Effect, Schema } from "effect"
import { ChildProcess } from "effect/process"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { join } from "node:path"
import { root } from "../Layout.ts"

/** What `npm run check` says last. */
const Summary = Schema.fromJsonString(
  Schema.Struct({ ok: Schema.Boolean, violations: Schema.Int, violated: Schema.Array(Schema.String) })
)
const decode = Schema.decodeUnknownEffect(Summary)

const defaults = {
  /** How long it waits for sagas. */
  settleSeconds: 10,
  /** After what silence an unfinished one is a violation. */
  graceSeconds: 15
}

/** Runs the check program against the cluster, with what was acknowledged; prints what it prints when something is wrong. */
export const check = Effect.fn("CheckProgram.check")(function* (
  environment: Record<string, string>,
  acknowledged: string,
  options: Partial<typeof defaults> = {}
) {
  const { graceSeconds, settleSeconds } = { ...defaults, ...options }
  const spawner = yield* ChildProcessSpawner
  const flags = ["--acknowledged", acknowledged, "--settle", String(settleSeconds), "--grace", String(graceSeconds)]
  const args = [join(root, "infra", "src", "programs", "check.ts"), ...flags]
  const printed = yield* spawner.lines(
    ChildProcess.make(process.execPath, args, { cwd: root, env: environment, extendEnv: false, stdin: "ignore" })
  )
  const summary = yield* decode(printed.at(-1))
  if (!summary.ok) yield* Console.log(printed.join("\n"))
  return summary
})
