import { cost } from "./Cost.ts"
import { machine } from "./Machine.ts"
import { cores } from "../run/Resources.ts"
import type { Outcome } from "../run/Run.ts"
import type { Summary } from "./Summary.ts"

const round = (value: number): number => Number(value.toPrecision(5))

/** All that is known of a run, as plain JSON: latencies in milliseconds, times in seconds from the first intended operation. */
export const details = (options: {
  readonly outcome: Outcome
  readonly summary: Summary
  /** What was asked for, in a few words. */
  readonly setting: string
  /** As they were given. */
  readonly objectives: string | null
  readonly pricePerCoreHour: number
}) => {
  const { objectives, outcome, pricePerCoreHour, setting, summary } = options
  const { analysis, impacts, looks, plan, startMs, startedAt, toMs, verdict, violated } = outcome
  const seconds = (ms: number) => round((ms - startMs) / 1000)
  return {
    summary,
    setting,
    objectives,
    machine: machine(),
    startedAt: startedAt.toISOString(),
    warmUpSeconds: plan.warmUpMs / 1000,
    totalSeconds: (toMs - startMs) / 1000,
    all: analysis.all,
    steps: analysis.steps,
    regions: analysis.regions.filter(({ operations }) => operations > 0),
    shards: analysis.shards,
    keys: analysis.keys,
    runners: analysis.runners,
    imbalance: { runners: analysis.runnerImbalance, shards: analysis.shardImbalance },
    seconds: analysis.seconds.map((one) => ({
      ...one,
      p50ms: round(one.p50ms),
      p95ms: round(one.p95ms),
      p99ms: round(one.p99ms),
      maxMs: round(one.maxMs)
    })),
    heat: analysis.heat.map((row) => [...row]),
    histogram: analysis.histogram,
    lag: analysis.lag,
    marks: impacts.map((impact) => ({ ...impact, second: seconds(impact.atMs) })),
    cores: cores(looks)
      .filter(({ atMs }) => atMs >= startMs && atMs <= toMs + 1_000)
      .map(({ atMs, cores }) => ({ second: seconds(atMs), cores: Object.fromEntries(cores) })),
    cost: { ...cost(outcome, pricePerCoreHour), pricePerCoreHour },
    lost: verdict.lost.slice(0, 50),
    duplicated: verdict.duplicated.slice(0, 50),
    violated
  }
}
export type Details = ReturnType<typeof details>
