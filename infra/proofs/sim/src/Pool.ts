import { Effect, Schema } from "effect"
import { setFlagsFromString } from "node:v8"
import { Worker } from "node:worker_threads"
import type { Mutant } from "./MutantList.ts"
import type { Outcome } from "./Seed.ts"

/** What a worker is told when it starts. */
export interface Work {
  readonly mutant: Mutant | null
}
/** A scene on real servers: two runners that write to one shard, and what `npm run check` then finds; or what is too large. */
export type Scene = "check" | "oversize"
/** What it is asked to do then: a scene, or seeds. */
export type Task = Scene | { readonly from: number; readonly to: number }
/** Seeds that a worker runs before it reports. */
const chunk = 20

// Compiles each function when it is first called: a seed calls many functions, most of them a few times.
setFlagsFromString("--always-sparkplug")

const start = (mutant: Mutant | null): Worker => {
  const work: Work = { mutant }
  return new Worker(new URL("worker.ts", import.meta.url), {
    workerData: work,
    execArgv: ["--import", new URL("../../../preload.mjs", import.meta.url).href],
    resourceLimits: { maxYoungGenerationSizeMb: 128 }
  })
}

/** What is wrong in a scene. */
export const play = (scene: Scene, mutant: Mutant | null): Effect.Effect<ReadonlyArray<string>, WorkerFailed> =>
  Effect.callback((resume) => {
    const worker = start(mutant)
    worker.on("message", ([outcome]: ReadonlyArray<Pick<Outcome, "violations">>) => {
      resume(Effect.succeed(outcome!.violations))
      void worker.terminate()
    })
    worker.on("error", (cause) => resume(Effect.fail(new WorkerFailed({ cause }))))
    worker.postMessage(scene satisfies Task)
    return Effect.sync(() => void worker.terminate())
  })

/** Sums over seeds; `hash` tells whether two runs of the same seeds went the same way. */
export interface Sums {
  seeds: number
  steps: number
  rows: number
  orders: number
  crashes: number
  doubleOwners: number
  freezes: number
  drops: number
  duplicates: number
  violations: number
  hash: number
}
export const none = (): Sums => ({
  seeds: 0,
  steps: 0,
  rows: 0,
  orders: 0,
  crashes: 0,
  doubleOwners: 0,
  freezes: 0,
  drops: 0,
  duplicates: 0,
  violations: 0,
  hash: 0
})

/** A worker could not load or threw: that is no verdict over a seed. */
export class WorkerFailed extends Schema.TaggedError<WorkerFailed>()("WorkerFailed", { cause: Schema.Defect() }) {}

/** Runs seeds on worker threads until all are done, or until one breaks a law if `stops`. Gives the seeds that did. */
export const run = (options: {
  readonly from: number
  readonly to: number
  readonly workers: number
  readonly mutant: Mutant | null
  readonly stops: boolean
  readonly sums: Sums
}): Effect.Effect<ReadonlyArray<Outcome>, WorkerFailed> =>
  Effect.callback((resume) => {
    const { from, mutant, stops, sums, to } = options
    const broken: Array<Outcome> = []
    let next = from
    let isOver = false
    const end = (effect: Effect.Effect<ReadonlyArray<Outcome>, WorkerFailed>) => {
      if (isOver) return
      isOver = true
      for (const worker of workers) void worker.terminate()
      resume(effect)
    }
    const busy = new Set<Worker>()
    const give = (worker: Worker) => {
      if (next > to || (stops && broken.length > 0)) {
        busy.delete(worker)
        if (busy.size === 0) end(Effect.succeed(broken))
        return
      }
      busy.add(worker)
      worker.postMessage({ from: next, to: Math.min(to, next + chunk - 1) } satisfies Task)
      next += chunk
    }
    const take = (outcomes: ReadonlyArray<Outcome>) => {
      for (const outcome of outcomes) {
        add(sums, outcome)
        if (outcome.violations.length > 0) broken.push(outcome)
      }
    }
    const workers = Array.from({ length: options.workers }, () => {
      const worker = start(mutant)
      worker.on("message", (outcomes: ReadonlyArray<Outcome>) => {
        take(outcomes)
        give(worker)
      })
      worker.on("error", (cause) => end(Effect.fail(new WorkerFailed({ cause }))))
      return worker
    })
    for (const worker of workers) give(worker)
    return Effect.sync(() => end(Effect.succeed([])))
  })

const add = (sums: Sums, outcome: Outcome): void => {
  sums.seeds += 1
  sums.steps += outcome.steps
  sums.rows += outcome.rows
  sums.orders += outcome.orders
  sums.crashes += outcome.crashes
  sums.doubleOwners += outcome.doubleOwners
  sums.freezes += outcome.freezes
  sums.drops += outcome.drops
  sums.duplicates += outcome.duplicates
  sums.violations += outcome.violations.length
  sums.hash = (sums.hash + outcome.hash) >>> 0
}
