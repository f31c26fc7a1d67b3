import { enableCompileCache, registerHooks } from "node:module"
import { parentPort, workerData } from "node:worker_threads"
import { hooks } from "./mutants/Mutation.ts"
import type { Scene } from "./mutants/Mutant.ts"
import type { Task, Work } from "./Pool.ts"
import type { Outcome } from "./Seed.ts"

const { mutant }: Work = workerData

// Nobody reads stacks here, and refusals are many.
Error.stackTraceLimit = 0
enableCompileCache(new URL("../../../../.halles/compile-cache", import.meta.url).pathname)
if (mutant !== null) registerHooks(hooks(mutant))

type Running = import("effect").Effect.Effect<ReadonlyArray<string>, unknown>

const scenes = {
  check: () => import("./TwoOwners.ts"),
  messages: () => import("./Messages.ts"),
  oversize: () => import("./Oversize.ts")
} satisfies Record<Scene, () => Promise<unknown>>

/** Only now, so that the mutant is in what is loaded. */
const perform = async (task: Task): Promise<ReadonlyArray<Pick<Outcome, "violations">>> => {
  if (typeof task === "string") {
    const { Effect } = await import("effect")
    const { run }: { readonly run: Running } = await scenes[task]()
    return [{ violations: await Effect.runPromise(run) }]
  }
  const Seed = await import("./Seed.ts")
  return Array.from({ length: task.to - task.from + 1 }, (_, index) => Seed.run(task.from + index, null))
}
parentPort!.on("message", (task: Task) => {
  void perform(task).then((outcomes) => parentPort!.postMessage(outcomes))
})
