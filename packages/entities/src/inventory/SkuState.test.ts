import { assert, describe, it } from "@effect/vitest"
import { OrderId, SkuId, WarehouseId } from "@halles/shared/Ids"
import { HashMap, Option, Schema } from "effect"
import { type Allocation, promisesMax, Restock, warehousesMax, WriteOff } from "./Sku.ts"
import { quantityOf } from "./Allocate.ts"
import { laws } from "../../test/Laws.ts"
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
import { sku } from "./SkuDomain.ts"
import { promiseOf } from "./SkuEvents.ts"
import { asked } from "./SkuExpiry.ts"
import * as SkuState from "./SkuState.ts"

const often = ["Hold", "Hold", "TimerFired", "RecordNeeds"] as const

/** A command of few orders, warehouses and units, so that they meet each other; `later` is how the clock moves first. */
const Step = Schema.Struct({
  kind: Schema.Literals([
    "Receive",
    "Adjust",
    "Hold",
    "RecordNeeds",
    "Release",
    "Ship",
    "Restock",
    "WriteOff",
    "AllowBackOrder",
    "TimerFired",
    ...often
  ]),
  order: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 7 })),
  warehouse: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 })),
  units: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 })),
  yes: Schema.Boolean,
  later: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60 }))
})
const Steps = Schema.Array(Step).check(Schema.isMaxLength(120))

const commandOf = (state: SkuState.State, { kind, order: key, units, warehouse: at, yes }: typeof Step.Type) => {
  const orderId = order(key)
  const warehouse = place(at)
  switch (kind) {
    case "Receive":
      return receive(units, warehouse)
    case "Adjust": {
      const known = state.warehouses.find((one) => one.warehouse === warehouse)?.onHand ?? 0
      return adjust(yes ? known : units, units, warehouse)
    }
    case "Hold":
      return hold(key, units, yes ? 50 : 100)
    case "RecordNeeds": {
      const [needed, over, unanswered] = [0, 1, 2].map((nth) =>
        key % 3 === nth ? [key, units - 1] : [(key + nth) % 8]
      )
      return answers(needed!, over, yes ? unanswered : [])
    }
    case "Release":
      return release(key)
    case "Ship":
      return ship(key)
    case "Restock":
      return new Restock({ commandId, orderId, warehouse, quantity: units })
    case "WriteOff":
      return new WriteOff({ commandId, orderId, warehouse, quantity: units })
    case "AllowBackOrder":
      return allow(yes)
    default:
      return timerFired
  }
}

interface Moment {
  readonly command: SkuState.Command
  readonly before: SkuState.State
  readonly events: ReadonlyArray<SkuState.Event>
  readonly state: SkuState.State
  readonly now: number
}
const live = (steps: typeof Steps.Type): ReadonlyArray<Moment> => {
  const moments: Array<Moment> = []
  let before = SkuState.initial
  let now = 0
  for (const step of steps) {
    now += step.later
    const command = commandOf(before, step)
    const events = decided(before, command, now)
    const state = events.reduce(SkuState.evolve, before)
    moments.push({ command, before, events, state, now })
    before = state
  }
  return moments
}

const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, one) => total + one, 0)
const promisesOf = (state: SkuState.State) => [...HashMap.values(state.holds), ...HashMap.values(state.reservations)]
const promisedIn = (promises: Iterable<{ readonly allocations: ReadonlyArray<Allocation> }>, warehouse: WarehouseId) =>
  sum([...promises].flatMap(({ allocations }) => allocations.map((a) => (a.warehouse === warehouse ? a.quantity : 0))))

const assertSound = (state: SkuState.State, now: number) => {
  for (const one of state.warehouses) {
    const { adjusted, held, onHand, received, reserved, restocked, shipped, warehouse } = one
    const at = JSON.stringify(one)
    assert.isTrue(held >= 0 && reserved >= 0 && held + reserved <= onHand, at)
    assert.strictEqual(onHand + shipped, received + restocked + adjusted, at)
    assert.strictEqual(held, promisedIn(HashMap.values(state.holds), warehouse), at)
    assert.strictEqual(reserved, promisedIn(HashMap.values(state.reservations), warehouse), at)
  }
  assert.strictEqual(state.backOrdered, sum(promisesOf(state).map(({ backOrdered }) => backOrdered)))
  const free = sum(state.warehouses.map(({ held, onHand, reserved }) => onHand - held - reserved))
  assert.isTrue(state.backOrdered === 0 || free === 0, "nothing is free while an order waits")
  const waiting = [...HashMap.keys(state.waiting)].toSorted((a, b) => a - b)
  const tickets = promisesOf(state).flatMap(({ ticket }) => (ticket === 0 ? [] : [ticket]))
  assert.deepStrictEqual(
    waiting,
    tickets.toSorted((a, b) => a - b)
  )
  assert.isTrue(waiting.every((ticket) => ticket >= state.waitingFrom && ticket <= state.lastTicket))
  const dueAt = SkuState.dueAt(state)
  const expiries = [...HashMap.values(state.holds)].map(({ expiresAt }) => expiresAt)
  // An order that does not answer is asked again some seconds later.
  const latest = Math.max(Math.min(...expiries), now + 5_000)
  assert.isTrue(expiries.length === 0 || (dueAt !== null && dueAt <= latest), "whatever has a time has a timer")
  if (SkuState.next(state) === null && expiries.length === 0) assert.isNull(dueAt)
}

