import { assert, describe, it } from "@effect/vitest"
import { OrderId, SkuId, WarehouseId } from "@halles/shared/Ids"
import { HashMap, Option } from "effect"
import { promisesMax, warehousesMax } from "./Sku.ts"
import {
  adjust,
  after,
  all,
  allow,
  answers,
  commandId,
  decided,
  hold,
  main,
  order,
  place,
  receive,
  refusal,
  release,
  reserved,
  rowBytes,
  ship,
  timerFired
} from "../../test/Skus.ts"
import { promiseOf } from "./SkuEvents.ts"
import { asked } from "./SkuExpiry.ts"
import * as SkuState from "./SkuState.ts"

describe("orders", () => {
  it("every refusal that an order relies on is an event", () => {
    const stocked = all(receive(3))
    assert.deepStrictEqual(decided(stocked, hold(1, 4)), [
      { _tag: "HoldRefused", orderId: order(1), quantity: 4, available: 3 }
    ])
    assert.deepStrictEqual(decided(stocked, ship(1)), [{ _tag: "ShipRefused", orderId: order(1) }])
  })

  it("a hold that comes after its release takes nothing", () => {
    const late = all(receive(3), release(1), hold(1, 2))
    assert.deepStrictEqual(SkuState.holdResult(late, [], order(1)), { _tag: "NoStock", available: 0 })
    const released = all(receive(3), hold(1, 2), release(1), hold(1, 2))
    assert.strictEqual(HashMap.size(released.holds), 0)
    assert.deepStrictEqual(decided(released, ship(1)), [{ _tag: "ShipRefused", orderId: order(1) }])
  })

  it("remembers the last 5,000 released orders at least, and 10,000 at most", () => {
    const events = Array.from({ length: 12_000 }, (_, key): SkuState.Event => ({
      _tag: "ReleasedEarly",
      orderId: order(key)
    }))
    const state = events.reduce(SkuState.evolve, all(receive(3)))
    const known = (key: number) => decided(state, hold(key, 1))[0]?._tag === "HoldRefused"
    assert.isTrue(known(7_000) && known(11_999))
    assert.isFalse(known(0))
  })

  it("gives ten thousand orders what they wait for in portions, in order, and nobody else gets it meanwhile", () => {
    const waitingMax = 10_000
    let state = all(receive(1), allow(true))
    for (let key = 0; key <= waitingMax; key++) {
      state = after(state, hold(key, key === 0 ? 1 : 2, 1_000_000))
    }
    assert.strictEqual(state.backOrdered, 2 * waitingMax)
    const first = decided(state, receive(30_000, place(1)))
    assert.isAtMost(rowBytes(first), 300_000)
    state = first.reduce(SkuState.evolve, state)
    assert.isAtMost(SkuState.dueAt(state) ?? Infinity, 1, "it goes on at once")
    const late = decided(state, hold("late", 1))
    assert.deepInclude(late[0], { _tag: "Held", backOrdered: 1 }, "who comes now waits behind the others")
    assert.deepInclude(decided(after(state, allow(false)), hold("late", 1))[0], { _tag: "HoldRefused", available: 0 })
    const filled: Array<OrderId> = []
    const take = (events: ReadonlyArray<SkuState.Event>) => {
      for (const event of events)
        if (event._tag === "BackOrdersFilled") filled.push(...event.fills.map((one) => one.orderId))
    }
    take(first)
    for (let now = 1; state.backOrdered > 0; now++) {
      const events = decided(state, timerFired, now)
      assert.isAtMost(rowBytes(events), 300_000)
      take(events)
      state = events.reduce(SkuState.evolve, state)
    }
    assert.deepStrictEqual(
      filled,
      Array.from({ length: waitingMax }, (_, key) => order(key + 1))
    )
    assert.strictEqual(SkuState.dueAt(state), 1_000_000)
    assert.deepInclude(decided(state, hold("late", 1))[0], { _tag: "Held", backOrdered: 0 })
  })

  it("a row stays small when every order is served by every warehouse", () => {
    const places = Array.from({ length: 32 }, (_, key) => WarehouseId.make(`${"w".repeat(27)}${key + 10}`))
    let state = all(...places.map((one) => receive(1, one)), allow(true))
    const long = "o".repeat(50)
    for (let key = 0; key < 500; key++) state = after(state, hold(`${long}${key}`, 32, 1_000_000))
    for (const one of places) {
      const events = decided(state, receive(1_000, one))
      assert.isAtMost(rowBytes(events), 300_000)
      state = events.reduce(SkuState.evolve, state)
    }
    for (let now = 1; SkuState.dueAt(state) === 1; now++) {
      const events = decided(state, timerFired, now)
      assert.isAtMost(rowBytes(events), 300_000)
      state = events.reduce(SkuState.evolve, state)
    }
    for (let now = 1_000_001; SkuState.dueAt(state) !== null; now++) {
      state = after(state, timerFired, now)
      const needed = asked(state)
      const events = decided(state, { _tag: "RecordNeeds", commandId, needed, over: [], unanswered: [] }, now)
      assert.isAtMost(rowBytes(events), 300_000)
      state = events.reduce(SkuState.evolve, state)
    }
    assert.strictEqual(HashMap.size(state.holds), 0)
  })

  it("fills back-orders oldest first, and shows what is held by then to an order that asks", () => {
    const waiting = all(receive(1), allow(true), hold(1, 3), hold(2, 2))
    const journaled = decided(all(receive(1), allow(true)), hold(1, 3))
    const atFirst = {
      _tag: "Held",
      allocations: [{ warehouse: main, quantity: 1 }],
      backOrdered: 2,
      expiresAt: 100
    } as const
    assert.deepStrictEqual(SkuState.holdResult(waiting, journaled, order(1)), atFirst)
    assert.deepStrictEqual(decided(waiting, ship(1)), [])
    assert.deepStrictEqual(SkuState.shipResult(waiting, [], order(1)), { _tag: "AwaitingStock", backOrdered: 2 })
    for (const promised of [waiting, reserved(waiting, 1, 2)]) {
      const filled = after(promised, receive(3, place(1)))
      const allocations = [
        { warehouse: main, quantity: 1 },
        { warehouse: place(1), quantity: 2 }
      ]
      assert.deepInclude(SkuState.holdResult(filled, [], order(1)), { _tag: "Held", allocations, backOrdered: 0 })
      assert.deepStrictEqual(SkuState.holdResult(filled, journaled, order(1)), atFirst, "a repeat is answered alike")
      assert.strictEqual(promiseOf(filled, order(2))?.backOrdered, 1)
      const shipped = after(filled, ship(1))
      assert.strictEqual(SkuState.view(SkuId.make("eu_tea"), shipped, 1).totals.shipped, 3)
    }
    assert.deepStrictEqual(SkuState.holdResult(waiting, [], order(3)), { _tag: "NoStock", available: 0 })
  })

  it("what an order gives back goes to those who wait", () => {
    const state = all(receive(2), allow(true), hold(1, 2), hold(2, 2), release(1))
    assert.strictEqual(state.backOrdered, 0)
    assert.strictEqual(Option.getOrThrow(HashMap.get(state.holds, order(2))).backOrdered, 0)
  })

  it("carries so many promises at a time and no more", () => {
    let state = all(receive(2 * promisesMax))
    for (let key = 0; key < promisesMax; key++) state = after(state, hold(key, 1))
    assert.deepStrictEqual(decided(state, hold("next", 1)), [
      { _tag: "HoldRefused", orderId: order("next"), quantity: 1, available: 0 }
    ])
    const kept = after(after(state, timerFired, 1_000), answers([0]), 1_000)
    assert.strictEqual(decided(kept, hold("next", 1))[0]?._tag, "HoldRefused")
    assert.strictEqual(decided(after(state, ship(0)), hold("next", 1))[0]?._tag, "Held")
  })
})

