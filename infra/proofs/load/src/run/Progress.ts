import { Clock, Effect } from "effect"
import { nowMs } from "../workload/Generator.ts"
import { Latencies } from "../report/Latencies.ts"
import { type Batch, isFailed, samplesOf } from "../workload/Samples.ts"
import type { Heard } from "./Threads.ts"

export const say = (line: string) => Effect.sync(() => void process.stderr.write(`load: ${line}\n`))

/** Shows on stderr how a run goes, from when it begins until it is interrupted. */
export interface Progress {
  readonly show: (heard: Heard, startMs: number, lengthMs: number) => Effect.Effect<never>
  readonly end: Effect.Effect<void>
}

const line = (news: ReadonlyArray<Batch>, seconds: number, ofSeconds: number, spanSeconds: number): string => {
  const latencies = new Latencies(2)
  let operations = 0
  let failed = 0
  for (const { endedMs, intendedMs, kind, outcome } of samplesOf(news)) {
    if (kind > 0) continue
    operations += 1
    if (isFailed(outcome)) failed += 1
    else latencies.record(endedMs - intendedMs)
  }
  const rate = (operations / spanSeconds).toFixed(0)
  const trouble = failed === 0 ? "" : `  ${failed} FAILED`
  const at = `${Math.max(0, seconds).toFixed(0)}/${ofSeconds.toFixed(0)} s`
  return `${at}  ${rate} ops/s  p50 ${latencies.at(50).toFixed(1)} ms  p99 ${latencies.at(99).toFixed(1)} ms${trouble}`
}

/** One line: on a terminal it changes every second, elsewhere there is a new one every five. */
export const progress = (): Progress => {
  const terminal = process.stderr.isTTY === true
  const everySeconds = terminal ? 1 : 5
  return {
    show: (heard, startMs, lengthMs) =>
      Effect.gen(function* () {
        const clock = yield* Clock.Clock
        let seen = 0
        while (true) {
          yield* Effect.sleep(everySeconds * 1000)
          const news = heard.batches.slice(seen)
          seen = heard.batches.length
          const text = line(news, (nowMs(clock) - startMs) / 1000, lengthMs / 1000, everySeconds)
          process.stderr.write(terminal ? `\r\u001b[2Kload: ${text}` : `load: ${text}\n`)
        }
      }),
    end: Effect.sync(() => void (terminal && process.stderr.write("\n")))
  }
}
