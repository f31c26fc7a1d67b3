import type { OrderId, WarehouseId } from "@halles/shared/Ids"
import { HashMap, HashSet, Option, Result } from "effect"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import {
  type Adjust,
  type AllowBackOrder,
  type Allocation,
  type Hold,
  holdsMax,
  type Receive,
  type Release,
  type Reserve,
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
import type { Event, HoldState, Reservation, State, Warehouse } from "./SkuEvents.ts"

export { Event, initial, State } from "./SkuEvents.ts"
export { holdResult, replies, reserveResult, shipResult, view } from "./SkuAnswers.ts"

export const type = "Sku"
export const version = 1

/** Units on hand over all warehouses, and units back-ordered over all orders. */
const unitsMax = 1_000_000_000
/** Orders that wait for stock; with one more a hold is refused. */
const backOrdersMax = 10_000
/** Orders that have reserved and not been shipped; with one more a hold is refused as if there were no stock. */
export const reservationsMax = 50_000
/**
 * Characters that one row tells of holds that expire, and of orders that get their units, each: the next portion follows at
 * once, by the timer. Some thousand orders that are each served by one warehouse, some hundred that are served by all.
 */
export const portionMax = 256 * 1024
/** Of each of the two generations of released orders. */
const releasedMax = 5_000

export type Command =
  | Receive
  | Adjust
  | Hold
  | Reserve
  | Release
  | Ship
  | Restock
  | WriteOff
  | AllowBackOrder
  | TimerFired
export type Refusal = NotFound | StockChanged | StockPromised | StockBound
type Decided = Result.Result<ReadonlyArray<Event>, Refusal>

/**
 * Every refusal that an order relies on (`HoldRefused`, `ReserveRefused`, `ShipRefused`) is an event. A hold stands until
 * `HoldExpired` is written: a `Reserve` between its time and the timer is granted, since its units are still set aside.
 */
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
    case "Reserve": {
      const { orderId } = command
      if (HashMap.has(state.reservations, orderId)) return Result.succeed([])
      const held = Option.getOrUndefined(HashMap.get(state.holds, orderId))
      if (held === undefined) return Result.succeed([{ _tag: "ReserveRefused", orderId }])
      const { allocations, backOrdered } = held
      return Result.succeed([{ _tag: "Reserved", orderId, allocations, backOrdered }])
    }
    case "Release":
      return Result.succeed(release(state, command.orderId))
    case "Ship": {
      const { orderId } = command
      const reserved = Option.getOrUndefined(HashMap.get(state.reservations, orderId))
      if (reserved === undefined) return Result.succeed([{ _tag: "ShipRefused", orderId }])
      if (reserved.backOrdered > 0) return Result.succeed([])
      return Result.succeed([{ _tag: "Shipped", orderId, allocations: reserved.allocations }])
    }
    case "WriteOff": {
      const { orderId, quantity, warehouse } = command
      return Result.succeed([{ _tag: "WrittenOff", orderId, warehouse, quantity }])
    }
    case "AllowBackOrder":
      return Result.succeed(
        state.backOrderAllowed === command.allowed ? [] : [{ _tag: "BackOrderAllowed", allowed: command.allowed }]
      )
    case "TimerFired":
      return Result.succeed(expire(state, now))
  }
}

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
  if (HashMap.has(state.holds, orderId) || HashMap.has(state.reservations, orderId)) return []
  const isOver = HashSet.has(state.released.young, orderId) || HashSet.has(state.released.old, orderId)
  const isFull = HashMap.size(state.holds) >= holdsMax || HashMap.size(state.reservations) >= reservationsMax
  if (isOver || isFull) return [{ _tag: "HoldRefused", orderId, quantity, available: 0 }]
  // Units that are about to go to those who wait are not there for who comes now.
  const { allocations, missing } = allocate(isFilling(state) ? [] : freeOf(state), quantity)
  const mayWait =
    state.backOrderAllowed && HashMap.size(state.waiting) < backOrdersMax && state.backOrdered + missing <= unitsMax
  if (missing > 0 && !mayWait) return [{ _tag: "HoldRefused", orderId, quantity, available: quantity - missing }]
  return [{ _tag: "Held", orderId, allocations, backOrdered: missing, expiresAt: now + ttlMs }]
}

