import type { Entry, Projection } from "@halles/engine/projections/Projection"
import { CustomerId, OrderId } from "@halles/shared/Ids"
import type { Currency } from "@halles/shared/Money"
import { type BadCursor, bounded, Cursor, decodeCursor, type Page, pageOf } from "@halles/shared/Page"
import { Effect, Schema } from "effect"
import { SqlClient, type Statement } from "effect/sql"
import type { Query } from "../Reads.ts"
import type { Status } from "./Order.ts"
import { disputedOf, disputesAfter } from "./OrderEvolve.ts"
import { OrderSummary } from "./OrderSummary.ts"
import { reopenKey } from "./OrderEvents.ts"
import { type Refused, refundKey, refusedAfter } from "./OrderRefusals.ts"
import type { Event, State } from "./OrderState.ts"

/** Returns by id: how many units, and whether their money is back. */
interface ReturnRow {
  readonly units: number
  readonly amount: number
  readonly refunded: number
  readonly status: "open" | "refunded" | "refused"
}
type Returns = Readonly<Record<string, ReturnRow>>

export interface OrderRow {
  readonly customer_id: string | null
  readonly status: Status
  readonly currency: Currency
  readonly total: number
  readonly authorised: number
  readonly captured: number
  readonly refunded: number
  /** What banks took back and did not give again. */
  readonly disputed: number
  /** Steps that wait for an operator. */
  readonly refused: ReadonlyArray<Refused>
  readonly units: number
  readonly placed_at: string
  readonly updated_at: string
  readonly payable: boolean
  /** It may have come further than this. */
  readonly unsure: Status | null
  /** Its cart is to be told of its end. */
  readonly reopens: boolean
  readonly dispatched: boolean
  readonly delivered: boolean
  readonly returns: Returns
  readonly disputes: State["disputes"]
}

const columns = {
  customer_id: "text",
  status: "text NOT NULL",
  currency: "text NOT NULL",
  total: "bigint NOT NULL",
  authorised: "bigint NOT NULL",
  captured: "bigint NOT NULL",
  refunded: "bigint NOT NULL",
  units: "bigint NOT NULL",
  placed_at: "timestamptz NOT NULL",
  updated_at: "timestamptz NOT NULL",
  // For the fold of the next event only.
  payable: "boolean NOT NULL",
  unsure: "text",
  dispatched: "boolean NOT NULL",
  delivered: "boolean NOT NULL",
  returns: "jsonb NOT NULL",
  reopens: "boolean NOT NULL DEFAULT false",
  // For operators, who look for the few among many.
  disputed: "bigint NOT NULL DEFAULT 0",
  refused: "jsonb NOT NULL DEFAULT '[]'",
  disputes: "jsonb NOT NULL DEFAULT '[]'"
} satisfies Record<keyof OrderRow, string>

const isoTime = (at: number): string => new Date(at).toISOString()

const placed = ({ at, draft }: Extract<Event, { readonly _tag: "Placed" }>): OrderRow => ({
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
  placed_at: isoTime(at),
  updated_at: isoTime(at),
  payable: false,
  unsure: null,
  reopens: false,
  dispatched: false,
  delivered: false,
  returns: {},
  disputes: []
})

