import type { Figures } from "./Measure.ts"
import { verdicts } from "./Targets.ts"

const columns = ["row", "ops/s", "p50 ms", "p95 ms", "p99 ms", "CPU us/op", "by process, and setting"] as const
const widths = [18, 10, 9, 9, 9, 10, 0]

const join = (cells: ReadonlyArray<string>): string =>
  cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join("  ")

export const head: string = join(columns)

const fixed = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(2))

const extras = (row: Figures): string =>
  Object.entries(row.extra ?? {})
    .map(([name, value]) => `${name} ${Number.isInteger(value) ? value : value.toPrecision(4)}`)
    .join(", ")

/** One row, as people read it, with what it was to reach below it. */
export const line = (name: string, row: Figures): string => {
  const shares = Object.entries(row.cpuMicrosByProcess)
    .filter(([, micros]) => micros > 0)
    .map(([process, micros]) => `${process} ${micros}`)
    .join(", ")
  const below = [extras(row), ...verdicts(name, row)].filter((line) => line !== "")
  const first = join([
    name,
    fixed(row.opsPerSecond),
    fixed(row.p50ms),
    fixed(row.p95ms),
    fixed(row.p99ms),
    fixed(row.cpuSecondsPerOp * 1e6),
    `${shares} | ${row.setting}`
  ])
  return [first, ...below.map((line) => " ".repeat(widths[0]! + 2) + line)].join("\n")
}
