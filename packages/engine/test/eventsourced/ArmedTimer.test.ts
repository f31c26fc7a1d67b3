import { assert, it } from "@effect/vitest"
import { ArmedTimer, redriveMs } from "@halles/engine/eventsourced/ArmedTimer"

it("a timer that fires early is set to when it is wanted, though that is past once it has been answered", () => {
  assert.strictEqual(new ArmedTimer(1_000).afterFiring(1_000, 998, 1_004, false), 1_000)
})

it("a timer that was heard in time, and led to nothing, fires again later", () => {
  assert.strictEqual(new ArmedTimer(1_000).afterFiring(1_000, 1_001, 1_004, false), 1_004 + redriveMs)
  assert.strictEqual(new ArmedTimer(1_000).afterFiring(1_000, 1_000, 1_000, true), 1_001)
  assert.strictEqual(new ArmedTimer(1_000).afterFiring(9_000, 1_001, 1_004, true), 9_000)
  assert.isNull(new ArmedTimer(1_000).afterFiring(null, 1_001, 1_004, true))
})
