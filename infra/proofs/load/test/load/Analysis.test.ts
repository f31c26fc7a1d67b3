import { assert, describe, it } from "@effect/vitest"
import { shardOf } from "@halles/shared/Shard"
import { analyse, imbalance } from "../../src/report/Analysis.ts"
import type { Key } from "../../src/workload/Keys.ts"
import { Owners } from "../../src/run/Owners.ts"
import { batchOf, type Outcome, type Sample, samplesOf } from "../../src/workload/Samples.ts"

const keys: ReadonlyArray<Key> = [
  { region: "eu", name: "A" },
  { region: "am", name: "B" }
]
const entityOf = (key: number) => `${keys[key]!.region}_${keys[key]!.name}`
const shardNameOf = (key: number) => `${keys[key]!.region}/${shardOf(entityOf(key))}`

const op = (key: number, intendedMs: number, latencyMs: number, outcome: Outcome = "ok", kind = 0): Sample => ({
  kind,
  key,
  intendedMs,
  startedMs: intendedMs,
  endedMs: intendedMs + latencyMs,
  outcome
})
/** Ten seconds from 1,000 on, of which the first two warm up. */
const analysed = (samples: ReadonlyArray<Sample>, owners = new Owners()) =>
  analyse({
    samples: () => samplesOf([batchOf(samples)]),
    keys,
    entityOf,
    steps: ["checkout"],
    startMs: 1_000,
    fromMs: 3_000,
    toMs: 11_000,
    owners
  })

const counted = (groups: ReadonlyArray<{ readonly name: string; readonly operations: number }>) =>
  Object.fromEntries(groups.map(({ name, operations }) => [name, operations]))

describe("Analysis", () => {
  it("leaves the warm-up out of the figures, not out of the course of time", () => {
    const { all, perSecond, seconds } = analysed([op(0, 1_500, 900), op(0, 4_000, 10), op(1, 4_500, 20)])
    assert.strictEqual(all.operations, 2)
    assert.approximately(all.maxMs, 20, 0.01)
    assert.strictEqual(perSecond, 2 / 8)
    assert.approximately(seconds[0]!.maxMs, 900, 5)
    assert.strictEqual(seconds[3]!.operations, 2)
  })

  it("an operation counts for the rate when it ends in the span, and for latency when it was meant to begin in it", () => {
    const { all, perSecond } = analysed([op(0, 2_900, 200), op(0, 10_900, 5_000)])
    assert.strictEqual(perSecond, 1 / 8)
    assert.strictEqual(all.operations, 1)
    assert.approximately(all.p50ms, 5_000, 5)
  })

  it("failures are counted by code and are in no latency; a right refusal is an answer", () => {
    const { all, refused } = analysed([
      op(0, 4_000, 10),
      op(0, 4_000, 9_000, "failed:503 unavailable"),
      op(0, 4_000, 30, "refused:no_stock")
    ])
    assert.strictEqual(all.failed, 1)
    assert.strictEqual(refused, 1)
    assert.deepStrictEqual(all.codes, { "failed:503 unavailable": 1, "refused:no_stock": 1 })
    assert.approximately(all.maxMs, 30, 0.1)
  })

  it("puts operations down to the shard of their key and to who held it then; steps are beside them", () => {
    const owners = new Owners()
    owners.note(0, shardNameOf(0), "eu-1")
    owners.note(6_000, shardNameOf(0), "eu-2")
    owners.note(0, shardNameOf(1), "am-1")
    const samples = [op(0, 4_000, 10), op(0, 7_000, 10), op(0, 8_000, 10), op(1, 4_000, 10), op(0, 4_000, 5, "ok", 1)]
    const { heat, keys: hot, runners, shards, steps } = analysed(samples, owners)
    assert.deepStrictEqual(counted(shards), { [shardNameOf(0)]: 3, [shardNameOf(1)]: 1 })
    assert.deepStrictEqual(counted(runners), { "am-1": 1, "eu-1": 1, "eu-2": 2 })
    assert.deepStrictEqual(counted(steps), { checkout: 1 })
    assert.deepStrictEqual(
      hot.map(({ name, shard }) => [name, shard]),
      [
        [entityOf(0), shardNameOf(0)],
        [entityOf(1), shardNameOf(1)]
      ]
    )
    assert.deepStrictEqual([...heat[0]!], [0, 0, 0, 1, 0, 0, 1, 1, 0, 0])
  })

  it("imbalance is 1 of equals and as many as there are when one has all", () => {
    assert.strictEqual(imbalance([5, 5, 5]), 1)
    assert.strictEqual(imbalance([9, 0, 0]), 3)
    assert.strictEqual(imbalance([]), 1)
  })
})
