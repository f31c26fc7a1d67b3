import { Schema } from "effect"

/** Money as the edge writes it: minor units as a string. */
export const Money = Schema.Struct({
  amount: Schema.String.check(Schema.isPattern(/^-?\d{1,16}$/)),
  currency: Schema.String
})
export type Money = typeof Money.Type

export const pence = (money: Money): number => Number(money.amount)
export const money = (amount: number): Money => ({ amount: String(amount), currency: "GBP" })

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

/** One line of the answer to an import. */
export const ImportLine = Schema.Union([
  Schema.Struct({ type: Schema.Literal("progress"), rows: Schema.Int, accepted: Schema.Int, rejected: Schema.Int }),
  Schema.Struct({ type: Schema.Literal("error"), row: Schema.Int, code: Schema.String, detail: Schema.String }),
  /** The rest of the rows could not be read. */
  Schema.Struct({ type: Schema.Literal("failed"), row: Schema.Int, code: Schema.String, detail: Schema.String }),
  Schema.Struct({ type: Schema.Literal("done"), rows: Schema.Int, accepted: Schema.Int, rejected: Schema.Int })
])
export type ImportLine = typeof ImportLine.Type

/** RFC 9457, as far as a replay reads it. */
export const Problem = Schema.Struct({
  code: Schema.String,
  detail: Schema.optionalKey(Schema.String),
  title: Schema.optionalKey(Schema.String)
})
