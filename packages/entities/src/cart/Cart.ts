import { Refusal } from "@halles/shared/wire/Refusal"
import { Address } from "@halles/shared/Address"
import { Email } from "@halles/shared/Email"
import { commandFields } from "@halles/shared/Command"
import { CartId, CustomerId, OrderId, SkuCode } from "@halles/shared/Ids"
import { Amount, Currency, Minor } from "@halles/shared/Money"
import { Quantity } from "@halles/shared/Quantity"
import { Schema } from "effect"
import * as Contract from "@halles/engine/eventsourced/Contract"
import { AlreadyExists, CommandReused, NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { Parts } from "../catalogue/Parts.ts"
import { Price, Title } from "../catalogue/Product.ts"
import { Variant, SaleLine, Charge, Totals, Coupon, Failure } from "../sale/Sale.ts"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"

/**
 * `shop`: prices, tax and shipping are the shop's, read again at checkout. `agreed`: a caller with the import scope
 * states unit price and charges; the shop adds nothing.
 */
export const Pricing = Schema.Literals(["shop", "agreed"])

export class OpenCart extends Schema.TaggedClass<OpenCart>()("OpenCart", {
  ...commandFields,
  currency: Currency,
  pricing: Pricing,
  customerId: Schema.optionalKey(CustomerId)
}) {}

const lineFields = {
  ...commandFields,
  sku: SkuCode,
  variant: Variant,
  quantity: Quantity,
  /** With agreed pricing: what the caller and the customer agreed on. */
  agreedPrice: Schema.optionalKey(Amount),
  /** What the product says; filled in by `CartLive`. */
  listing: Schema.optionalKey(Schema.Struct({ title: Title, price: Price, parts: Schema.optionalKey(Parts) }))
}
/** The line has this quantity from now on. */
export class PutLine extends Schema.TaggedClass<PutLine>()("PutLine", lineFields) {}
/** The line has this much more; made safe to repeat by its command id. */
export class AddLine extends Schema.TaggedClass<AddLine>()("AddLine", lineFields) {}
/** Removing what is not there is harmless. */
export class RemoveLine extends Schema.TaggedClass<RemoveLine>()("RemoveLine", {
  ...commandFields,
  sku: SkuCode,
  variant: Variant
}) {}
/** Lines that one command may state: so many listings are asked, and one row holds them. */
export const linesAtOnceMax = 100
/** One of many lines: 0 takes it out, `more` is on top of what is there. */
export const LineChange = Schema.Struct({
  sku: SkuCode,
  variant: Variant,
  quantity: Schema.Union([Schema.Literal(0), Quantity]),
  more: Schema.optionalKey(Schema.Literal(true)),
  agreedPrice: lineFields.agreedPrice,
  listing: lineFields.listing
})
export type LineChange = typeof LineChange.Type
/**
 * States many lines, in this order. Each takes effect or is refused by itself, all in one row; the answer tells which, not the
 * cart, so that what a cart of many lines costs to fill does not grow with the square of their number.
 */
export class PutLines extends Schema.TaggedClass<PutLines>()("PutLines", {
  ...commandFields,
  lines: Schema.Array(LineChange).check(Schema.isMinLength(1), Schema.isMaxLength(linesAtOnceMax))
}) {}
/** Why a line of many is as it was. */
export const LineRefused = Schema.Struct({
  index: Schema.Int,
  reason: Schema.Union([
    Schema.TaggedStruct("NotSold", {}),
    Schema.TaggedStruct("PricingMismatch", { pricing: Pricing }),
    Schema.TaggedStruct("CartFull", { bound: Schema.String, max: Schema.Int })
  ])
})
export type LineRefused = typeof LineRefused.Type
/** Of what was taken; `refused` names the other lines. */
export const PutLinesResult = Schema.Struct({ seq: Schema.Int, refused: Schema.Array(LineRefused) })

/** The charge of this kind and code has this amount from now on; 0 takes it away. */
export class PutCharge extends Schema.TaggedClass<PutCharge>()("PutCharge", { ...commandFields, charge: Charge }) {}
export class ApplyCoupon extends Schema.TaggedClass<ApplyCoupon>()("ApplyCoupon", {
  ...commandFields,
  coupon: Coupon
}) {}
export class RemoveCoupon extends Schema.TaggedClass<RemoveCoupon>()("RemoveCoupon", commandFields) {}

/** By SKU code what the products say now: the price, and of a bundle the parts. */
export const Prices = Schema.Record(Schema.String, Schema.Struct({ ...Price.fields, parts: Schema.optionalKey(Parts) }))

/** Takes the prices of now; lines whose product is gone stay as they are and stop the checkout. */
export class Reprice extends Schema.TaggedClass<Reprice>()("Reprice", {
  ...commandFields,
  prices: Schema.optionalKey(Prices)
}) {}

/**
 * Takes over all lines and charges of another cart of the same region, currency and pricing; that cart is closed. Same
 * lines add up; a line agreed at another price moves to a variant of its own. Its coupon comes along; of two the one that
 * takes more off is kept, and `notices` name the other. A merged cart may hold twice the bounds; it must be within them before it can be checked out or merged again.
 */
export class Merge extends Schema.TaggedClass<Merge>()("Merge", { ...commandFields, from: CartId }) {}
/** Asked by the cart that merges: close, and say what you hold. */
export class HandOver extends Schema.TaggedClass<HandOver>()("HandOver", {
  ...commandFields,
  into: CartId,
  currency: Currency,
  pricing: Pricing
}) {}

/** What a cart comes to. */
export const CartTotal = Schema.Struct({ amount: Minor, currency: Currency })
export type CartTotal = typeof CartTotal.Type

/**
 * Turns the cart into an order at the prices of now, if they come to what the customer agreed to: `expectedTotal`, else
 * (with `expectedSeq`) the total of that version. Without either the customer saw what the cart says, and pays no more.
 */
export class CheckOut extends Schema.TaggedClass<CheckOut>()("CheckOut", {
  ...commandFields,
  expectedTotal: Schema.optionalKey(CartTotal),
  email: Email,
  shippingAddress: Address,
  paymentToken: Schema.String.check(Schema.isPattern(/^tok_[a-z_0-9]{1,60}$/u)),
  /** SHA-256 of the request body (`Intent.ts`): the same key with another body is refused. */
  fingerprint: Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,43}$/u)),
  prices: Schema.optionalKey(Prices)
}) {}

