import type { OrderId, SkuId } from "@halles/shared/Ids"
import { CommandReused } from "@halles/engine/eventsourced/EntityErrors"
import type { Handled } from "@halles/engine/eventsourced/Kind"
import { done, viewReply } from "@halles/engine/eventsourced/Replies"
import { Result } from "effect"
import { type Hold, type HoldResult, type Receive, type Ship, type ShipResult, SkuView } from "./Sku.ts"
import { type Event, promiseOf, type State } from "./SkuEvents.ts"

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
  const promise = promiseOf(state, orderId)
  if (promise === undefined) return { _tag: "NoStock", available: 0 }
  const { allocations, backOrdered } = promise
  return { _tag: "Held", allocations, backOrdered, expiresAt: "expiresAt" in promise ? promise.expiresAt : never }
}

export const shipResult = (state: State, events: ReadonlyArray<Event>, orderId: OrderId): ShipResult => {
  for (const event of events) {
    if (event._tag === "Shipped" && event.orderId === orderId)
      return { _tag: "Shipped", allocations: event.allocations }
    if (event._tag === "ShipRefused" && event.orderId === orderId) return { _tag: "NotReserved" }
  }
  const promise = promiseOf(state, orderId)
  if (promise === undefined) return { _tag: "NotReserved" }
  return { _tag: "AwaitingStock", backOrdered: promise.backOrdered }
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
  Release: done,
  Ship: (_id: SkuId, { events, state }: Now, { orderId }: Ship) => Result.succeed(shipResult(state, events, orderId)),
  Restock: done,
  WriteOff: done,
  AllowBackOrder: toView,
  HeldFor: (_id: SkuId, { state }: Now, { orderId }: { readonly orderId: OrderId }) =>
    Result.succeed(holdResult(state, [], orderId)),
  View: viewReply("Sku", (id: SkuId, state: State, seq) => (seq === 0 ? null : view(id, state, seq)))
}
