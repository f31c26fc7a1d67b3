import { CustomerId, OrderId } from "@halles/shared/Ids"
import { Amount, Currency } from "@halles/shared/Money"
import { Schema } from "effect"
import { type OrderView, Status } from "./Order.ts"

/** An order as a list shows it; `GET /orders/{id}` has the rest. */
export class OrderSummary extends Schema.Class<OrderSummary>("OrderSummary")({
  id: OrderId,
  status: Status,
  customerId: Schema.NullOr(CustomerId),
  currency: Currency,
  total: Schema.Int,
  captured: Amount,
  refunded: Amount,
  disputed: Amount,
  /** Unix milliseconds. */
  placedAt: Schema.Int,
  updatedAt: Schema.Int,
  seq: Schema.Int
}) {}

/** The same of an order that the list does not have yet. */
export const summaryOf = (view: OrderView): OrderSummary =>
  new OrderSummary(
    {
      id: view.id,
      status: view.status,
      customerId: view.customerId,
      currency: view.currency,
      total: view.totals.total,
      captured: view.payment.captured,
      refunded: view.payment.refunded,
      disputed: view.payment.disputed,
      placedAt: view.steps[0]?.at ?? 0,
      updatedAt: view.steps.at(-1)?.at ?? 0,
      seq: view.seq
    },
    { disableChecks: true }
  )
