import { Schema } from "effect"
import type { Region } from "./Region.ts"

/**
 * `eu_7f3a`: region, `_`, 1-60 characters of `[A-Za-z0-9_-]`: safe in a URL path, a NATS subject token and a Redis key.
 */
export const Regional = Schema.String.check(
  Schema.isPattern(/^(eu|am|ap)_[A-Za-z0-9_-]{1,60}$/u, {
    expected: "eu_, am_ or ap_ and 1 to 60 letters, digits, - or _"
  })
).annotate({
  examples: ["eu_Qm3vXr8Kd0ZtWbYp5nLc2A"]
})

export const CartId = Regional.pipe(Schema.brand("CartId"))
export type CartId = typeof CartId.Type

/**
 * Up to three characters longer than its cart's. Payment and Shipment of an order carry the order's id: they are other
 * entity types, so the ids do not collide.
 */
export const OrderId = Schema.String.check(
  Schema.isPattern(/^(eu|am|ap)_[A-Za-z0-9_-]{1,63}$/u, {
    expected: "eu_, am_ or ap_ and 1 to 63 letters, digits, - or _"
  })
)
  .annotate({ examples: ["eu_Qm3vXr8Kd0ZtWbYp5nLc2A"] })
  .pipe(Schema.brand("OrderId"))
export type OrderId = typeof OrderId.Type

/** Checkouts of one cart, each of which but the last failed. */
export const checkoutsMax = 20

/**
 * The order of a cart's nth checkout: `eu_x`, then `eu_x-2`, `eu_x-3`, … A cart's id comes from the edge and has one of two
 * lengths, so that no cart has the id of another one's order.
 */
export const orderIdOf = (cartId: CartId, attempt: number): OrderId =>
  OrderId.make(attempt === 1 ? cartId : `${cartId}-${attempt}`)

export const CustomerId = Regional.pipe(Schema.brand("CustomerId"))
export type CustomerId = typeof CustomerId.Type

/** The merchant's code of an article, the same in every region: `85123A`. */
export const SkuCode = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9_-]{1,40}$/u, { expected: "1 to 40 letters without accents, digits, - or _" })
)
  .annotate({ examples: ["TEA-01"] })
  .pipe(Schema.brand("SkuCode"))
export type SkuCode = typeof SkuCode.Type

/** A SKU, or the product it sells, in one region: `eu_85123A`. */
export const SkuId = Regional.pipe(Schema.brand("SkuId"))
export type SkuId = typeof SkuId.Type

export const skuId = (region: Region, code: SkuCode): SkuId => SkuId.make(`${region}_${code}`)
export const skuCode = (id: SkuId): SkuCode => SkuCode.make(id.slice(3))

/** A place that holds stock: `eu-main`. */
export const WarehouseId = Schema.String.check(
  Schema.isPattern(/^[a-z0-9-]{1,30}$/u, { expected: "1 to 30 of a-z, 0-9 and -" })
)
  .annotate({ examples: ["eu-main"] })
  .pipe(Schema.brand("WarehouseId"))
export type WarehouseId = typeof WarehouseId.Type

/** A return of an order; part of references at partners and of command ids. */
export const ReturnId = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9_-]{1,60}$/u, { expected: "1 to 60 letters without accents, digits, - or _" })
)

/** Made by the caller of a command and repeated when it retries: one command id has at most one effect. */
export const CommandId = Schema.String.check(Schema.isPattern(/^[\x21-\x7e]{1,200}$/u)).pipe(Schema.brand("CommandId"))
export type CommandId = typeof CommandId.Type