const release = (state: State, orderId: OrderId): ReadonlyArray<Event> => {
  const held = Option.getOrUndefined(HashMap.get(state.holds, orderId))
  const promise = held ?? Option.getOrUndefined(HashMap.get(state.reservations, orderId))
  if (promise !== undefined) {
    const { allocations, backOrdered } = promise
    const from = held === undefined ? "reservation" : "hold"
    return withFills(state, [{ _tag: "Released", orderId, from, allocations, backOrdered }])
  }
  const known = HashSet.has(state.released.young, orderId) || HashSet.has(state.released.old, orderId)
  return known ? [] : [{ _tag: "ReleasedEarly", orderId }]
}

const expire = (state: State, now: number): ReadonlyArray<Event> => {
  if (state.earliestExpiry === null || state.earliestExpiry > now) return withFills(state, [])
  const due: Array<readonly [OrderId, HoldState]> = []
  let earliest = Infinity
  for (const entry of HashMap.entries(state.holds)) {
    if (entry[1].expiresAt <= now) due.push(entry)
    else earliest = Math.min(earliest, entry[1].expiresAt)
  }
  due.sort(([a, { expiresAt: x }], [b, { expiresAt: y }]) => x - y || (a < b ? -1 : 1))
  const portion = portionOf(due, ([orderId, { allocations }]) => lengthOf(orderId, allocations))
  if (due.length > portion.length) earliest = now + 1
  const expired = portion.map(([orderId, { allocations, backOrdered }]): Event => ({
    _tag: "HoldExpired",
    orderId,
    allocations,
    backOrdered
  }))
  return withFills(state, earliest === Infinity ? expired : [...expired, { _tag: "ExpiryChecked", earliest }])
}

/** Characters of an order and its allocations in an event, at the most. */
const lengthOf = (orderId: OrderId, allocations: ReadonlyArray<Allocation>): number =>
  allocations.reduce((sum, { warehouse }) => sum + warehouse.length + 48, orderId.length + 100)
/** The first ones that come to a portion; one at the least. */
const portionOf = <A>(all: ReadonlyArray<A>, length: (one: A) => number): ReadonlyArray<A> => {
  let sum = 0
  const end = all.findIndex((one) => (sum += length(one)) > portionMax)
  return end === -1 ? all : all.slice(0, Math.max(1, end))
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
    length += lengthOf(orderId, allocations)
    if (length > portionMax) break
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
const promiseOf = (state: State, orderId: OrderId): Reservation | undefined =>
  Option.getOrUndefined(HashMap.get(state.holds, orderId)) ??
  Option.getOrUndefined(HashMap.get(state.reservations, orderId))

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
    case "ExpiryChecked":
      return HashMap.size(state.holds) === 0 ? state : { ...state, earliestExpiry: event.earliest }
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
        ...state,
        warehouses: each(state, event.allocations, ({ onHand, reserved, shipped }, units) => ({
          onHand: onHand - units,
          reserved: reserved - units,
          shipped: shipped + units
        })),
        reservations: HashMap.remove(state.reservations, event.orderId)
      }
    case "BackOrdersFilled":
      return event.fills.reduce(fill, state)
    case "WrittenOff":
      return { ...state, writtenOff: state.writtenOff + event.quantity }
    case "BackOrderAllowed":
      return { ...state, backOrderAllowed: event.allowed }
    case "HoldRefused":
    case "ReserveRefused":
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
const giveBack = (state: State, orderId: OrderId): State => {
  const promise = promiseOf(state, orderId)
  if (promise === undefined) return state
  const { allocations, backOrdered, ticket } = promise
  const isHold = HashMap.has(state.holds, orderId)
  const without = isHold
    ? withoutHold(state, orderId)
    : { ...state, reservations: HashMap.remove(state.reservations, orderId) }
  const warehouses = each(state, allocations, ({ held, reserved }, units) =>
    isHold ? { held: held - units } : { reserved: reserved - units }
  )
  return unqueue({ ...without, warehouses, backOrdered: state.backOrdered - backOrdered }, ticket)
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
export const dueAt = (state: State): number | null => (isFilling(state) ? 1 : state.earliestExpiry)
