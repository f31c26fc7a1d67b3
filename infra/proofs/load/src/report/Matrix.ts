import { table } from "@halles/infra/Table"
import type { Outcome } from "../run/Run.ts"
import { summary } from "./Summary.ts"

/** One cell of the matrix: a scenario under keys, or why it came to nothing. */
export interface Cell {
  readonly scenario: string
  readonly keys: string
  readonly result: Outcome | { readonly failed: string }
}

const head = [
  "scenario",
  "keys",
  "ops/s",
  "p50 ms",
  "p95 ms",
  "p99 ms",
  "failed",
  "refused",
  "runners",
  "shards",
  "CPU us/op",
  "ops/core",
  "cost/million",
  "books"
]

const fixed = (value: number | null): string =>
  value === null ? "none" : value >= 100 ? value.toFixed(0) : value.toFixed(1)

const row = ({ keys, result, scenario }: Cell, pricePerCoreHour: number): ReadonlyArray<string> => {
  if ("failed" in result) return [scenario, keys, `failed: ${result.failed}`]
  const { costPerMillion, cpuMicrosPerOperation, errors, operationsPerCore, opsPerSecond, ...rest } = summary(
    result,
    [],
    pricePerCoreHour
  )
  const { generator, p50ms, p95ms, p99ms, refused, runnerImbalance, shardImbalance } = rest
  const wrong = rest.lost + rest.duplicated + rest.oversold + rest.violations
  return [
    scenario,
    keys,
    generator.bottleneck === null ? fixed(opsPerSecond) : "generator late",
    fixed(p50ms),
    fixed(p95ms),
    fixed(p99ms),
    String(errors),
    String(refused),
    runnerImbalance.toFixed(2),
    shardImbalance.toFixed(1),
    fixed(cpuMicrosPerOperation),
    fixed(operationsPerCore),
    costPerMillion === null ? "none" : costPerMillion.toFixed(2),
    wrong === 0 ? "balance" : `${wrong} WRONG`
  ]
}

/** For the terminal. */
export const text = (cells: ReadonlyArray<Cell>, pricePerCoreHour: number): string =>
  table(
    head,
    cells.map((cell) => row(cell, pricePerCoreHour))
  )

const line = (of: ReadonlyArray<string>): string => `| ${of.join(" | ")} |`

/** The page that is kept: what the figures are of, then the figures. */
export const page = (options: {
  readonly cells: ReadonlyArray<Cell>
  readonly pricePerCoreHour: number
  readonly date: string
  readonly machine: string
  readonly command: string
  readonly settings: string
}): string => {
  const { cells, command, date, machine, pricePerCoreHour, settings } = options
  return [
    "# Load on one machine",
    "",
    `Written by \`${command}\`, ${date}, on ${machine}, which clients, servers and runners shared. ${settings}`,
    "",
    `Imbalance (runners, shards) is the busiest over the mean. CPU is that of the whole cluster without the generator; cost is`,
    `of a million operations at ${pricePerCoreHour} a core-hour. "Books": every answer was held against the journals, and`,
    "`npm run check` ran after each cell.",
    "",
    line(head),
    line(head.map(() => "---")),
    ...cells.map((cell) => line(row(cell, pricePerCoreHour))),
    ""
  ].join("\n")
}
