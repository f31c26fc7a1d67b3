import { root } from "@halles/infra/Layout"
import { Console, Effect, Schema } from "effect"
import { ChildProcess } from "effect/process"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { join } from "node:path"

/** What `npm run check` says last. */
const Summary = Schema.fromJsonString(Schema.Struct({ ok: Schema.Boolean, violations: Schema.Int }))
const decode = Schema.decodeUnknownEffect(Summary)

/** Of the check program: how long it waits for sagas, and after what silence an unfinished one is a violation. */
const settleSeconds = 10
const graceSeconds = 15

/** Runs the check program against the cluster, with what was acknowledged; prints what it prints when something is wrong. */
export const check = Effect.fn("Check.check")(function* (environment: Record<string, string>, acknowledged: string) {
  const spawner = yield* ChildProcessSpawner
  const flags = ["--acknowledged", acknowledged, "--settle", String(settleSeconds), "--grace", String(graceSeconds)]
  const args = [join(root, "infra", "src", "check.ts"), ...flags]
  const printed = yield* spawner.lines(
    ChildProcess.make(process.execPath, args, { cwd: root, env: environment, extendEnv: false, stdin: "ignore" })
  )
  const summary = yield* decode(printed.at(-1))
  if (!summary.ok) yield* Console.log(printed.join("\n"))
  return summary
})
