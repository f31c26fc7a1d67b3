import { assert, describe, it } from "@effect/vitest"
import type { Figures } from "../src/Measure.ts"
import * as Table from "../src/Table.ts"
import * as Targets from "../src/Targets.ts"

const row: Figures = {
  opsPerSecond: 600,
  p50ms: 90,
  p95ms: 200,
  p99ms: 301,
  cpuSecondsPerOp: 0.0024,
  cpuMicrosByProcess: { client: 1_000, "eu-1": 1_400, redis: 0 },
  operations: 12_000,
  setting: "one runner",
  extra: { journalRowsPerOp: 15 }
}

describe("Targets", () => {
  it("a bound is reached at the bound, and not beyond it", () => {
    assert.deepStrictEqual(Targets.verdicts("checkout", row), [
      "reached: opsPerSecond >= 600",
      "NOT reached: p99ms <= 300",
      "reached: cpuSecondsPerOp <= 0.0025"
    ])
  })

  it("a figure that is missing or no number reaches nothing", () => {
    const target = { figure: "ratio", bound: "atLeast", value: 0.25 } as const
    assert.isFalse(Targets.isReached(target, row))
    assert.isFalse(Targets.isReached(target, { ...row, extra: { ratio: Number.NaN } }))
    assert.isTrue(Targets.isReached(target, { ...row, extra: { ratio: 0.25 } }))
  })

  it("the JSON of a row has its own figures beside those of all rows", () => {
    const json = Targets.json(row)
    assert.strictEqual(json["journalRowsPerOp"], 15)
    assert.strictEqual(json["p99ms"], 301)
    assert.notProperty(json, "extra")
  })
})

describe("Table", () => {
  it("prints the row, its own figures and its targets, without processes that used nothing", () => {
    const lines = Table.line("checkout", row).split("\n")
    assert.lengthOf(lines, 5)
    assert.match(lines[0]!, /^checkout +600 +90\.00 +200 +301 +2400 +client 1000, eu-1 1400 \| one runner$/)
    assert.strictEqual(lines[1]!.trim(), "journalRowsPerOp 15")
  })
})
