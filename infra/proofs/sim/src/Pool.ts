import { Effect, Schema } from "effect"
import { setFlagsFromString } from "node:v8"
import { Worker } from "node:worker_threads"
import type { Mutant, Scene } from "./mutants/Mutant.ts"
import type { Outcome } from "./Seed.ts"

/** What a worker is told when it starts. */
export interface Work {
  readonly mutant: Mutant | null
}
/** The seeds of one task, both ends with them. */
export interface Seeds {
  readonly from: number
  readonly to: number
}
/** What it is asked to do then; it reports when the task is done. */
export type Task = Scene | Seeds
const seedsMax = 20

/** All of these seeds as tasks of at most `seedsMax`, in their order. */
export const inParts = ({ from, to }: Seeds): ReadonlyArray<Seeds> =>
  Array.from({ length: Math.ceil((to - from + 1) / seedsMax) }, (_, part) => ({
    from: from + part * seedsMax,
    to: Math.min(to, from + (part + 1) * seedsMax - 1)
  }))

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

/** What is added up over seeds; `hash` tells whether two runs of the same seeds went the same way. */
const counted = [
  "steps",
  "rows",
  "orders",
  "crashes",
  "doubleOwners",
  "freezes",
  "drops",
  "duplicates",
  "hash"
] as const
export type Sums = Record<(typeof counted)[number] | "seeds" | "violations", number>
export const none = (): Sums => ({
  seeds: 0,
  ...(Object.fromEntries(counted.map((name) => [name, 0])) as Record<(typeof counted)[number], number>),
  violations: 0
})

/** A worker could not load or threw: that is no verdict over a seed. */
export class WorkerFailed extends Schema.TaggedError<WorkerFailed>()("WorkerFailed", { cause: Schema.Defect() }) {}

/** Runs seeds on worker threads until all are done, or until one breaks a law if `stops`. Gives the seeds that did. */
export const run = (options: {
  readonly seeds: ReadonlyArray<Seeds>
  readonly workers: number
  readonly mutant: Mutant | null
  readonly stops: boolean
  readonly sums: Sums
}): Effect.Effect<ReadonlyArray<Outcome>, WorkerFailed> =>
  Effect.callback((resume) => {
    const { mutant, seeds, stops, sums } = options
    const broken: Array<Outcome> = []
    let given = 0
    let isOver = false
    const end = (effect: Effect.Effect<ReadonlyArray<Outcome>, WorkerFailed>) => {
      if (isOver) return
      isOver = true
      for (const worker of workers) void worker.terminate()
      resume(effect)
    }
    const busy = new Set<Worker>()
    const give = (worker: Worker) => {
      const next = seeds[given]
      if (next === undefined || (stops && broken.length > 0)) {
        busy.delete(worker)
        if (busy.size === 0) end(Effect.succeed(broken))
        return
      }
      busy.add(worker)
      worker.postMessage(next satisfies Task)
      given += 1
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
  for (const name of counted) sums[name] += outcome[name]
  sums.hash >>>= 0
  sums.seeds += 1
  sums.violations += outcome.violations.length
}
