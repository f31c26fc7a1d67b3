import { Money } from "@halles/shared/wire/MoneyJson"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { Schema } from "effect"
import { ChargeJson, gbp, LineJson, sale, saleId, TotalsJson } from "../sale/SaleJson.ts"
import { Dispute, OrderView, ReturnLine, ReturnView } from "./Order.ts"
import { OrderSummary } from "./OrderSummary.ts"

const goodsBack = {
  returnId: "q2Wd9Yt6Jm1Kp4Xs7Bz0Nc",
  status: "requested",
  disposition: "restock",
  lines: [{ sku: "TEA-01", variant: "", quantity: 1, refund: gbp("594") }],
  outbound: gbp("0"),
  amount: gbp("594"),
  refunded: gbp("0")
}
export const ReturnJson = ViewJson.object<typeof ReturnView.Type>()(
  "Return",
  {
    ...ReturnView.fields,
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
  },
  { sample: goodsBack }
)

/** Money that a cardholder's bank took back, as far as the payment gateway tells; `won` when it gave it again. */
export const DisputeJson = ViewJson.object<typeof Dispute.Type>()(
  "Dispute",
  { ...Dispute.fields, amount: Money },
  { sample: { reference: "dp_1NqZ4k", amount: gbp("1662"), status: "charged_back", at: 1_796_292_000_000 } }
)

export const orderSample = {
  id: saleId,
  cartId: saleId,
  status: "confirmed",
  customerId: null,
  currency: "GBP",
  lines: sale.lines,
  charges: sale.charges,
  discount: gbp("0"),
  totals: sale.totals,
  payment: { authorised: gbp("1662"), captured: gbp("0"), refunded: gbp("0"), disputed: gbp("0") },
  disputes: [],
  awaiting: [],
  trackingNumbers: ["HC-0042-7719"],
  returns: [],
  cancelled: null,
  steps: [
    { seq: 1, step: "created", at: 1_793_613_600_000, detail: null },
    { seq: 2, step: "stock_held", at: 1_793_613_600_020, detail: null },
    { seq: 3, step: "payment_authorised", at: 1_793_613_600_090, detail: null },
    { seq: 4, step: "stock_reserved", at: 1_793_613_600_110, detail: null },
    { seq: 5, step: "confirmed", at: 1_793_613_600_180, detail: null }
  ],
  refused: [],
  seq: 5
}
export const OrderJson = ViewJson.object<OrderView>()(
  "Order",
  {
    ...OrderView.fields,
    lines: Schema.Array(LineJson),
    charges: Schema.Array(ChargeJson),
    discount: Money,
    totals: TotalsJson,
    /** `refunded` and `disputed` are parts of `captured`. */
    payment: Schema.Struct({ authorised: Money, captured: Money, refunded: Money, disputed: Money }),
    disputes: Schema.Array(DisputeJson),
    returns: Schema.Array(ReturnJson)
  },
  { sample: orderSample }
)

/** An order as a list shows it; `GET /v1/orders/{id}` has the rest. */
export const OrderSummaryJson = ViewJson.object<OrderSummary>()(
  "OrderSummary",
  { ...OrderSummary.fields, total: Money, captured: Money, refunded: Money, disputed: Money },
  {
    sample: {
      id: saleId,
      status: "confirmed",
      customerId: "eu_c7Hn2sVfJk9QaRxUe4TzMg",
      currency: "GBP",
      total: gbp("1662"),
      captured: gbp("0"),
      refunded: gbp("0"),
      disputed: gbp("0"),
      placedAt: 1_793_613_600_000,
      updatedAt: 1_793_613_600_180,
      seq: 5
    }
  }
)

interface Requested {
  readonly returnId: string
  readonly status: string
  readonly order: OrderView
}
export const RequestedReturnJson = ViewJson.object<Requested>()(
  "RequestedReturn",
  { returnId: ReturnView.fields.returnId, status: ReturnView.fields.status, order: OrderJson },
  {
    sample: {
      returnId: goodsBack.returnId,
      status: goodsBack.status,
      order: { ...orderSample, status: "delivered", returns: [goodsBack] }
    }
  }
)
