import { enableCompileCache, registerHooks } from "node:module"
import { parentPort, workerData } from "node:worker_threads"
import { hooks } from "./Mutation.ts"
import type { Work } from "./Pool.ts"
import type { Outcome } from "./Seed.ts"

const { mutant }: Work = workerData

// Nothing here follows async resources, for which every fiber would make an object each time it waits, and nobody reads
// stacks. Both must stand before Effect is loaded.
const builtin = process.getBuiltinModule.bind(process)
process.getBuiltinModule = ((id: string) => (id === "node:async_hooks" ? undefined : builtin(id))) as typeof builtin
Error.stackTraceLimit = 0
enableCompileCache(new URL("../../../.halles/compile-cache", import.meta.url).pathname)
if (mutant !== null) registerHooks(hooks(mutant))

const { run } = await import("./Seed.ts")

parentPort!.on("message", ({ from, to }: { readonly from: number; readonly to: number }) => {
  const outcomes: Array<Outcome> = []
  for (let seed = from; seed <= to; seed += 1) outcomes.push(run(seed, null))
  parentPort!.postMessage(outcomes)
})
