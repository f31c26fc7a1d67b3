import { linesMax } from "@halles/entities/cart/Cart"
import {
  Cancel,
  Dispute,
  OrderView,
  RequestReturn,
  ReturnLine,
  ReturnView,
  Status,
  Step
} from "@halles/entities/order/Order"
import { LedgerEntry, PaymentView } from "@halles/entities/payment/Payment"
import { ShipmentView } from "@halles/entities/shipment/Shipment"
import { OrderId } from "@halles/shared/Ids"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import * as Edge from "../Edge.ts"
import { Idempotency } from "../idempotency/Idempotency.ts"
import { Money } from "./MoneyJson.ts"
import * as Problems from "../problems/Problems.ts"
import { ChargeJson, LineJson, TotalsJson } from "./SaleJson.ts"
import { WholeNumber } from "../WholeNumber.ts"

export const ReturnJson = Schema.Struct({
  returnId: ReturnView.fields.returnId,
  status: ReturnView.fields.status,
  disposition: ReturnView.fields.disposition,
  lines: Schema.Array(
    Schema.Struct({
      ...ReturnLine.fields,
      /** What was paid for these units: their share of discounts taken off, their tax included. */
      refund: Money
    })
  ),
  /** Shipping and fees that are paid back too: all of them, when a return brings everything of the order back at once. */
  outbound: Money,
  /** What is to be paid back: the refunds of its lines and `outbound`. */
  amount: Money,
  /** What was paid back, once it was. */
  refunded: Money
}).annotate({ identifier: "Return" })

/** Money that a cardholder's bank took back, as far as the payment gateway tells; `won` when it gave it again. */
export const DisputeJson = Schema.Struct({
  reference: Dispute.fields.reference,
  amount: Money,
  status: Dispute.fields.status,
  /** Unix milliseconds of the last word. */
  at: Dispute.fields.at
}).annotate({ identifier: "Dispute" })

const { awaiting, cancelled, cartId, currency, customerId, id, refused, seq, status, steps, trackingNumbers } =
  OrderView.fields
export const OrderJson = Schema.Struct({
  id,
  cartId,
  status,
  customerId,
  currency,
  lines: Schema.Array(LineJson),
  charges: Schema.Array(ChargeJson),
  discount: Money,
  totals: TotalsJson,
  /** `refunded` and `disputed` are parts of `captured`. */
  payment: Schema.Struct({ authorised: Money, captured: Money, refunded: Money, disputed: Money }),
  disputes: Schema.Array(DisputeJson),
  awaiting,
  trackingNumbers,
  returns: Schema.Array(ReturnJson),
  cancelled,
  steps,
  /** What was refused for good and is not tried again by itself, such as a refund to a closed card: the shop looks after it. */
  refused,
  seq
}).annotate({ identifier: "Order" })

/** An order as a list shows it; `GET /v1/orders/{id}` has the rest. */
export const OrderSummaryJson = Schema.Struct({
  id,
  status,
  customerId,
  currency,
  total: Money,
  captured: Money,
  refunded: Money,
  disputed: Money,
  /** Unix milliseconds. */
  placedAt: Schema.Int,
  updatedAt: Schema.Int,
  seq
}).annotate({ identifier: "OrderSummary" })
/** `next` goes into `cursor` for the page after this one. */
export const OrdersJson = Schema.Struct({
  items: Schema.Array(OrderSummaryJson),
  next: Schema.NullOr(Edge.Cursor)
}).annotate({ identifier: "Orders" })

const entry = LedgerEntry.fields
/** What was asked of the payment gateway for an order, and what came of it. The order's own steps move it. */
export const PaymentJson = Schema.Struct({
  orderId: PaymentView.fields.orderId,
  status: PaymentView.fields.status,
  authorised: Money,
  captured: Money,
  refunded: Money,
  /** What cardholders' banks took back and did not give again. */
  disputed: Money,
  ledger: Schema.Array(
    Schema.Struct({
      kind: entry.kind,
      reference: entry.reference,
      amount: Money,
      status: entry.status,
      reason: entry.reason,
      at: entry.at
    })
  ),
  seq: PaymentView.fields.seq
}).annotate({ identifier: "Payment" })

export const ShipmentJson = Schema.Struct(ShipmentView.fields).annotate({ identifier: "Shipment" })

export const RequestedReturnJson = Schema.Struct({
  returnId: ReturnView.fields.returnId,
  status: ReturnView.fields.status,
  order: OrderJson
}).annotate({ identifier: "RequestedReturn" })

export const StepEvent = Schema.Struct({ ...Step.fields, status: Status }).annotate({ identifier: "StepEvent" })

/** The `seq` of the last step that the client has seen. */
const LastEventId = WholeNumber({ minimum: 0, blank: true })

const params = { id: OrderId }

const read = { params, error: [Problems.notFound] }

export class OrderApi extends HttpApiGroup.make("orders")
  .add(
    HttpApiEndpoint.get("getOrder", "/orders/:id", { params, success: OrderJson, error: [Problems.notFound] }).annotate(
      OpenApi.Summary,
      "The order with its history"
    ),
    HttpApiEndpoint.get("getPayment", "/orders/:id/payment", { ...read, success: PaymentJson }).annotate(
      OpenApi.Summary,
      "What was authorised, captured and refunded"
    ),
    HttpApiEndpoint.get("getShipment", "/orders/:id/shipment", { ...read, success: ShipmentJson }).annotate(
      OpenApi.Summary,
      "Parcels and where they are"
    ),
    HttpApiEndpoint.get("getReturn", "/orders/:id/returns/:returnId", {
      params: { id: OrderId, returnId: RequestReturn.fields.returnId },
      success: ReturnJson,
      error: [Problems.notFound]
    }).annotate(OpenApi.Summary, "What became of goods sent back"),
    HttpApiEndpoint.get("watchOrder", "/orders/:id/events", {
      params,
      headers: { "last-event-id": Schema.optionalKey(LastEventId) },
      success: [HttpApiSchema.StreamSse({ data: StepEvent }), HttpApiSchema.NoContent],
      error: [Problems.notFound]
    }).annotate(
      OpenApi.Summary,
      "The history, then each new step; resumes after Last-Event-ID, 204 once nothing can follow"
    ),
    HttpApiEndpoint.post("cancelOrder", "/orders/:id/cancel", {
      params,
      headers: Edge.changing,
      payload: Schema.Struct({ reason: Schema.optionalKey(Cancel.fields.reason) }),
      success: OrderJson,
      error: [Problems.notFound, Problems.preconditionFailed, Problems.tooLateToCancel]
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "Cancel, until the goods have left"),
    HttpApiEndpoint.post("requestReturn", "/orders/:id/returns", {
      params,
      headers: Edge.changing,
      payload: Schema.Struct({
        lines: Schema.Array(
          Schema.Struct({
            sku: ReturnLine.fields.sku,
            quantity: ReturnLine.fields.quantity,
            variant: Schema.optionalKey(ReturnLine.fields.variant)
          })
        ).check(Schema.isMinLength(1), Schema.isMaxLength(linesMax)),
        reason: Schema.optionalKey(RequestReturn.fields.reason),
        disposition: RequestReturn.fields.disposition
      }),
      success: RequestedReturnJson.pipe(HttpApiSchema.status(202)),
      error: [
        Problems.notFound,
        Problems.preconditionFailed,
        Problems.notShipped,
        Problems.returnExceeds,
        Problems.tooManyReturns
      ]
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "Send goods back")
  )
  .prefix("/v1")
  .annotate(OpenApi.Title, "Orders") {}
