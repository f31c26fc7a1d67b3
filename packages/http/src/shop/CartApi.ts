import { CartView, Charge, CheckOut, Coupon, OpenCart, Pricing, PutLine } from "@halles/entities/cart/Cart"
import { StockLevel } from "@halles/entities/inventory/Sku"
import { CartId, SkuCode } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import * as Edge from "../Edge.ts"
import { Idempotency } from "../idempotency/Idempotency.ts"
import { Price, StatedMoney } from "./MoneyJson.ts"
import { OrderJson } from "./OrderApi.ts"
import * as Problems from "../problems/Problems.ts"
import { ChargeJson, LineJson, TotalsJson } from "./SaleJson.ts"

/**
 * What could be sold of the line's SKU, to all lines of it together: enough; enough once more has come in; less than is
 * in the cart; nothing.
 */
export const Availability = Schema.Literals(["in_stock", "back_order", "insufficient", "out_of_stock"])

/** With `availability` and the units that it goes by where an open cart is read, if the stock is known at that moment. */
const CartLineJson = Schema.Struct({
  ...LineJson.fields,
  availability: Schema.optionalKey(Availability),
  available: Schema.optionalKey(StockLevel.fields.available)
}).annotate({ identifier: "CartLine" })

const { coupon, currency, customerId, id, lastFailure, mergedInto, notices, orderId, pricing, seq, status } =
  CartView.fields
export const CartJson = Schema.Struct({
  id,
  status,
  currency,
  pricing,
  customerId,
  lines: Schema.Array(CartLineJson),
  charges: Schema.Array(ChargeJson),
  coupon,
  totals: TotalsJson,
  orderId,
  mergedInto,
  lastFailure,
  notices,
  seq
}).annotate({ identifier: "Cart" })

/** The order as it is now, with its id under the name that the cart knows it by. */
export const CheckoutJson = Schema.Struct({ orderId: OrderJson.fields.id, ...OrderJson.fields }).annotate({
  identifier: "Checkout"
})

const params = { id: CartId }
const lineParams = { id: CartId, sku: SkuCode }
const lineErrors = [
  Problems.notFound,
  Problems.preconditionFailed,
  Problems.cartClosed,
  Problems.cartFull,
  Problems.notSold,
  Problems.pricingMismatch
]
/** Nothing with `Prefer: return=minimal`. */
const changed = [CartJson, HttpApiSchema.NoContent] as const
const created = CartJson.pipe(HttpApiSchema.status(201))

export class CartApi extends HttpApiGroup.make("carts")
  .add(
    HttpApiEndpoint.post("openCart", "/carts", {
      headers: Edge.keyed,
      payload: Schema.Struct({
        region: Region,
        currency: OpenCart.fields.currency,
        customerId: OpenCart.fields.customerId,
        /** `agreed` needs the import scope. */
        pricing: Schema.optionalKey(Pricing)
      }),
      success: created,
      error: [Problems.alreadyExists, Problems.unauthorized, Problems.forbidden]
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "Open a cart in a region"),
    HttpApiEndpoint.get("getCart", "/carts/:id", { params, success: CartJson, error: [Problems.notFound] }).annotate(
      OpenApi.Summary,
      "The cart as it is now"
    ),
    HttpApiEndpoint.put("putLine", "/carts/:id/lines/:sku", {
      params: lineParams,
      headers: { ...Edge.changing, ...Edge.preferMinimal },
      payload: Schema.Struct({
        quantity: PutLine.fields.quantity,
        variant: Schema.optionalKey(PutLine.fields.variant),
        /** Only with agreed pricing, and with the import scope. */
        unitPrice: Schema.optionalKey(Price)
      }),
      success: changed,
      error: [
        Problems.notFound,
        Problems.preconditionFailed,
        Problems.cartClosed,
        Problems.cartFull,
        Problems.notSold,
        Problems.pricingMismatch,
        Problems.currencyMismatch,
        Problems.unauthorized,
        Problems.forbidden
      ]
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "The line has this quantity from now on"),
    HttpApiEndpoint.post("addLine", "/carts/:id/lines", {
      params,
      headers: { ...Edge.changingKeyRequired, ...Edge.preferMinimal },
      payload: Schema.Struct({
        sku: SkuCode,
        quantity: PutLine.fields.quantity,
        variant: Schema.optionalKey(PutLine.fields.variant)
      }),
      success: changed,
      error: lineErrors
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "The line has this much more"),
    HttpApiEndpoint.post("reprice", "/carts/:id/reprice", {
      params,
      headers: Edge.changing,
      success: CartJson,
      error: lineErrors
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "Take the prices of now"),
    HttpApiEndpoint.put("putCoupon", "/carts/:id/coupon", {
      params,
      headers: Edge.changing,
      payload: Coupon,
      success: CartJson,
      error: lineErrors
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "A percentage off the goods"),
    HttpApiEndpoint.delete("removeCoupon", "/carts/:id/coupon", {
      params,
      headers: Edge.changing,
      success: CartJson,
      error: lineErrors
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "Take the coupon off"),
    HttpApiEndpoint.delete("removeLine", "/carts/:id/lines/:sku", {
      params: lineParams,
      query: { variant: Schema.optionalKey(PutLine.fields.variant) },
      headers: { ...Edge.changing, ...Edge.preferMinimal },
      success: changed,
      error: [
        Problems.notFound,
        Problems.preconditionFailed,
        Problems.cartClosed,
        Problems.cartFull,
        Problems.notSold,
        Problems.pricingMismatch
      ]
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "Take a line out; harmless when it is not there"),
    HttpApiEndpoint.put("putCharge", "/carts/:id/charges/:code", {
      params: { id: CartId, code: Charge.fields.code },
      headers: Edge.changing,
      payload: Schema.Struct({ kind: Charge.fields.kind, amount: StatedMoney }),
      success: CartJson,
      error: [
        Problems.notFound,
        Problems.preconditionFailed,
        Problems.cartClosed,
        Problems.cartFull,
        Problems.notSold,
        Problems.pricingMismatch,
        Problems.currencyMismatch
      ]
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "A charge or a discount that was agreed on"),
    HttpApiEndpoint.post("mergeCart", "/carts/:id/merge", {
      params,
      headers: Edge.changing,
      payload: Schema.Struct({ from: CartId }),
      success: CartJson,
      error: [Problems.notFound, Problems.preconditionFailed, Problems.cartClosed, Problems.mergeRefused]
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "Take over all lines of another cart, which is closed"),
    HttpApiEndpoint.post("checkOut", "/carts/:id/checkout", {
      params,
      headers: {
        ...Edge.changingKeyRequired,
        /** `wait=N`: answer once the order is decided, or after N seconds (at most 30). */
        prefer: Schema.optionalKey(Schema.String)
      },
      payload: Schema.Struct({
        email: CheckOut.fields.email,
        shippingAddress: CheckOut.fields.shippingAddress,
        paymentToken: CheckOut.fields.paymentToken,
        /** What the customer saw and agreed to pay. */
        expectedTotal: Schema.optionalKey(Price)
      }),
      success: [CheckoutJson.pipe(HttpApiSchema.status(201)), CheckoutJson.pipe(HttpApiSchema.status(202))],
      error: [
        Problems.notFound,
        Problems.preconditionFailed,
        Problems.cartClosed,
        Problems.cartEmpty,
        Problems.cartFull,
        Problems.notSold,
        Problems.totalChanged
      ]
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "Turn the cart into an order")
  )
  .prefix("/v1")
  .annotate(OpenApi.Title, "Carts") {}
