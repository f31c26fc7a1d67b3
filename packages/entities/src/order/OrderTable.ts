import * as Table from "@halles/engine/projections/Table"
import { type CustomerId, OrderId } from "@halles/shared/Ids"
import { Schema } from "effect"
import * as TableList from "../routes/TableList.ts"
import { Status } from "./Order.ts"
import { disputedOf, disputesAfter } from "./OrderEvolve.ts"
import { OrderSummary } from "./OrderSummary.ts"
import { reopenKey } from "./OrderEvents.ts"
import { refundKey, refusedAfter } from "./OrderRefusals.ts"
import * as OrderState from "./OrderState.ts"

type Event = OrderState.Event

/** How many units, and whether their money is back. */
const Return = Schema.Struct({
  units: Schema.Int,
  amount: Schema.Int,
  refunded: Schema.Int,
  status: Schema.Literals(["open", "refunded", "refused"])
})
type Return = typeof Return.Type

const { captured, currency, customerId, disputed, refunded, total } = OrderSummary.fields
const { authorised, delivered, dispatched, disputes, payable, refused } = OrderState.State.fields
const columns = {
  customer_id: customerId,
  status: Status,
  currency,
  total,
  authorised,
  captured,
  refunded,
  units: Schema.Int,
  placed_at: Table.Time,
  updated_at: Table.Time,
  // For the fold of the next event only.
  payable,
  /** It may have come further than this. */
  unsure: Schema.NullOr(Status),
  dispatched,
  delivered,
  returns: Schema.Record(Schema.String, Return),
  /** Its cart is to be told of its end. */
  reopens: Schema.Boolean,
  // For operators, who look for the few among many.
  /** What banks took back and did not give again. */
  disputed,
  /** Steps that wait for an operator. */
  refused,
  disputes
}
type Row = Table.RowOf<typeof columns>

const placed = ({ at, draft }: Extract<Event, { readonly _tag: "Placed" }>): Row => ({
  customer_id: draft.customerId,
  status: "created",
  currency: draft.currency,
  total: draft.totals.total,
  authorised: 0,
  captured: 0,
  refunded: 0,
  disputed: 0,
  refused: [],
  units: draft.lines.reduce((sum, { quantity }) => sum + quantity, 0),
  placed_at: at,
  updated_at: at,
  payable: false,
  unsure: null,
  reopens: false,
  dispatched: false,
  delivered: false,
  returns: {},
  disputes: []
})

/** The same status that the order itself gives itself (`statusOf`), from what one small row can hold. */
const step = (was: Row, event: Exclude<Event, { readonly _tag: "Placed" }>): Row => {
  const row = { ...was, refused: refusedAfter(was.refused, event) }
  switch (event._tag) {
    case "Resumed":
      return { ...row, unsure: row.status }
    case "StockHeld":
      return { ...onward(row, "payment"), payable: true }
    case "PaymentAuthorised":
      return { ...onward(row, "reserving"), authorised: event.amount }
    case "PaymentDeclined":
      return { ...row, status: "cancelling", payable: false, reopens: true }
    case "StockAwaited":
      return { ...row, status: "awaiting_stock", unsure: null }
    case "StockReserved":
      return { ...row, status: "shipping", unsure: null }
    case "HoldLost":
      return { ...row, status: "cancelling", payable: row.payable || row.unsure !== null, reopens: true }
    case "StockUnavailable":
    case "ShipmentRefused":
      return { ...row, status: "cancelling", reopens: true }
    case "ShipmentRecalled":
      return { ...row, status: "cancelling" }
    case "CancelRequested":
      return { ...row, status: "cancelling", payable: row.payable || row.unsure !== null }
    case "ShipmentBooked":
      return { ...row, status: "confirmed" }
    case "RecallRefused":
      return kept(row)
    case "Dispatched":
      return { ...afterDispatch(row), dispatched: true }
    case "PaymentCaptured":
      return refundAgain({ ...row, captured: event.amount })
    case "StockShipped":
      return afterShipping(row)
    case "Delivered":
      return { ...row, delivered: true, status: row.status === "shipped" ? "delivered" : row.status }
    case "StockReleased":
      return afterRelease(row)
    case "PaymentVoided":
      return afterVoid(row)
    case "CartReopened":
      return { ...row, status: "cancelled" }
    case "CustomerNoted":
    case "RetryRequested":
    case "RefundReduced":
    case "ReturnLabelled":
    case "ReturnReceived":
    case "ReturnStocked":
      return row
    case "ReturnRequested":
      return withReturn(row, event.returnId, {
        units: event.lines.reduce((sum, { quantity }) => sum + quantity, 0),
        amount: event.amount,
        refunded: 0,
        status: "open"
      })
    case "ReturnRefused":
      return withReturn(row, event.returnId, { ...returnOf(row, event.returnId), status: "refused" })
    case "ReturnRefunded": {
      const one = returnOf(row, event.returnId)
      const paid = { ...one, refunded: one.refunded + event.amount, status: "refunded" as const }
      return withReturn({ ...row, refunded: row.refunded + event.amount }, event.returnId, paid)
    }
    case "StepRefused":
      return refusedStep(row, event)
    case "StepSkipped": {
      if (event.step === reopenKey) return { ...row, status: "cancelled" }
      const settled = Object.keys(row.returns).find((returnId) => refundKey(returnId) === event.step)
      if (settled === undefined) return row
      const one = returnOf(row, settled)
      return withReturn(row, settled, { ...one, amount: one.refunded, status: "refunded" })
    }
    case "ChargedBack":
    case "DisputeWon": {
      const disputes = disputesAfter(row.disputes, event)
      const now = { ...row, disputes, disputed: disputedOf({ disputes }) }
      return event._tag === "DisputeWon" ? refundAgain(now) : now
    }
  }
}

