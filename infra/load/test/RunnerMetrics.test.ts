import { assert, describe, it } from "@effect/vitest"
import { sum } from "../src/bench/RunnerMetrics.ts"

const text = `# HELP effect_cluster_entities Entities
# TYPE effect_cluster_entities gauge
effect_cluster_entities{type="Cart"} 5000
effect_cluster_entities{type="Sku"} 20
effect_cluster_entities_total 7
halles_outbox_unpublished_batches 3
`

describe("RunnerMetrics.sum", () => {
  it("adds up the samples of one metric that have the labels, and takes no longer name for it", () => {
    assert.strictEqual(sum(text, "effect_cluster_entities"), 5_020)
    assert.strictEqual(sum(text, "effect_cluster_entities", { type: "Cart" }), 5_000)
    assert.strictEqual(sum(text, "halles_outbox_unpublished_batches"), 3)
    assert.strictEqual(sum(text, "absent"), 0)
  })
})
