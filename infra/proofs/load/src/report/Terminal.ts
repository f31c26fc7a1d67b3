import { table } from "@halles/infra/Table"
import type { Group } from "./Analysis.ts"
import { type Cost, cost } from "./Cost.ts"
import type { Impact } from "./Impact.ts"
import type { Outcome } from "../run/Run.ts"
import { bottleneck } from "./Summary.ts"

const listedMax = 5
const fixed = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(1))

const head = (of: string) => [of, "ops", "p50 ms", "p95 ms", "p99 ms", "max ms", "failed", "other answers"]
const row = ({ codes, failed, maxMs, name, operations, p50ms, p95ms, p99ms }: Group): ReadonlyArray<string> => [
  name,
  String(operations),
  ...[p50ms, p95ms, p99ms, maxMs].map(fixed),
  String(failed),
  Object.entries(codes)
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([code, count]) => `${count} ${code}`)
    .join(", ")
]

const disturbances = (impacts: ReadonlyArray<Impact>): string =>
  table(
    [
      "disturbance",
      "every key again, ms",
      "silent keys",
      "failed",
      "of operations",
      "worst second p99 ms",
      "shards moved"
    ],
    impacts.map(({ answeredAgainMs, failed, name, operations, shardsMoved, silentKeys, worstSecondP99ms }) => [
      name,
      answeredAgainMs.toFixed(0),
      String(silentKeys),
      String(failed),
      String(operations),
      fixed(worstSecondP99ms),
      String(shardsMoved)
    ])
  )

const kilobytes = (bytes: number): string => (bytes / 1024).toFixed(1)
const used = ({ processes }: Cost): string =>
  table(
    ["process", "cores", "CPU us/op", "KB read/op", "KB written/op"],
    processes.map(({ cores, cpuMicros, name, readBytes, writtenBytes }) => [
      name,
      cores.toFixed(2),
      cpuMicros.toFixed(0),
      kilobytes(readBytes),
      kilobytes(writtenBytes)
    ])
  )

const writtenText = ({ written }: Cost): string =>
  `${written.journalRows} journal rows, ${written.tableRows} rows of tables in ${written.transactions} transactions, ` +
  `${written.walKilobytes} KB of WAL and ${written.messages} messages`
/** What happens in fewer than one of twenty operations is not this one's. */
const rowsText = ({ journalRows }: Cost): string =>
  journalRows.flatMap(([name, count]) => (count < 0.05 ? [] : [`${count} ${name}`])).join(", ")

/** What a run came to, for people. */
export const text = (outcome: Outcome, pricePerCoreHour: number): string => {
  const { impacts } = outcome
  const costs = cost(outcome, pricePerCoreHour)
  const { analysis, verdict, violated, violations } = outcome
  const { all, keys, perSecond, regions, runnerImbalance, runners, shardImbalance, shards, steps } = analysis
  const late = bottleneck(outcome)
  const busiest = shards.toSorted((a, b) => b.operations - a.operations).slice(0, listedMax)
  const groups = [
    { ...all, name: outcome.plan.scenario },
    ...steps.map((one) => ({ ...one, name: `  ${one.name}` })),
    ...regions.filter(({ operations }) => operations > 0),
    ...runners,
    ...busiest.map((one) => ({ ...one, name: `shard ${one.name}` })),
    ...keys.slice(0, listedMax).map((one) => ({ ...one, name: `key ${one.name}` }))
  ]
  return [
    late === null
      ? `${fixed(perSecond)} operations a second`
      : `NO RESULT: ${late}. Fewer operations, or another machine`,
    "",
    ...(late === null ? [table(head("operations"), groups.map(row)), ""] : []),
    ...(impacts.length > 0 && late === null ? [disturbances(impacts), ""] : []),
    ...(late === null ? [used(costs), ""] : []),
    ...(late === null
      ? [
          `a core of the cluster does ${fixed(costs.operationsPerCore)} operations a second; ` +
            `a million cost ${costs.perMillion.toFixed(2)} at ${pricePerCoreHour} a core-hour`
        ]
      : []),
    ...(outcome.heldBack > 0
      ? [`${outcome.heldBack} operations began late, since as many as may be were in flight; their latency has it`]
      : []),
    `an operation writes ${writtenText(costs)}; rows: ${rowsText(costs)}`,
    `imbalance, busiest over mean: runners ${runnerImbalance.toFixed(2)}, shards ${shardImbalance.toFixed(2)}`,
    `books: ${verdict.acknowledged} answers against the journals, ${verdict.lost.length} lost, ${verdict.duplicated.length} done twice, ${verdict.oversold} oversold; ` +
      `invariants ${violations === 0 ? "hold" : `violated: ${violated.join(", ")}`}`,
    ...verdict.lost.slice(0, listedMax).map((line) => `  lost: ${line}`),
    ...verdict.duplicated.slice(0, listedMax).map((line) => `  twice: ${line}`)
  ].join("\n")
}
