import type { CommandId, OrderId, WarehouseId } from "@halles/shared/Ids"
import { HashMap, HashSet, Option, Result } from "effect"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import {
  type Adjust,
  type AllowBackOrder,
  type Allocation,
  BundleHasNoStock,
  type Hold,
  promisesMax,
  type Receive,
  type Release,
  type Restock,
  type Ship,
  StockBound,
  StockChanged,
  StockPromised,
  warehousesMax,
  type WriteOff
} from "./Sku.ts"
import type { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import { allocate, type Free, merge, quantityOf } from "./Allocate.ts"
import { type Event, promiseOf, type State, type Warehouse } from "./SkuEvents.ts"
import * as SkuExpiry from "./SkuExpiry.ts"

export { Event, initial, State } from "./SkuEvents.ts"
export { holdResult, replies, shipResult, view } from "./SkuAnswers.ts"
export { next, type PendingStep } from "./SkuExpiry.ts"

export const type = "Sku"
export const version = 2

/** Units on hand over all warehouses, and units back-ordered over all orders. */
const unitsMax = 1_000_000_000
/** Orders that wait for stock; with one more a hold is refused. */
const backOrdersMax = 10_000
/** Of each of the two generations of released orders. */
const releasedMax = 5_000

/** A command that would give stock to a SKU whose product is a bundle; made by `SkuLive`. One that is in the journal stands. */
export interface OfBundle {
  readonly _tag: "OfBundle"
  readonly commandId: CommandId
}

export type Command =
  | Receive
  | Adjust
  | Hold
  | Release
  | Ship
  | Restock
  | WriteOff
  | AllowBackOrder
  | SkuExpiry.RecordNeeds
  | OfBundle
  | TimerFired
export type Refusal = NotFound | StockChanged | StockPromised | StockBound | BundleHasNoStock
type Decided = Result.Result<ReadonlyArray<Event>, Refusal>

/** Every refusal that an order relies on (`HoldRefused`, `ShipRefused`) is an event. A hold stands until `HoldExpired` is written. */
export const decide = (state: State, command: Command, now: number): Decided => {
  switch (command._tag) {
    case "Receive":
      return add(state, command, { _tag: "Received", warehouse: command.warehouse, quantity: command.quantity })
    case "Restock": {
      const { orderId, quantity, warehouse } = command
      return add(state, command, { _tag: "Restocked", orderId, warehouse, quantity })
    }
    case "Adjust":
      return adjust(state, command)
    case "Hold":
      return Result.succeed(hold(state, command, now))
    case "Release":
      return Result.succeed(release(state, command.orderId))
    case "Ship": {
      const { orderId } = command
      const promise = promiseOf(state, orderId)
      if (promise === undefined) return Result.succeed([{ _tag: "ShipRefused", orderId }])
      if (promise.backOrdered > 0) return Result.succeed([])
      return Result.succeed([
        { _tag: "Shipped", orderId, allocations: promise.allocations, from: fromOf(state, orderId) }
      ])
    }
    case "WriteOff": {
      const { orderId, quantity, warehouse } = command
      return Result.succeed([{ _tag: "WrittenOff", orderId, warehouse, quantity }])
    }
    case "AllowBackOrder":
      return Result.succeed(
        state.backOrderAllowed === command.allowed ? [] : [{ _tag: "BackOrderAllowed", allowed: command.allowed }]
      )
    case "RecordNeeds":
      return Result.succeed(withFills(state, SkuExpiry.recorded(state, command, now)))
    case "OfBundle":
      return Result.fail(new BundleHasNoStock())
    case "TimerFired":
      return Result.succeed(withFills(state, SkuExpiry.due(state, now)))
  }
}

/** `TimerFired` finds the same holds due again; what their orders answer goes into the same row. */
export const isDeferred = (_: State, events: ReadonlyArray<Event>): boolean =>
  events.every(({ _tag }) => _tag === "HoldsDue")

const add = (
  state: State,
  to: { readonly warehouse: WarehouseId; readonly quantity: number },
  event: Event
): Decided => {
  const bound = boundOf(state, to.warehouse, to.quantity)
  return bound === null ? Result.succeed(withFills(state, [event])) : Result.fail(bound)
}

const boundOf = (state: State, warehouse: WarehouseId, added: number): StockBound | null => {
  const isNew = !state.warehouses.some((one) => one.warehouse === warehouse)
  if (isNew && state.warehouses.length >= warehousesMax)
    return new StockBound({ bound: "warehouses", max: warehousesMax })
  const onHand = state.warehouses.reduce((sum, one) => sum + one.onHand, 0)
  return onHand + added > unitsMax ? new StockBound({ bound: "onHand", max: unitsMax }) : null
}

/** Stocked somewhere once, or sold before it is there; anything else is more likely a mistyped code. */
const isKnown = ({ backOrderAllowed, backOrdered, warehouses }: State): boolean =>
  warehouses.length > 0 || backOrderAllowed || backOrdered > 0

/** A warehouse that never had any of it counts as empty. */
const adjust = (state: State, { expectedOnHand, onHand, reason, warehouse }: Adjust): Decided => {
  if (!isKnown(state)) return Result.fail(new NotFound({ entity: type, id: "" }))
  const now = state.warehouses.find((one) => one.warehouse === warehouse) ?? emptyWarehouse(warehouse)
  if (now.onHand !== expectedOnHand) return Result.fail(new StockChanged({ onHand: now.onHand }))
  const promised = now.held + now.reserved
  if (onHand < promised) return Result.fail(new StockPromised({ promised }))
  const delta = onHand - now.onHand
  if (delta === 0) return Result.succeed([])
  const bound = boundOf(state, warehouse, delta)
  if (bound !== null) return Result.fail(bound)
  return Result.succeed(withFills(state, [{ _tag: "Adjusted", warehouse, onHand, delta, reason }]))
}

const hold = (state: State, { orderId, quantity, ttlMs }: Hold, now: number): ReadonlyArray<Event> => {
  if (promiseOf(state, orderId) !== undefined) return []
  const isOver = HashSet.has(state.released.young, orderId) || HashSet.has(state.released.old, orderId)
  const isFull = HashMap.size(state.holds) + HashMap.size(state.reservations) >= promisesMax
  if (isOver || isFull) return [{ _tag: "HoldRefused", orderId, quantity, available: 0 }]
  // Units that are about to go to those who wait are not there for who comes now.
  const { allocations, missing } = allocate(isFilling(state) ? [] : freeOf(state), quantity)
  const mayWait =
    state.backOrderAllowed && HashMap.size(state.waiting) < backOrdersMax && state.backOrdered + missing <= unitsMax
  if (missing > 0 && !mayWait) return [{ _tag: "HoldRefused", orderId, quantity, available: quantity - missing }]
  return [{ _tag: "Held", orderId, allocations, backOrdered: missing, expiresAt: now + ttlMs }]
}

const fromOf = ({ holds }: State, orderId: OrderId) => (HashMap.has(holds, orderId) ? "hold" : "reservation")

const release = (state: State, orderId: OrderId): ReadonlyArray<Event> => {
  const promise = promiseOf(state, orderId)
  if (promise !== undefined) {
    const { allocations, backOrdered } = promise
    return withFills(state, [{ _tag: "Released", orderId, from: fromOf(state, orderId), allocations, backOrdered }])
  }
  const known = HashSet.has(state.released.young, orderId) || HashSet.has(state.released.old, orderId)
  return known ? [] : [{ _tag: "ReleasedEarly", orderId }]
}

/** Free units that orders wait for: there were too many for one row. */
const isFilling = (state: State): boolean => state.backOrdered > 0 && freeOf(state).length > 0

/** Units that become free go to those who wait, so nothing is available while anybody waits. */
const withFills = (state: State, events: ReadonlyArray<Event>): ReadonlyArray<Event> => {
  if (state.backOrdered === 0) return events
  const fills = fillsOf(events.reduce(evolve, state))
  return fills.length === 0 ? events : [...events, { _tag: "BackOrdersFilled", fills }]
}

interface Fill {
  readonly orderId: OrderId
  readonly allocations: ReadonlyArray<Allocation>
}
const fillsOf = (state: State): ReadonlyArray<Fill> => {
  const fills: Array<Fill> = []
  let free = freeOf(state)
  let length = 0
  for (let ticket = state.waitingFrom; ticket <= state.lastTicket && free.length > 0; ticket++) {
    const orderId = Option.getOrUndefined(HashMap.get(state.waiting, ticket))
    if (orderId === undefined) continue
    const { allocations } = allocate(free, promiseOf(state, orderId)?.backOrdered ?? 0)
    if (allocations.length === 0) continue
    length += SkuExpiry.lengthOf(orderId, allocations)
    if (length > SkuExpiry.portionMax) break
    fills.push({ orderId, allocations })
    free = free.map((one) => ({ ...one, free: one.free - taken(allocations, one.warehouse) })).filter(hasFree)
  }
  return fills
}
const hasFree = ({ free }: Free): boolean => free > 0
const freeOf = (state: State): ReadonlyArray<Free> =>
  state.warehouses
    .map(({ held, onHand, reserved, warehouse }) => ({ warehouse, free: onHand - held - reserved }))
    .filter(hasFree)
const taken = (allocations: ReadonlyArray<Allocation>, warehouse: WarehouseId): number =>
  allocations.find((one) => one.warehouse === warehouse)?.quantity ?? 0

export const evolve = (state: State, event: Event): State => {
  switch (event._tag) {
    case "Received":
      return count(state, event, ({ onHand, received }, units) => ({
        onHand: onHand + units,
        received: received + units
      }))
    case "Restocked":
      return count(state, event, ({ onHand, restocked }, units) => ({
        onHand: onHand + units,
        restocked: restocked + units
      }))
    case "Adjusted":
      return count(state, { warehouse: event.warehouse, quantity: event.delta }, ({ adjusted, onHand }, units) => ({
        onHand: onHand + units,
        adjusted: adjusted + units
      }))
    case "Held": {
      const { allocations, backOrdered, expiresAt, orderId } = event
      const ticket = backOrdered > 0 ? state.lastTicket + 1 : 0
      const queued = ticket === 0 ? state : queue(state, ticket, orderId, backOrdered)
      return {
        ...queued,
        warehouses: each(state, allocations, ({ held }, units) => ({ held: held + units })),
        holds: HashMap.set(state.holds, orderId, { allocations, backOrdered, ticket, expiresAt }),
        earliestExpiry: Math.min(state.earliestExpiry ?? expiresAt, expiresAt)
      }
    }
    case "HoldExpired":
      return giveBack(state, event.orderId)
    case "Released":
      return tombstone(giveBack(state, event.orderId), event.orderId)
    case "ReleasedEarly":
      return tombstone(state, event.orderId)
    case "HoldsDue":
      return { ...state, checking: { until: event.until, at: event.at }, checks: state.checks + 1 }
    case "ExpiryChecked": {
      const earliestExpiry = HashMap.size(state.holds) === 0 ? null : event.earliest
      return { ...state, checking: null, earliestExpiry }
    }
    case "Reserved": {
      const held = Option.getOrUndefined(HashMap.get(state.holds, event.orderId))
      if (held === undefined) return state
      const { expiresAt: _, ...reservation } = held
      return {
        ...withoutHold(state, event.orderId),
        warehouses: each(state, held.allocations, ({ held, reserved }, units) => ({
          held: held - units,
          reserved: reserved + units
        })),
        reservations: HashMap.set(state.reservations, event.orderId, reservation)
      }
    }
    case "Shipped":
      return {
        ...without(state, event.orderId),
        warehouses: each(state, event.allocations, ({ held, onHand, reserved, shipped }, units) => ({
          onHand: onHand - units,
          shipped: shipped + units,
          ...(event.from === "hold" ? { held: held - units } : { reserved: reserved - units })
        }))
      }
    case "BackOrdersFilled":
      return event.fills.reduce(fill, state)
    case "WrittenOff":
      return { ...state, writtenOff: state.writtenOff + event.quantity }
    case "BackOrderAllowed":
      return { ...state, backOrderAllowed: event.allowed }
    case "HoldRefused":
    case "ShipRefused":
      return state
  }
}

type Counts = Partial<Omit<Warehouse, "warehouse">>
type Change = (before: Warehouse, units: number) => Counts

const emptyWarehouse = (warehouse: WarehouseId): Warehouse => ({
  warehouse,
  onHand: 0,
  held: 0,
  reserved: 0,
  received: 0,
  restocked: 0,
  adjusted: 0,
  shipped: 0
})
const count = (state: State, { quantity, warehouse }: Allocation, change: Change): State => {
  const known = state.warehouses.some((one) => one.warehouse === warehouse)
  const places = known ? state : { ...state, warehouses: [...state.warehouses, emptyWarehouse(warehouse)] }
  return { ...places, warehouses: each(places, [{ warehouse, quantity }], change) }
}
const each = (state: State, allocations: ReadonlyArray<Allocation>, change: Change): ReadonlyArray<Warehouse> =>
  state.warehouses.map((one) => {
    const allocation = allocations.find(({ warehouse }) => warehouse === one.warehouse)
    return allocation === undefined ? one : { ...one, ...change(one, allocation.quantity) }
  })

const withoutHold = (state: State, orderId: OrderId): State => {
  const holds = HashMap.remove(state.holds, orderId)
  return { ...state, holds, earliestExpiry: HashMap.size(holds) === 0 ? null : state.earliestExpiry }
}
const without = (state: State, orderId: OrderId): State =>
  HashMap.has(state.holds, orderId)
    ? withoutHold(state, orderId)
    : { ...state, reservations: HashMap.remove(state.reservations, orderId) }
const giveBack = (state: State, orderId: OrderId): State => {
  const promise = promiseOf(state, orderId)
  if (promise === undefined) return state
  const { allocations, backOrdered, ticket } = promise
  const isHold = HashMap.has(state.holds, orderId)
  const warehouses = each(state, allocations, ({ held, reserved }, units) =>
    isHold ? { held: held - units } : { reserved: reserved - units }
  )
  return unqueue({ ...without(state, orderId), warehouses, backOrdered: state.backOrdered - backOrdered }, ticket)
}

const queue = (state: State, ticket: number, orderId: OrderId, backOrdered: number): State => ({
  ...state,
  waiting: HashMap.set(state.waiting, ticket, orderId),
  lastTicket: ticket,
  backOrdered: state.backOrdered + backOrdered
})
/** Moves `waitingFrom` over tickets that are gone, each of them once in the life of the SKU. */
const unqueue = (state: State, ticket: number): State => {
  if (ticket === 0) return state
  const waiting = HashMap.remove(state.waiting, ticket)
  let waitingFrom = state.waitingFrom
  while (waitingFrom <= state.lastTicket && !HashMap.has(waiting, waitingFrom)) waitingFrom++
  return { ...state, waiting, waitingFrom }
}
const fill = (state: State, { allocations, orderId }: Fill): State => {
  const promise = promiseOf(state, orderId)
  if (promise === undefined) return state
  const units = quantityOf(allocations)
  const backOrdered = promise.backOrdered - units
  const filled = {
    allocations: merge(promise.allocations, allocations),
    backOrdered,
    ticket: backOrdered === 0 ? 0 : promise.ticket
  }
  const hold = Option.getOrUndefined(HashMap.get(state.holds, orderId))
  const next: State = {
    ...state,
    backOrdered: state.backOrdered - units,
    warehouses: each(state, allocations, ({ held, reserved }, more) =>
      hold === undefined ? { reserved: reserved + more } : { held: held + more }
    ),
    holds: hold === undefined ? state.holds : HashMap.set(state.holds, orderId, { ...hold, ...filled }),
    reservations: hold === undefined ? HashMap.set(state.reservations, orderId, filled) : state.reservations
  }
  return backOrdered === 0 ? unqueue(next, promise.ticket) : next
}

const tombstone = (state: State, orderId: OrderId): State => {
  const young = HashSet.add(state.released.young, orderId)
  if (HashSet.size(young) < releasedMax) return { ...state, released: { ...state.released, young } }
  return { ...state, released: { young: HashSet.empty(), old: young } }
}

/** At once, at the first moment that there is, where units wait to be given out. */
export const dueAt = (state: State): number | null => (isFilling(state) ? 1 : SkuExpiry.dueAt(state))
