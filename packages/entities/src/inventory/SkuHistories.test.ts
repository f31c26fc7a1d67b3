import { assert, describe, it } from "@effect/vitest"
import { OrderId, WarehouseId } from "@halles/shared/Ids"
import { HashMap, Schema } from "effect"
import { type Allocation, Restock, WriteOff } from "./Sku.ts"
import { quantityOf } from "./Allocate.ts"
import { laws } from "../../test/Laws.ts"
import {
  adjust,
  after,
  allow,
  answers,
  commandId,
  decided,
  hold,
  order,
  place,
  receive,
  release,
  ship,
  timerFired
} from "../../test/Skus.ts"
import { sku } from "./SkuDomain.ts"
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
