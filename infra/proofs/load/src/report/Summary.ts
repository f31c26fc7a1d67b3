import { cost } from "./Cost.ts"
import type { Outcome } from "../run/Run.ts"

/** Beyond this the generator was late by itself: an operation's latency would be the generator's. */
export const lagMsMax = 25
/** Beyond this a generator thread had no time left to be on time. */
export const utilizationMax = 0.9

/** Why the run says nothing about the cluster, or null. */
export const bottleneck = ({
  analysis: { all, lag },
  heldBack,
  plan,
  utilization
}: Pick<Outcome, "analysis" | "heldBack" | "plan" | "utilization">): string | null => {
  if (utilization > utilizationMax) {
    return `a generator thread was busy for ${(100 * utilization).toFixed(0)} % of the time`
  }
  // A closed loop is never late; and with all places taken it was the cluster that operations waited for.
  if (plan.pace._tag === "Closed" || heldBack > 0) return null
  // What it was late by may be a tenth of what is measured.
  return lag.p99ms > Math.max(lagMsMax, all.p99ms / 10)
    ? `the generator itself was ${lag.p99ms.toFixed(0)} ms late (p99)`
    : null
}

/** The last line of stdout. Figures are `null` when the generator was the bottleneck. */
export const summary = (outcome: Outcome, missed: ReadonlyArray<string>, pricePerCoreHour: number) => {
  const { analysis, heldBack, plan, utilization, verdict, violations } = outcome
  const { all, lag, perSecond, refused } = analysis
  const late = bottleneck(outcome)
  const { cpuSecondsPerOperation, operationsPerCore, perMillion, written } = cost(outcome, pricePerCoreHour)
  const figure = (value: number): number | null => (late === null ? Number(value.toFixed(2)) : null)
  const balanced =
    violations === 0 && verdict.lost.length === 0 && verdict.duplicated.length === 0 && verdict.oversold === 0
  return {
    ok: late === null && balanced && missed.length === 0 && all.operations > 0,
    scenario: plan.scenario,
    opsPerSecond: figure(perSecond),
    p50ms: figure(all.p50ms),
    p95ms: figure(all.p95ms),
    p99ms: figure(all.p99ms),
    maxMs: figure(all.maxMs),
    operations: all.operations,
    refused,
    errors: all.failed,
    /** By outcome, but for those that were simply done. */
    codes: all.codes,
    oversold: verdict.oversold,
    lost: verdict.lost.length,
    duplicated: verdict.duplicated.length,
    acknowledged: verdict.acknowledged,
    violations,
    runnerImbalance: Number(analysis.runnerImbalance.toFixed(3)),
    shardImbalance: Number(analysis.shardImbalance.toFixed(3)),
    cpuMicrosPerOperation: figure(cpuSecondsPerOperation * 1e6),
    operationsPerCore: figure(operationsPerCore),
    costPerMillion: figure(perMillion),
    /** Of one operation, with all that runs beside. */
    written,
    disturbances: outcome.impacts.map(
      ({ answeredAgainMs, failed, name, shardsMoved, silentKeys, worstSecondP99ms }) => ({
        name,
        answeredAgainMs: Math.round(answeredAgainMs),
        silentKeys,
        failed,
        worstSecondP99ms: Math.round(worstSecondP99ms),
        shardsMoved
      })
    ),
    generator: {
      lagP99ms: Number(lag.p99ms.toFixed(2)),
      utilization: Number(utilization.toFixed(3)),
      heldBack,
      bottleneck: late
    },
    missed
  }
}
export type Summary = ReturnType<typeof summary>