/** The same status that the order itself gives itself (`statusOf`), from what one small row can hold. */
const step = (was: OrderRow, event: Exclude<Event, { readonly _tag: "Placed" }>): OrderRow => {
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
    case "StockUnavailable":
    case "HoldLost":
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

const onward = (row: OrderRow, status: Status): OrderRow => ({
  ...row,
  status,
  unsure: row.unsure === null ? null : status
})
const kept = (row: OrderRow): OrderRow => ({ ...row, status: row.unsure ?? "confirmed", reopens: false })
const afterDispatch = (row: OrderRow): OrderRow => (row.status === "shipping" ? row : kept(row))
const afterShipping = (row: OrderRow): OrderRow =>
  row.status === "confirmed" ? { ...row, status: row.delivered ? "delivered" : "shipped" } : row
const afterRelease = (row: OrderRow): OrderRow => (row.payable ? row : afterVoid(row))
const afterVoid = (row: OrderRow): OrderRow =>
  row.status === "cancelling" && !row.reopens ? { ...row, status: "cancelled" } : row

const refusedStep = (row: OrderRow, { givenUp, step }: Extract<Event, { readonly _tag: "StepRefused" }>): OrderRow => {
  switch (step) {
    case "hold":
    case "authorise":
    case "reserve":
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

const returnOf = ({ returns }: OrderRow, returnId: string): ReturnRow =>
  returns[returnId] ?? { units: 0, amount: 0, refunded: 0, status: "open" }

const withReturn = (row: OrderRow, returnId: string, one: ReturnRow): OrderRow =>
  withReturns(row, { ...row.returns, [returnId]: one })
const withReturns = (row: OrderRow, returns: Returns): OrderRow => ({
  ...row,
  returns,
  status: returnedStatus(row, Object.values(returns))
})
/** Returns of which less was paid back than was to be: now there is more to pay it with. */
const refundAgain = (row: OrderRow): OrderRow =>
  Object.values(row.returns).some(isShort)
    ? withReturns(
        row,
        Object.fromEntries(
          Object.entries(row.returns).map(([id, one]) => [id, isShort(one) ? { ...one, status: "open" as const } : one])
        )
      )
    : row
const isShort = ({ amount, refunded, status }: ReturnRow): boolean => status === "refunded" && refunded < amount

const returnedStatus = (row: OrderRow, returns: ReadonlyArray<ReturnRow>): Status => {
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

export const OrderTable: Projection = {
  name: "order",
  version: 4,
  entityType: "Order",
  table: "order_view",
  columns,
  indexes: {
    order_view_customer: "(customer_id, placed_at DESC, id DESC)",
    order_view_refused: "(updated_at) WHERE refused <> '[]'"
  },
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

const OrderCursor = Cursor("orders", [Schema.Int, Schema.String])

interface Read extends Pick<OrderRow, "currency" | "customer_id" | "status"> {
  readonly id: string
  readonly seq: number
  readonly total: bigint
  readonly captured: bigint
  readonly refunded: bigint
  readonly disputed: bigint
  readonly placed_ms: bigint
  readonly updated_ms: bigint
}
const fromRow = (row: Read): OrderSummary =>
  new OrderSummary(
    {
      id: OrderId.make(row.id),
      status: row.status,
      customerId: row.customer_id === null ? null : CustomerId.make(row.customer_id),
      currency: row.currency,
      total: Number(row.total),
      captured: Number(row.captured),
      refunded: Number(row.refunded),
      disputed: Number(row.disputed),
      placedAt: Number(row.placed_ms),
      updatedAt: Number(row.updated_ms),
      seq: row.seq
    },
    { disableChecks: true }
  )

/** A customer's orders, newest first. */
export const orders = (options: {
  readonly customerId: CustomerId
  readonly cursor?: string
  readonly limit: number
}): Query<Page<OrderSummary>, BadCursor> => ({
  name: "orders",
  run: Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const limit = bounded(options.limit)
    const after = yield* decodeCursor(OrderCursor, options.cursor)
    const conditions: Array<Statement.Fragment> = [sql`customer_id = ${options.customerId}`]
    if (after !== null) {
      const [, placedAt, id] = after
      conditions.push(sql`(placed_at, id) < (to_timestamp(${String(placedAt)}::text::double precision / 1000), ${id})`)
    }
    const rows = yield* sql<Read>`
      SELECT id, seq, status, customer_id, currency, total, captured, refunded, disputed,
        (extract(epoch FROM placed_at) * 1000)::bigint AS placed_ms,
        (extract(epoch FROM updated_at) * 1000)::bigint AS updated_ms
      FROM order_view WHERE ${sql.and(conditions)} ORDER BY placed_at DESC, id DESC LIMIT ${limit + 1}`
    return pageOf(rows, limit, fromRow, ({ id, placed_ms }) => ["orders", Number(placed_ms), id])
  })
})
