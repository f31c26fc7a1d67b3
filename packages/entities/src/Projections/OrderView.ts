import type { Status } from "../Order.ts"
import { reopenKey } from "../Order/OrderEvents.ts"
import type { Event } from "../Order/OrderState.ts"
import type { Entry, Projection } from "./Projection.ts"

/** Returns by id: how many units, and whether their money is back. */
type Returns = Readonly<Record<string, { readonly units: number; readonly status: "open" | "refunded" | "refused" }>>

export interface OrderRow {
  readonly customer_id: string | null
  readonly status: Status
  readonly currency: string
  readonly total: number
  readonly authorised: number
  readonly captured: number
  readonly refunded: number
  readonly units: number
  readonly placed_at: string
  readonly updated_at: string
  readonly payable: boolean
  /** Its cart is to be told of its end. */
  readonly reopens: boolean
  readonly dispatched: boolean
  readonly delivered: boolean
  readonly returns: Returns
}

const columnsOf: Record<keyof OrderRow, true> = {
  customer_id: true,
  status: true,
  currency: true,
  total: true,
  authorised: true,
  captured: true,
  refunded: true,
  units: true,
  placed_at: true,
  updated_at: true,
  payable: true,
  reopens: true,
  dispatched: true,
  delivered: true,
  returns: true
}

const isoTime = (at: number): string => new Date(at).toISOString()

const placed = ({ at, draft }: Extract<Event, { readonly _tag: "Placed" }>): OrderRow => ({
  customer_id: draft.customerId,
  status: "created",
  currency: draft.currency,
  total: draft.totals.total,
  authorised: 0,
  captured: 0,
  refunded: 0,
  units: draft.lines.reduce((sum, { quantity }) => sum + quantity, 0),
  placed_at: isoTime(at),
  updated_at: isoTime(at),
  payable: false,
  reopens: false,
  dispatched: false,
  delivered: false,
  returns: {}
})

/** The same status that the order itself gives itself (`statusOf`), from what one small row can hold. */
const step = (row: OrderRow, event: Exclude<Event, { readonly _tag: "Placed" }>): OrderRow => {
  switch (event._tag) {
    case "StockHeld":
      return { ...row, status: "payment", payable: true }
    case "PaymentAuthorised":
      return { ...row, status: "reserving", authorised: event.amount }
    case "PaymentDeclined":
      return { ...row, status: "cancelling", payable: false, reopens: true }
    case "StockAwaited":
      return { ...row, status: "awaiting_stock" }
    case "StockReserved":
      return { ...row, status: "shipping" }
    case "StockUnavailable":
    case "HoldLost":
    case "ShipmentRefused":
      return { ...row, status: "cancelling", reopens: true }
    case "ShipmentRecalled":
    case "CancelRequested":
      return { ...row, status: "cancelling" }
    case "ShipmentBooked":
    case "RecallRefused":
      return { ...row, status: "confirmed" }
    case "Dispatched":
      return { ...row, dispatched: true, status: row.status === "shipping" ? "shipping" : "confirmed" }
    case "PaymentCaptured":
      return { ...row, captured: event.amount }
    case "StockShipped":
      return { ...row, status: row.delivered ? "delivered" : "shipped" }
    case "Delivered":
      return { ...row, delivered: true, status: row.status === "shipped" ? "delivered" : row.status }
    case "StockReleased":
      return { ...row, status: row.payable || row.reopens ? "cancelling" : "cancelled" }
    case "PaymentVoided":
      return { ...row, status: row.reopens ? "cancelling" : "cancelled" }
    case "CartReopened":
      return { ...row, status: "cancelled" }
    case "StepSkipped":
      return event.step === reopenKey ? { ...row, status: "cancelled" } : row
    case "CustomerNoted":
    case "RetryRequested":
    case "ReturnLabelled":
    case "ReturnReceived":
    case "ReturnStocked":
      return row
    case "ReturnRequested":
      return withReturn(row, event.returnId, {
        units: event.lines.reduce((sum, { quantity }) => sum + quantity, 0),
        status: "open"
      })
    case "ReturnRefused":
      return withReturn(row, event.returnId, { units: row.returns[event.returnId]?.units ?? 0, status: "refused" })
    case "ReturnRefunded":
      return withReturn({ ...row, refunded: row.refunded + event.amount }, event.returnId, {
        units: row.returns[event.returnId]?.units ?? 0,
        status: "refunded"
      })
  }
}

const withReturn = (row: OrderRow, returnId: string, one: Returns[string]): OrderRow => {
  const returns = { ...row.returns, [returnId]: one }
  return { ...row, returns, status: returnedStatus(row, Object.values(returns)) }
}

const returnedStatus = (row: OrderRow, returns: ReadonlyArray<Returns[string]>): Status => {
  const shipped = row.delivered ? "delivered" : "shipped"
  if (!returns.some(({ status }) => status === "refunded")) return shipped
  const kept = returns.filter(({ status }) => status !== "refused")
  const all = kept.reduce((sum, { units }) => sum + units, 0) === row.units
  return all && kept.every(({ status }) => status === "refunded") ? "returned" : "partially_returned"
}

export const fold = (before: OrderRow | null, { at, events }: Pick<Entry, "at" | "events">): OrderRow => {
  let row = before
  for (const event of events as ReadonlyArray<Event>) {
    if (event._tag === "Placed") row = placed(event)
    else if (row !== null) row = step(row, event)
  }
  if (row === null) throw new Error("an order's first event is Placed")
  return { ...row, updated_at: isoTime(at) }
}

export const OrderView: Projection = {
  name: "order",
  version: 2,
  entityType: "Order",
  table: "order_view",
  columns: Object.keys(columnsOf),
  fold: (before, entry) => fold(before as OrderRow | null, entry),
  cached: {
    prefix: "order_status",
    ttlSeconds: 3_600,
    value: (row) => {
      const { id, seq, status, updated_at } = row as OrderRow & { readonly id: string; readonly seq: number }
      return { id, status, seq, updatedAt: updated_at }
    }
  }
}
