import { assert, describe, it } from "@effect/vitest"
import { SkuId } from "@halles/shared/Ids"
import { HashMap } from "effect"
import {
  after,
  all,
  answers,
  commandId,
  decided,
  hold,
  main,
  order,
  receive,
  rowBytes,
  ship,
  timerFired
} from "../../test/Skus.ts"
import { asked } from "./SkuExpiry.ts"
import * as SkuState from "./SkuState.ts"

describe("a hold whose time has come", () => {
  it("asks its order at its time; until that has answered, and as long as it needs it, the hold stands and is shipped", () => {
    const held = all(receive(3), hold(1, 2, 100))
    assert.strictEqual(SkuState.dueAt(held), 100)
    assert.deepStrictEqual(decided(held, timerFired, 99), [])
    assert.strictEqual(SkuState.next(held), null)
    const asking = after(held, timerFired, 100)
    assert.deepStrictEqual(SkuState.next(asking), { _tag: "AskOrders", key: "expiry-1" })
    assert.deepStrictEqual(asked(asking), [order(1)])
    assert.deepStrictEqual(decided(asking, timerFired, 200), [], "it asks once at a time")
    assert.deepInclude(decided(asking, ship(1), 150)[0], { _tag: "Shipped", from: "hold" })
    const kept = after(asking, answers([1]), 150)
    assert.strictEqual(SkuState.dueAt(kept), null)
    assert.deepInclude(SkuState.view(SkuId.make("eu_tea"), kept, 1).totals, { held: 0, reserved: 2, available: 1 })
    assert.deepStrictEqual(decided(kept, ship(1))[0], {
      _tag: "Shipped",
      orderId: order(1),
      allocations: [{ warehouse: main, quantity: 2 }],
      from: "reservation"
    })
    const over = after(asking, answers([], [1]), 150)
    assert.strictEqual(SkuState.dueAt(over), null)
    assert.strictEqual(SkuState.view(SkuId.make("eu_tea"), over, 1).totals.available, 3)
    assert.strictEqual(decided(over, ship(1), 150)[0]?._tag, "ShipRefused")
    assert.deepStrictEqual(decided(kept, answers([], [1]), 160), [], "late")
  })

  it("asks with those whose time has come the others whose time comes soon, and lets none of them go before it", () => {
    const asking = after(all(receive(9), hold(1, 1, 100), hold(2, 1, 50_000), hold(3, 1, 90_000)), timerFired, 100)
    assert.deepStrictEqual(asked(asking), [order(1), order(2)])
    assert.strictEqual(SkuState.dueAt(after(asking, answers([1, 2]), 150)), 90_000)
    const over = after(asking, answers([1], [2]), 150)
    assert.isTrue(HashMap.has(over.holds, order(2)))
    assert.strictEqual(SkuState.dueAt(over), 50_000)
  })

  it("asks an order again that did not answer, and holds for it meanwhile", () => {
    const asking = after(all(receive(9), hold(1, 1, 100), hold(2, 1, 100)), timerFired, 100)
    const again = after(asking, answers([1], [], [2]), 2_000)
    assert.isTrue(HashMap.has(again.holds, order(2)))
    assert.strictEqual(SkuState.dueAt(again), 7_000)
    assert.deepStrictEqual(asked(after(again, timerFired, 7_000)), [order(2)])
  })

  it("a timer that finds nothing due moves the timer on", () => {
    const state = after(all(receive(3), hold(1, 1, 100), hold(2, 1, 500), ship(1)), timerFired, 100)
    assert.strictEqual(SkuState.next(state), null)
    assert.strictEqual(SkuState.dueAt(state), 500)
  })

  it("asks many in portions", () => {
    let state = all(receive(5_000))
    for (let key = 0; key < 4_500; key++) state = after(state, hold(key, 1, 100))
    let portions = 0
    for (let now = 1_000; SkuState.dueAt(state) !== null; now++) {
      const before = HashMap.size(state.holds)
      const due = decided(state, timerFired, now)
      state = due.reduce(SkuState.evolve, state)
      const over = asked(state)
      const events = decided(state, { _tag: "RecordNeeds", commandId, needed: [], over, unanswered: [] }, now)
      assert.isAtMost(rowBytes([...due, ...events]), 300_000)
      state = events.reduce(SkuState.evolve, state)
      assert.isBelow(HashMap.size(state.holds), before)
      assert.isAtMost(SkuState.dueAt(state) ?? 0, now + 1, "it goes on at once")
      portions += 1
    }
    assert.strictEqual(HashMap.size(state.holds), 0)
    assert.isBelow(portions, 10)
  })
})