const onward = (row: Row, status: Status): Row => ({
  ...row,
  status,
  unsure: row.unsure === null ? null : status
})
const kept = (row: Row): Row => ({ ...row, status: row.unsure ?? "confirmed", reopens: false })
const afterDispatch = (row: Row): Row => (row.status === "shipping" ? row : kept(row))
const afterShipping = (row: Row): Row =>
  row.status === "confirmed" ? { ...row, status: row.delivered ? "delivered" : "shipped" } : row
const afterRelease = (row: Row): Row => (row.payable ? row : afterVoid(row))
const afterVoid = (row: Row): Row =>
  row.status === "cancelling" && !row.reopens ? { ...row, status: "cancelled" } : row

const refusedStep = (row: Row, { givenUp, step }: Extract<Event, { readonly _tag: "StepRefused" }>): Row => {
  switch (step) {
    case "hold":
    case "authorise":
    case "await":
    case "book":
      return { ...row, status: "cancelling", payable: row.payable || row.unsure !== null, reopens: true }
    case "ship":
      return afterShipping(row)
    case "recall":
      return givenUp === true ? row : kept(row)
    case "release":
      return afterRelease(row)
    case "void":
      return afterVoid(row)
    case "reopen":
      return { ...row, status: "cancelled" }
    case "note":
    case "capture":
    case "stock":
    case "refund":
      return row
  }
}

const returnOf = ({ returns }: Row, returnId: string): Return =>
  returns[returnId] ?? { units: 0, amount: 0, refunded: 0, status: "open" }

const withReturn = (row: Row, returnId: string, one: Return): Row =>
  withReturns(row, { ...row.returns, [returnId]: one })
const withReturns = (row: Row, returns: Row["returns"]): Row => ({
  ...row,
  returns,
  status: returnedStatus(row, Object.values(returns))
})
/** Returns of which less was paid back than was to be: now there is more to pay it with. */
const refundAgain = (row: Row): Row =>
  Object.values(row.returns).some(isShort)
    ? withReturns(
        row,
        Object.fromEntries(
          Object.entries(row.returns).map(([id, one]) => [id, isShort(one) ? { ...one, status: "open" as const } : one])
        )
      )
    : row
const isShort = ({ amount, refunded, status }: Return): boolean => status === "refunded" && refunded < amount

const returnedStatus = (row: Row, returns: ReadonlyArray<Return>): Status => {
  const shipped = row.delivered ? "delivered" : "shipped"
  if (!returns.some(({ status }) => status === "refunded")) return shipped
  const kept = returns.filter(({ status }) => status !== "refused")
  const all = kept.reduce((sum, { units }) => sum + units, 0) === row.units
  return all && kept.every(({ status }) => status === "refunded") ? "returned" : "partially_returned"
}

export const OrderTable = Table.make(OrderState, {
  name: "order",
  version: 5,
  columns,
  indexes: {
    customer: "(customer_id, placed_at DESC, id DESC)",
    refused: "(updated_at) WHERE refused <> '[]'"
  },
  fold: (row, event, at) => {
    const after = event._tag === "Placed" ? placed(event) : row && step(row, event)
    return after && { ...after, updated_at: at }
  },
  cached: {
    prefix: "order_status",
    ttlSeconds: 3_600,
    value: ({ id, seq, status, updated_at }) => ({ id, status, seq, updatedAt: new Date(updated_at).toISOString() })
  }
})

/** A customer's orders, newest first. */
export const customerOrders = TableList.make(OrderTable, {
  name: "orders",
  by: ["placed_at", "id"],
  descending: true,
  where: (sql, { customerId }: { readonly customerId: CustomerId }) => sql`customer_id = ${customerId}`,
  reads: ["customer_id", "status", "currency", "total", "captured", "refunded", "disputed", "placed_at", "updated_at"],
  item: ({ customer_id: customerId, id, placed_at: placedAt, updated_at: updatedAt, ...row }) =>
    new OrderSummary({ ...row, id: OrderId.make(id), customerId, placedAt, updatedAt }, { disableChecks: true }),
  key: ({ id, placedAt }) => [placedAt, id]
})
