import type { OrderId, SkuId } from "@halles/shared/Ids"
import { CommandReused } from "@halles/engine/eventsourced/EntityErrors"
import type { Handled } from "@halles/engine/eventsourced/Kind"
import { done, viewReply } from "@halles/engine/eventsourced/Replies"
import { HashMap, Option, Result } from "effect"
import {
  type Hold,
  type HoldResult,
  type Receive,
  type Reserve,
  type ReserveResult,
  type Ship,
  type ShipResult,
  SkuView
} from "./Sku.ts"
import type { Event, State } from "./SkuEvents.ts"

/** Of a reservation: it does not expire. */
const never = Number.MAX_SAFE_INTEGER

/** What the order was answered under this command id, or holds already when the command had nothing to do. */
export const holdResult = (state: State, events: ReadonlyArray<Event>, orderId: OrderId): HoldResult => {
  for (const event of events) {
    if (event._tag === "Held" && event.orderId === orderId) {
      const { allocations, backOrdered, expiresAt } = event
      return { _tag: "Held", allocations, backOrdered, expiresAt }
    }
    if (event._tag === "HoldRefused" && event.orderId === orderId)
      return { _tag: "NoStock", available: event.available }
  }
  const hold = Option.getOrUndefined(HashMap.get(state.holds, orderId))
  if (hold !== undefined) {
    return { _tag: "Held", allocations: hold.allocations, backOrdered: hold.backOrdered, expiresAt: hold.expiresAt }
  }
  const reservation = Option.getOrUndefined(HashMap.get(state.reservations, orderId))
  if (reservation === undefined) return { _tag: "NoStock", available: 0 }
  const { allocations, backOrdered } = reservation
  return { _tag: "Held", allocations, backOrdered, expiresAt: never }
}

/** A reservation that still stands is shown as it is now, so that an order which asks again sees its back-order filled. */
export const reserveResult = (state: State, events: ReadonlyArray<Event>, orderId: OrderId): ReserveResult => {
  const event = events.find((one) => one._tag === "Reserved" && one.orderId === orderId)
  const made = event?._tag === "Reserved" ? event : undefined
  const promise = Option.getOrElse(HashMap.get(state.reservations, orderId), () => made)
  if (promise === undefined || events.some(({ _tag }) => _tag === "ReserveRefused")) return { _tag: "NotHeld" }
  return { _tag: "Reserved", allocations: promise.allocations, backOrdered: promise.backOrdered }
}

export const shipResult = (state: State, events: ReadonlyArray<Event>, orderId: OrderId): ShipResult => {
  for (const event of events) {
    if (event._tag === "Shipped" && event.orderId === orderId)
      return { _tag: "Shipped", allocations: event.allocations }
    if (event._tag === "ShipRefused" && event.orderId === orderId) return { _tag: "NotReserved" }
  }
  const reservation = Option.getOrUndefined(HashMap.get(state.reservations, orderId))
  if (reservation === undefined) return { _tag: "NotReserved" }
  return { _tag: "AwaitingStock", backOrdered: reservation.backOrdered }
}

/** All zero at `seq` 0, when nothing was ever written under the id. */
export const view = (id: SkuId, state: State, seq: number): SkuView => {
  const warehouses = state.warehouses.map(({ held, onHand, reserved, warehouse }) => ({
    warehouse,
    onHand,
    held,
    reserved,
    available: onHand - held - reserved
  }))
  const total = (of: (one: (typeof warehouses)[number]) => number) => warehouses.reduce((sum, one) => sum + of(one), 0)
  const totals = {
    onHand: total((one) => one.onHand),
    held: total((one) => one.held),
    reserved: total((one) => one.reserved),
    available: total((one) => one.available),
    shipped: state.warehouses.reduce((sum, one) => sum + one.shipped, 0),
    backOrdered: state.backOrdered
  }
  return new SkuView({ id, warehouses, totals, backOrderAllowed: state.backOrderAllowed, seq }, { disableChecks: true })
}

type Now = Handled<State, Event>
const toView = (id: SkuId, { seq, state }: Now) => Result.succeed(view(id, state, seq))

export const replies = {
  /** Whoever repeats a receipt with another count learns that the first one stands. */
  Receive: (id: SkuId, now: Now, { commandId, quantity, warehouse }: Receive) => {
    const first = now.events.find((event) => event._tag === "Received")
    const isOther = first !== undefined && (first.quantity !== quantity || first.warehouse !== warehouse)
    return isOther ? Result.fail(new CommandReused({ commandId })) : toView(id, now)
  },
  Adjust: toView,
  Hold: (_id: SkuId, { events, state }: Now, { orderId }: Hold) => Result.succeed(holdResult(state, events, orderId)),
  Reserve: (_id: SkuId, { events, state }: Now, { orderId }: Reserve) =>
    Result.succeed(reserveResult(state, events, orderId)),
  Release: done,
  Ship: (_id: SkuId, { events, state }: Now, { orderId }: Ship) => Result.succeed(shipResult(state, events, orderId)),
  Restock: done,
  WriteOff: done,
  AllowBackOrder: toView,
  View: viewReply("Sku", (id: SkuId, state: State, seq) => (seq === 0 ? null : view(id, state, seq)))
}