/** From the order of a checkout that failed, once all is undone: what was checked out may be bought again. */
export class Reopen extends Schema.TaggedClass<Reopen>()("Reopen", {
  ...commandFields,
  attempt: Schema.Int,
  failure: Failure
}) {}

/** What a merge did not bring over. */
export const Notice = Schema.Union([
  Schema.Struct({ code: Schema.Literal("coupon_dropped"), from: CartId, coupon: Coupon, kept: Coupon }),
  /** The other cart was opened for a customer; the order will not be listed with that one. */
  Schema.Struct({ code: Schema.Literal("customer_dropped"), from: CartId })
])
export type Notice = typeof Notice.Type

export class CartView extends Schema.Class<CartView>("CartView")({
  id: CartId,
  status: Schema.Literals(["open", "checked_out", "merged", "expired"]),
  currency: Currency,
  pricing: Pricing,
  customerId: Schema.NullOr(CustomerId),
  lines: Schema.Array(SaleLine),
  charges: Schema.Array(Charge),
  coupon: Schema.NullOr(Coupon),
  totals: Totals,
  /** Of the latest checkout; of one that failed, while the cart is open. */
  orderId: Schema.NullOr(OrderId),
  mergedInto: Schema.NullOr(CartId),
  /** What became of `orderId`, until the cart is changed or checked out again. */
  lastFailure: Schema.NullOr(Failure),
  /** Of the latest merge, until the cart is changed or checked out. */
  notices: Schema.Array(Notice),
  seq: Schema.Int
}) {}

/** The order of the checkout that was asked for, which a repeat hears too, and the cart as it is now. */
export const CheckOutResult = Schema.Struct({ orderId: OrderId, cart: CartView })