describe("counting", () => {
  it("an adjustment is compare and swap, and keeps promises", () => {
    const state = all(receive(5), hold(1, 3))
    assert.strictEqual(refusal(SkuState.initial, adjust(0, 1))._tag, "NotFound")
    assert.include(refusal(state, adjust(4, 9)), { _tag: "StockChanged", onHand: 5 })
    assert.include(refusal(state, adjust(5, 2)), { _tag: "StockPromised", promised: 3 })
    assert.deepStrictEqual(decided(state, adjust(5, 5)), [])
    assert.deepStrictEqual(decided(state, adjust(5, 3)), [
      { _tag: "Adjusted", warehouse: main, onHand: 3, delta: -2, reason: "count" }
    ])
    assert.strictEqual(after(state, adjust(0, 4, place(1))).warehouses[1]?.onHand, 4)
  })

  it("what is sold before it is there can be counted in, also once it is not sold so any more, and fills what waits", () => {
    const waits = after(reserved(all(allow(true), hold(1, 3)), 1), allow(false))
    for (const state of [all(allow(true)), waits]) {
      assert.include(refusal(state, adjust(1, 4)), { _tag: "StockChanged", onHand: 0 })
      assert.strictEqual(after(state, adjust(0, 4)).warehouses[0]?.onHand, 4)
    }
    assert.strictEqual(after(waits, adjust(0, 4)).backOrdered, 0)
  })

  it("has so many warehouses and no more", () => {
    const full = all(...Array.from({ length: warehousesMax }, (_, key) => receive(1, place(key))))
    assert.include(refusal(full, receive(1, place(99))), { _tag: "StockBound", bound: "warehouses" })
    assert.include(refusal(full, adjust(0, 1_000_000_000, main)), { _tag: "StockChanged" })
    assert.include(refusal(full, adjust(1, 1_000_000_000, main)), { _tag: "StockBound", bound: "onHand" })
  })
})
