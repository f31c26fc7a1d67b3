import { assert, describe, it } from "@effect/vitest"
import { analyse } from "../../src/report/Analysis.ts"
import { Owners } from "../../src/run/Owners.ts"
import type { Sample } from "../../src/workload/Samples.ts"
import { bottleneck } from "../../src/report/Summary.ts"
import type { Pace } from "../../src/run/Work.ts"

/** A run of a hundred operations that began late and took so long. */
const run = (lateMs: number, tookMs: number, utilization: number, pace: Pace, heldBack = 0) => {
  const samples = Array.from({ length: 100 }, (_, n): Sample => {
    const intendedMs = n * 10
    return {
      kind: 0,
      key: 0,
      intendedMs,
      startedMs: intendedMs + lateMs,
      endedMs: intendedMs + lateMs + tookMs,
      outcome: "ok"
    }
  })
  const analysis = analyse({
    samples: () => samples,
    keys: [{ region: "eu", name: "A" }],
    entityOf: () => "eu_A",
    steps: [],
    startMs: 0,
    fromMs: 0,
    toMs: 1_000,
    owners: new Owners()
  })
  const plan = {
    scenario: "cart",
    keys: { spec: { _tag: "Uniform" }, count: 1, run: "L1", lines: "" },
    pace,
    stock: 1,
    sales: [],
    warmUpMs: 0,
    durationMs: 1_000,
    threads: 1,
    direct: false,
    seed: "1",
    disturbances: []
  } as const
  return bottleneck({ analysis, plan, heldBack, utilization })
}
const open: Pace = { _tag: "Open", process: "poisson", perSecond: 100 }

describe("Summary", () => {
  it("a generator that is on time has a result", () => {
    assert.isNull(run(1, 50, 0.3, open))
    // A tenth of what is measured.
    assert.isNull(run(40, 400, 0.3, open))
  })

  it("a generator that was late, or had no time left, has none", () => {
    assert.match(run(40, 50, 0.3, open) ?? "", /late/)
    assert.match(run(0, 50, 0.97, open) ?? "", /busy/)
    assert.match(run(0, 50, 0.97, { _tag: "Closed", callers: 4 }) ?? "", /busy/)
  })

  it("what waited for a place among those in flight waited for the cluster", () => {
    assert.isNull(run(4_000, 4_000, 0.3, open, 12))
  })
})