/** The cart takes no more changes. */
export class CartClosed extends Refusal<CartClosed>()("CartClosed", {
  status: 409,
  title: "The cart takes no more changes",
  fields: { status: Schema.Literals(["checked_out", "merged", "expired"]) },
  sample: { status: "checked_out" },
  detail: ({ status }) => `The cart is ${status}.`
}) {}
/** There is nothing to buy in it. */
export class CartEmpty extends Refusal<CartEmpty>()("CartEmpty", {
  status: 422,
  title: "The cart is empty",
  detail: "Put a line into the cart before checking it out."
}) {}
/** At the bound of lines, charges, bytes, quantity or total. */
export class CartFull extends Refusal<CartFull>()("CartFull", {
  status: 422,
  title: "The cart is full",
  fields: { bound: Schema.String, max: Schema.Int },
  sample: { bound: "lines", max: 2_000 },
  detail: ({ bound, max }) => `The most of ${bound} is ${max}.`
}) {}
/** These SKUs have no price in the cart's currency (not listed, or sold in another currency). */
export class NotSold extends Refusal<NotSold>()("NotSold", {
  status: 422,
  title: "Not sold",
  fields: { skus: Schema.Array(SkuCode) },
  sample: { skus: ["TEA-09"] },
  detail: ({ skus }) => `Not on sale here in the cart's currency: ${skus.join(", ")}.`
}) {}
/** The cart comes to another total than the customer agreed to; it has the prices of now. */
export class TotalChanged extends Schema.TaggedError<TotalChanged>()(
  "TotalChanged",
  { expected: CartTotal, actual: CartTotal },
  { httpApiStatus: 409 }
) {}
/** Bundles of the cart are made of other parts than it showed; it has the parts of now. */
export class BundleChanged extends Refusal<BundleChanged>()("BundleChanged", {
  status: 409,
  title: "A bundle has changed",
  fields: { skus: Schema.Array(SkuCode) },
  sample: { skus: ["BREAKFAST-BOX"] },
  detail: ({ skus }) => `Made of other parts than the cart showed: ${skus.join(", ")}. Nothing was ordered.`,
  help: "Show the cart anew: it has the parts of now. Check out with a new idempotency key once the customer agrees to them."
}) {}
/** Agreed prices and charges belong to carts with agreed pricing, and only there. */
export class PricingMismatch extends Refusal<PricingMismatch>()("PricingMismatch", {
  status: 422,
  title: "Prices of another kind",
  fields: { pricing: Pricing },
  sample: { pricing: "shop" },
  detail: ({ pricing }) => `The cart has ${pricing} pricing.`
}) {}
/** No line of many took effect, and one at least was refused. */
export class LinesNotTaken extends Schema.TaggedError<LinesNotTaken>()(
  "LinesNotTaken",
  { refused: Schema.Array(LineRefused) },
  { httpApiStatus: 422 }
) {}
/** Why a cart does not give its lines to another. */
export const HandOverRefusal = Schema.Literals([
  "not_found",
  "closed",
  /** It is itself waiting for a third cart: try again. */
  "merging",
  "other_currency",
  "other_pricing",
  "too_many_lines"
])
/** The other cart cannot be merged into this one. */
export class MergeRefused extends Refusal<MergeRefused>()("MergeRefused", {
  status: 409,
  title: "The carts cannot be merged",
  fields: {
    reason: Schema.Literals([
      "same_cart",
      "not_found",
      "closed",
      /** The other cart is itself waiting for a third one: try again. */
      "merging",
      "other_currency",
      "other_pricing",
      "other_region",
      "too_many_lines"
    ])
  },
  sample: { reason: "other_currency" },
  detail: ({ reason }) => `Reason: ${reason}.`
}) {}

/** What `HandOver` is answered with; a refusal is an answer, since the merging cart relies on it. */
export const HandedOver = Schema.Union([
  Schema.TaggedStruct("Lines", {
    lines: Schema.Array(SaleLine),
    charges: Schema.Array(Charge),
    coupon: Schema.NullOr(Coupon),
    customerId: Schema.NullOr(CustomerId)
  }),
  Schema.TaggedStruct("Refused", { reason: HandOverRefusal })
])
export type HandedOver = typeof HandedOver.Type

const change = [NotFound, CartClosed, CartFull, NotSold, PricingMismatch, PreconditionFailed] as const

export const Cart = Contract.make("Cart", [
  Contract.command(OpenCart, CartView, AlreadyExists),
  Contract.command(PutLine, CartView, ...change),
  Contract.command(AddLine, CartView, ...change),
  Contract.command(RemoveLine, CartView, ...change),
  Contract.command(PutLines, PutLinesResult, NotFound, CartClosed, LinesNotTaken, PreconditionFailed),
  Contract.command(PutCharge, CartView, ...change),
  Contract.command(ApplyCoupon, CartView, ...change),
  Contract.command(RemoveCoupon, CartView, ...change),
  Contract.command(Reprice, CartView, ...change),
  Contract.command(Merge, CartView, NotFound, CartClosed, MergeRefused, PreconditionFailed),
  Contract.command(HandOver, HandedOver),
  Contract.command(
    CheckOut,
    CheckOutResult,
    NotFound,
    CartClosed,
    CartEmpty,
    CartFull,
    NotSold,
    TotalChanged,
    BundleChanged,
    CommandReused,
    PreconditionFailed
  ),
  /** Without effect where the cart is not checked out with that attempt. */
  Contract.command(Reopen, Schema.Void),
  Contract.command(TimerFired, Schema.Void),
  Contract.view(CartView)
])
