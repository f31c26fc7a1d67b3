import type { Acknowledged } from "@halles/harness/Books"
import { Deferred, Effect, Schema } from "effect"
import { Worker } from "node:worker_threads"
import { type Batch, samplesMax } from "../workload/Samples.ts"
import type { Report, Start, Work } from "./Work.ts"

/** A thread could not begin or threw: there is no result. */
export class ThreadFailed extends Schema.TaggedError<ThreadFailed>()("ThreadFailed", { cause: Schema.Defect() }) {
  override get message(): string {
    return `a generator thread failed: ${String(this.cause)}`
  }
}
export class TooManySamples extends Schema.TaggedError<TooManySamples>()("TooManySamples", {}) {
  override get message(): string {
    return `more than ${samplesMax} samples: run for a shorter time or at a lower rate`
  }
}

/** All that the threads have said so far. */
export interface Heard {
  readonly batches: Array<Batch>
  readonly acknowledged: Array<Acknowledged>
  heldBack: number
  /** Of the busiest thread: the share of its time in which it was at work. */
  utilization: number
}

const startedWithinMs = 30_000

/** Threads that are connected and wait to begin; they end with the scope. */
export const threads = Effect.fnUntraced(function* (works: ReadonlyArray<Work>) {
  const heard: Heard = { batches: [], acknowledged: [], heldBack: 0, utilization: 0 }
  const failed = yield* Deferred.make<never, ThreadFailed | TooManySamples>()
  const ended = yield* Deferred.make<void>()
  const ready = yield* Deferred.make<void>()
  let samples = 0
  let waiting = works.length
  let running = works.length
  const hear = (report: Report) => {
    switch (report._tag) {
      case "Ready":
        waiting -= 1
        if (waiting === 0) Deferred.doneUnsafe(ready, Effect.void)
        return
      case "Batch":
        heard.batches.push(report.batch)
        for (const one of report.acknowledged) heard.acknowledged.push(one)
        samples += report.batch.kinds.length
        if (samples > samplesMax) Deferred.doneUnsafe(failed, Effect.fail(new TooManySamples()))
        return
      case "Done":
        heard.heldBack += report.heldBack
        heard.utilization = Math.max(heard.utilization, report.utilization)
        running -= 1
        if (running === 0) Deferred.doneUnsafe(ended, Effect.void)
    }
  }
  const workers = yield* Effect.forEach(works, (work) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const worker = new Worker(new URL("worker.ts", import.meta.url), {
          workerData: work,
          execArgv: ["--import", new URL("../../../../preload.mjs", import.meta.url).href],
          resourceLimits: { maxYoungGenerationSizeMb: 64 }
        })
        worker.on("message", hear)
        worker.on("error", (cause) => Deferred.doneUnsafe(failed, Effect.fail(new ThreadFailed({ cause }))))
        return worker
      }),
      (worker) => Effect.promise(() => worker.terminate())
    )
  )
  yield* Effect.raceFirst(Deferred.await(ready), Deferred.await(failed)).pipe(
    Effect.timeoutOrElse({
      duration: startedWithinMs,
      orElse: () => Effect.fail(new ThreadFailed({ cause: `not ready after ${startedWithinMs / 1000} s` }))
    })
  )
  return {
    heard,
    /** Begins all of them at that moment; ends when the last operation has. */
    run: (startMs: number) =>
      Effect.suspend(() => {
        for (const worker of workers) worker.postMessage({ startMs } satisfies Start)
        return Effect.raceFirst(Deferred.await(ended), Deferred.await(failed))
      })
  }
})