const refusals = ["HoldRefused", "ShipRefused"]
const deltas = ["Receive", "Restock", "WriteOff"]

/** Long enough that steps meet each other: unasked, a list has 10 at most. */
const long = { arbitrary: { size: 120 } }

const keepsLaws = laws(sku, "eu_tea")

describe("laws", () => {
  it.prop(
    "I1: at every step the counts add up and nothing is promised twice",
    [Steps],
    ([steps]) => {
      for (const { now, state } of live(steps)) assertSound(state, now)
    },
    long
  )

  it.prop(
    "I1 at every event, not only at every command",
    [Steps],
    ([steps]) => {
      for (const { before, events } of live(steps)) {
        let state = before
        for (const event of events) {
          state = SkuState.evolve(state, event)
          for (const { held, onHand, reserved } of state.warehouses)
            assert.isTrue(held + reserved <= onHand, event._tag)
        }
      }
    },
    long
  )

  it.prop(
    "deciding twice adds nothing",
    [Steps],
    ([steps]) => {
      for (const { command, now, state } of live(steps)) {
        if (deltas.includes(command._tag)) continue
        const again = decided(state, command, now)
        assert.deepStrictEqual(
          again.filter(({ _tag }) => !refusals.includes(_tag)),
          [],
          command._tag
        )
        assert.strictEqual(again.reduce(SkuState.evolve, state), state)
      }
    },
    long
  )

  it.prop(
    "after a timer has fired nothing is due; the orders of what was are asked, and what they need is kept, what is over is gone",
    [Steps],
    ([steps]) => {
      for (const { now, state } of live(steps)) {
        const fired = after(state, timerFired, now)
        const dueAt = SkuState.dueAt(fired)
        assert.isTrue(dueAt === null || dueAt > now)
        if (SkuState.next(fired) === null) continue
        const those = asked(fired)
        const isNeeded = (orderId: OrderId) => those.indexOf(orderId) % 2 === 0
        const needed = those.filter(isNeeded)
        const over = those.filter((orderId) => !isNeeded(orderId))
        const asNeeded = { _tag: "RecordNeeds", commandId, needed, over, unanswered: [] } as const
        const then = Math.max(now, fired.checking?.at ?? 0)
        const settled = after(fired, asNeeded, then)
        assert.isNull(SkuState.next(settled))
        assert.isTrue(needed.every((orderId) => HashMap.has(settled.reservations, orderId)))
        for (const [, { expiresAt }] of HashMap.entries(settled.holds)) assert.isAbove(expiresAt, then)
        assert.isTrue((SkuState.dueAt(settled) ?? Infinity) > then)
      }
    },
    long
  )

  it.prop(
    "a hold is for all units asked, from what was free, or refused with what there is",
    [Steps],
    ([steps]) => {
      for (const { before, command, events } of live(steps)) {
        if (command._tag !== "Hold") continue
        const free = sum(before.warehouses.map(({ held, onHand, reserved }) => onHand - held - reserved))
        const [event] = events
        if (event?._tag === "Held") {
          assert.strictEqual(quantityOf(event.allocations) + event.backOrdered, command.quantity)
          assert.strictEqual(event.backOrdered, Math.max(0, command.quantity - free))
          assert.isTrue(event.backOrdered === 0 || before.backOrderAllowed)
        }
        if (event?._tag === "HoldRefused") assert.isTrue(event.available === 0 || event.available === free)
        assert.isTrue(events.length === 1 || HashMap.size(before.holds) + HashMap.size(before.reservations) > 0)
      }
    },
    long
  )

  it.prop(
    "the answers fit the contract, for fresh, repeated and empty commands",
    [Steps],
    ([steps]) => {
      for (const { command, events, state } of live(steps)) {
        if (command._tag === "Hold") {
          const result = SkuState.holdResult(state, events, command.orderId)
          const holds = HashMap.has(state.holds, command.orderId) || HashMap.has(state.reservations, command.orderId)
          assert.strictEqual(result._tag, holds ? "Held" : "NoStock")
        }
        if (command._tag === "Ship") {
          const result = SkuState.shipResult(state, events, command.orderId)
          const isKept = HashMap.has(state.holds, command.orderId) || HashMap.has(state.reservations, command.orderId)
          if (isKept) assert.strictEqual(result._tag, "AwaitingStock")
          else assert.strictEqual(result._tag, events[0]?._tag === "Shipped" ? "Shipped" : "NotReserved")
        }
      }
    },
    long
  )

  it.prop(
    "the laws of every domain hold",
    [Steps],
    ([steps]) => {
      keepsLaws(live(steps))
    },
    long
  )
})

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
