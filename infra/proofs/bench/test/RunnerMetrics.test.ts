import { assert, describe, it } from "@effect/vitest"
import { sum } from "../src/RunnerMetrics.ts"

const text = `# HELP halles_entity_active Entities
# TYPE halles_entity_active gauge
halles_entity_active{type="Cart"} 5000
halles_entity_active{type="Sku"} 20
halles_entity_active_total 7
halles_outbox_unpublished_batches 3
`

describe("RunnerMetrics.sum", () => {
  it("adds up the samples of one metric that have the labels, and takes no longer name for it", () => {
    assert.strictEqual(sum(text, "halles_entity_active"), 5_020)
    assert.strictEqual(sum(text, "halles_entity_active", { type: "Cart" }), 5_000)
    assert.strictEqual(sum(text, "halles_outbox_unpublished_batches"), 3)
    assert.strictEqual(sum(text, "absent"), 0)
  })
})
