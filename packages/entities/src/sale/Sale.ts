import { SkuCode } from "@halles/shared/Ids"
import { Amount, Minor } from "@halles/shared/Money"
import { Schema } from "effect"
import { Parts } from "../catalogue/Parts.ts"
import { TaxRate, Title } from "../catalogue/Product.ts"
import { Shortage } from "../inventory/Sku.ts"

// What a cart and the orders of it have in common: lines, charges, totals, and why a checkout came to nothing.

/** Lines of one cart; a wholesaler's largest invoice has about 1,100. */
export const linesMax = 2_000
export const chargesMax = 20
/**
 * Bytes of the lines and charges as JSON: 2,000 lines with titles of 300 characters of any alphabet fit. What a cart is
 * becomes one row of the journal at checkout, and one more when another cart takes it over.
 */
export const bytesMax = 3_000_000
/** Units of one SKU in one cart, over all its variants: what an order can hold of a SKU. */
export const unitsMax = 1_000_000
/** Minor units of the goods, and of the charges: small enough that two carts, merged, stay exact together with their tax. */
export const amountMax = 2 ** 50

/** Tells lines of one SKU at different agreed prices apart; empty for all others. */
export const Variant = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{0,16}$/u))

export const ChargeKind = Schema.Literals(["shipping", "discount", "fee"])
export const ChargeCode = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,40}$/u))

export const SaleLine = Schema.Struct({
  sku: SkuCode,
  variant: Variant,
  title: Title,
  /** Twice `unitsMax` only in a merged cart, which must come down to it before checkout. */
  quantity: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 * unitsMax })),
  unitPrice: Amount,
  taxRate: TaxRate,
  /** Of a bundle: what one unit of it is made of, as it was priced. The order keeps what it was at checkout. */
  parts: Schema.optionalKey(Parts)
})
export type SaleLine = typeof SaleLine.Type

/** Something to pay (or, a discount, to take off: negative) that is no goods. */
export const Charge = Schema.Struct({ code: ChargeCode, kind: ChargeKind, amount: Minor })
export type Charge = typeof Charge.Type

/** `total = goods + charges + tax`, all in minor units of the cart's currency. */
export const Totals = Schema.Struct({ goods: Amount, charges: Minor, tax: Amount, total: Minor })
export type Totals = typeof Totals.Type

/** A percentage off the goods, in basis points. */
export const Coupon = Schema.Struct({
  code: Schema.String.check(Schema.isPattern(/^[A-Z0-9-]{3,30}$/u)),
  basisPoints: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 }))
})
export type Coupon = typeof Coupon.Type

/** Why a checkout came to nothing through no will of the customer's: the cart is open again. */
export const FailureCode = Schema.Literals([
  "no_stock",
  "card_declined",
  "hold_expired",
  "no_carrier",
  /** A part of the shop did not do what it was asked: nothing that the customer did. */
  "fault"
])
export const Failure = Schema.Struct({
  code: FailureCode,
  detail: Schema.NullOr(Schema.String),
  /** With `no_stock` and `hold_expired`. */
  missing: Schema.Array(Shortage)
})
export type Failure = typeof Failure.Type
