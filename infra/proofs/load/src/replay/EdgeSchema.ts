import { currency } from "@halles/harness/Catalogue"
import { Schema } from "effect"

/** Money as the edge writes it: minor units as a string. */
export const Money = Schema.Struct({
  amount: Schema.String.check(Schema.isPattern(/^-?\d{1,16}$/)),
  currency: Schema.String
})
export type Money = typeof Money.Type

export const pence = (money: Money): number => Number(money.amount)
export const money = (amount: number): Money => ({ amount: String(amount), currency })

export const Created = Schema.Struct({ id: Schema.String })

export const CheckedOut = Schema.Struct({ orderId: Schema.String, status: Schema.String })

const ReturnState = Schema.Struct({ returnId: Schema.String, status: Schema.String, refunded: Money })

/** An order, as far as a replay reads it. */
export const Order = Schema.Struct({
  id: Schema.String,
  status: Schema.String,
  lines: Schema.Array(Schema.Struct({ sku: Schema.String, quantity: Schema.Int, unitPrice: Money })),
  totals: Schema.Struct({ goods: Money, charges: Money, tax: Money, total: Money }),
  payment: Schema.Struct({ authorised: Money, captured: Money, refunded: Money }),
  returns: Schema.Array(ReturnState)
})
export type Order = typeof Order.Type

/** The goods have left; the money is taken with them. */
export const hasShipped = (status: string): boolean =>
  ["shipped", "delivered", "partially_returned", "returned"].includes(status)
/** Paid and reserved, or further. */
export const isConfirmed = (status: string): boolean => status === "confirmed" || hasShipped(status)
/** It will never be confirmed. */
export const isLost = (status: string): boolean => status === "cancelling" || status === "cancelled"

/** Stock of a SKU in a region. */
export const Stock = Schema.Struct({
  totals: Schema.Struct({ onHand: Schema.Int, held: Schema.Int, reserved: Schema.Int, shipped: Schema.Int })
})
export type Stock = (typeof Stock.Type)["totals"]
