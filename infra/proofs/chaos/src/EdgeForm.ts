import { OrderId } from "@halles/shared/Ids"
import { Schema } from "effect"

// What the public edge shows of an entity, as far as it is compared with the entity's own view.

const Amount = Schema.Struct({ amount: Schema.String })
const LineForm = { sku: Schema.String, variant: Schema.String, quantity: Schema.Int }

const CartJson = Schema.Struct({
  status: Schema.String,
  lastFailure: Schema.NullOr(Schema.Struct({ code: Schema.String })),
  seq: Schema.Int,
  orderId: Schema.NullOr(Schema.String),
  mergedInto: Schema.NullOr(Schema.String),
  lines: Schema.Array(Schema.Struct({ ...LineForm, unitPrice: Amount })),
  totals: Schema.Struct({ total: Amount })
})
const CartForm = Schema.Struct({
  ...CartJson.fields,
  lines: Schema.Array(Schema.Struct({ ...LineForm, unitPrice: Schema.Int })),
  totals: Schema.Struct({ total: Schema.Int })
})

const Order = {
  id: Schema.String,
  cartId: Schema.String,
  status: Schema.String,
  seq: Schema.Int,
  trackingNumbers: Schema.Array(Schema.String),
  cancelled: Schema.NullOr(Schema.Struct({ code: Schema.String, cartReopened: Schema.Boolean })),
  steps: Schema.Array(Schema.Struct({ seq: Schema.Int, step: Schema.String, at: Schema.Int })),
  returns: Schema.Array(Schema.Struct({ returnId: Schema.String, status: Schema.String }))
}
const OrderJson = Schema.Struct({
  ...Order,
  payment: Schema.Struct({ authorised: Amount, captured: Amount, refunded: Amount })
})
const OrderForm = Schema.Struct({
  ...Order,
  payment: Schema.Struct({ authorised: Schema.Int, captured: Schema.Int, refunded: Schema.Int })
})

const Level = { onHand: Schema.Int, held: Schema.Int, reserved: Schema.Int, available: Schema.Int }
const Sku = Schema.Struct({
  seq: Schema.Int,
  warehouses: Schema.Array(Schema.Struct({ warehouse: Schema.String, ...Level })),
  totals: Schema.Struct({ ...Level, shipped: Schema.Int, backOrdered: Schema.Int }),
  backOrderAllowed: Schema.Boolean
})

const minor = ({ amount }: typeof Amount.Type): number => Number(amount)

const decodeCart = Schema.decodeUnknownSync(CartJson)
/** A body of the edge in the form of `cart`. */
export const cartBody = (body: unknown): unknown => {
  const { lines, totals, ...rest } = decodeCart(body)
  return {
    ...rest,
    lines: lines.map((line) => ({ ...line, unitPrice: minor(line.unitPrice) })),
    totals: { total: minor(totals.total) }
  }
}
/** The part of a `CartView` that the edge's body is compared with. */
export const cart = Schema.decodeUnknownSync(CartForm)

const decodeOrder = Schema.decodeUnknownSync(OrderJson)
export const orderBody = (body: unknown): unknown => {
  const { payment, ...rest } = decodeOrder(body)
  const { authorised, captured, refunded } = payment
  return {
    ...rest,
    payment: { authorised: minor(authorised), captured: minor(captured), refunded: minor(refunded) }
  }
}
export const order = Schema.decodeUnknownSync(OrderForm)

const Returned = Schema.decodeUnknownSync(Schema.Struct({ order: Schema.Unknown }))
/** The order inside the answer to a return that was asked for. */
export const returnBody = (body: unknown): unknown => orderBody(Returned(body).order)

export const sku = Schema.decodeUnknownSync(Sku)

/** The order that a checkout led to, as the edge (`orderBody`) or the cart itself says. */
export const orderIdOf = (body: unknown): OrderId | null => {
  if (typeof body !== "object" || body === null) return null
  if ("orderId" in body) return OrderId.make(String(body.orderId))
  return "id" in body ? OrderId.make(String(body.id)) : null
}
