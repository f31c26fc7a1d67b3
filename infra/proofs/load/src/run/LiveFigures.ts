import type { Clock } from "effect"
import { nowMs } from "../workload/Generator.ts"
import { Latencies } from "../report/Latencies.ts"
import { isFailed, samplesOf } from "../workload/Samples.ts"
import type { Heard } from "./Threads.ts"

/** Tells, each time it is asked, how a run has gone since the last time. */
export const liveFigures = (heard: Heard, clock: Clock.Clock, startMs: number, lengthMs: number): (() => string) => {
  let seen = 0
  let lastMs = startMs
  return () => {
    const news = heard.batches.slice(seen)
    const now = nowMs(clock)
    const seconds = (now - lastMs) / 1000
    seen = heard.batches.length
    lastMs = now
    const latencies = new Latencies(2)
    let operations = 0
    let failed = 0
    for (const { endedMs, intendedMs, kind, outcome } of samplesOf(news)) {
      if (kind > 0) continue
      operations += 1
      if (isFailed(outcome)) failed += 1
      else latencies.record(endedMs - intendedMs)
    }
    const at = `${Math.max(0, (now - startMs) / 1000).toFixed(0)}/${(lengthMs / 1000).toFixed(0)} s`
    const trouble = failed === 0 ? "" : `  ${failed} FAILED`
    const figures = `p50 ${latencies.at(50).toFixed(1)} ms  p99 ${latencies.at(99).toFixed(1)} ms`
    return `${at}  ${(operations / seconds).toFixed(0)} ops/s  ${figures}${trouble}`
  }
}
