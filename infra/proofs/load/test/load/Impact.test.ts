import { assert, describe, it } from "@effect/vitest"
import { impacts } from "../../src/report/Impact.ts"
import { Owners } from "../../src/run/Owners.ts"
import { batchOf, type Outcome, type Sample, samplesOf } from "../../src/workload/Samples.ts"

const op = (key: number, intendedMs: number, endedMs: number, outcome: Outcome = "ok"): Sample => ({
  kind: 0,
  key,
  intendedMs,
  startedMs: intendedMs,
  endedMs,
  outcome
})
const of = (samples: ReadonlyArray<Sample>, owners: Pick<Owners, "moved"> = { moved: () => 0 }) =>
  impacts([{ name: "kill", atMs: 1_000 }], () => samplesOf([batchOf(samples)]), owners)[0]!

describe("Impact", () => {
  it("a key has answered again when anybody who asked for it has been answered", () => {
    // Key 0 fails until 1.9 s and is asked again at 2 s; key 1 never fails.
    const { answeredAgainMs, failed, operations } = of([
      op(0, 500, 600),
      op(0, 1_100, 1_900, "failed:503"),
      op(0, 2_000, 2_050),
      op(1, 1_200, 1_210)
    ])
    assert.strictEqual(answeredAgainMs, 950)
    assert.strictEqual(failed, 1)
    assert.strictEqual(operations, 3)
  })

  it("what was under way waits from the disturbance on", () => {
    assert.strictEqual(of([op(0, 200, 1_400)]).answeredAgainMs, 400)
  })

  it("a key that was asked and did not answer any more is silent, and has no time", () => {
    const { answeredAgainMs, silentKeys } = of([op(0, 1_100, 1_900, "failed:503"), op(1, 1_100, 1_110)])
    assert.strictEqual(silentKeys, 1)
    assert.strictEqual(answeredAgainMs, 10)
  })

  it("one disturbance answers only until the next", () => {
    const marks = [
      { name: "kill", atMs: 1_000 },
      { name: "freeze", atMs: 3_000 }
    ]
    const samples = [op(0, 1_500, 1_600), op(1, 2_900, 3_400, "failed:503"), op(0, 3_100, 3_900), op(1, 3_600, 3_650)]
    const [kill, freeze] = impacts(marks, () => samples, { moved: () => 0 })
    assert.strictEqual(kill!.answeredAgainMs, 100)
    assert.strictEqual(kill!.failed, 0)
    assert.strictEqual(freeze!.failed, 1)
    assert.strictEqual(freeze!.answeredAgainMs, 800)
  })

  it("counts the shards that changed hands meanwhile, and knows who held them", () => {
    const owners = new Owners()
    owners.note(0, "eu/1", "eu-1")
    owners.note(0, "eu/2", "eu-2")
    owners.note(1_500, "eu/1", "eu-2")
    owners.note(1_700, "eu/1", "eu-2")
    assert.strictEqual(of([op(0, 1_100, 1_200)], owners).shardsMoved, 1)
    assert.strictEqual(owners.at("eu/1", 1_400), "eu-1")
    assert.strictEqual(owners.at("eu/1", 1_500), "eu-2")
    assert.isNull(owners.at("eu/3", 1_500))
  })
})
