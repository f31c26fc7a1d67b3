import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { missed, parse } from "../../src/report/Slo.ts"

const group = { name: "all", operations: 1_000, failed: 2, codes: {}, p50ms: 20, p95ms: 90, p99ms: 260, maxMs: 900 }
const against = (text: string) => missed(Result.getOrThrow(parse(text)), { all: group, perSecond: 480 })

describe("Slo", () => {
  it("an objective that is met is not named, one that is missed is named with what it was", () => {
    assert.deepStrictEqual(against("p50=20ms,p99=0.3s,errors=0.2%,rate=480"), [])
    assert.deepStrictEqual(against("p99=250ms,errors=0.1%,rate=500,max=1s"), [
      "p99=250ms (was 260.0)",
      "errors=0.1% (was 0.20%)",
      "rate=500 (was 480.0)"
    ])
  })

  it("an objective that is none is refused", () => {
    for (const text of ["", "p99", "p99=250", "errors=5", "p42=1ms", "p99=250ms,"]) {
      assert.isTrue(Result.isFailure(parse(text)), text)
    }
  })
})
