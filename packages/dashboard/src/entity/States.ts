import { Schema } from "effect"

// What the panels read of each type's state; the entity's own contract says more. Personal data may be hidden in it.

const Amount = Schema.Finite
const Line = Schema.Struct({
  sku: Schema.String,
  variant: Schema.optionalKey(Schema.NullOr(Schema.String)),
  quantity: Schema.Finite,
  unitPrice: Amount
})
const Totals = Schema.Struct({ total: Amount })
const ids = Schema.Array(Schema.String)

export const Cart = Schema.Struct({
  status: Schema.String,
  currency: Schema.String,
  lines: Schema.Array(Line),
  totals: Totals,
  orderId: Schema.NullOr(Schema.String)
})
export const Order = Schema.Struct({
  status: Schema.String,
  currency: Schema.String,
  lines: Schema.Array(Line),
  totals: Totals,
  payment: Schema.Struct({ authorised: Amount, captured: Amount, refunded: Amount, disputed: Amount }),
  trackingNumbers: ids,
  cancelled: Schema.NullOr(Schema.Struct({ code: Schema.String, detail: Schema.NullOr(Schema.String) })),
  steps: Schema.Array(Schema.Struct({ step: Schema.String }))
})
const level = { onHand: Schema.Finite, held: Schema.Finite, reserved: Schema.Finite, available: Schema.Finite }
export const Sku = Schema.Struct({
  warehouses: Schema.Array(Schema.Struct({ warehouse: Schema.String, ...level })),
  totals: Schema.Struct({ ...level, shipped: Schema.Finite, backOrdered: Schema.Finite }),
  backOrderAllowed: Schema.Boolean
})
export const Payment = Schema.Struct({
  status: Schema.String,
  currency: Schema.String,
  authorised: Amount,
  captured: Amount,
  refunded: Amount,
  disputed: Amount,
  ledger: Schema.Array(Schema.Unknown)
})
export const Shipment = Schema.Struct({
  status: Schema.String,
  trackingNumbers: ids,
  parcels: Schema.Array(Schema.Unknown)
})
export const Product = Schema.Struct({
  title: Schema.String,
  price: Schema.Struct({ amount: Amount, currency: Schema.String }),
  listed: Schema.Boolean
})
export const Customer = Schema.Struct({
  name: Schema.NullOr(Schema.String),
  email: Schema.NullOr(Schema.String),
  guest: Schema.Boolean,
  orders: Schema.Struct({ count: Schema.Finite }),
  points: Schema.Finite
})
