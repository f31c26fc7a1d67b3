import type { Event as OrderEvent } from "@halles/entities/order/OrderState"
import type { Event as PaymentEvent } from "@halles/entities/payment/PaymentState"
import { regionOf } from "@halles/shared/Region"
import { Schema } from "effect"
import { createHash } from "node:crypto"

/** What an endpoint may ask to be told of. */
export const Type = Schema.Literals([
  "order.created",
  "order.confirmed",
  "order.shipped",
  "order.delivered",
  "order.cancelled",
  "order.return_requested",
  "order.refunded",
  "payment.authorised",
  "payment.declined",
  "payment.captured",
  "payment.voided",
  "payment.refunded",
  "payment.charged_back",
  "payment.dispute_won",
  "product.listed",
  "product.unlisted",
  "stock.changed",
  "endpoint.disabled",
  "endpoint.test"
])
export type Type = typeof Type.Type

/** One row of the journal, as the event streams carry it. */
export const Row = Schema.Struct({
  type: Schema.String,
  id: Schema.String,
  seq: Schema.Int,
  at: Schema.Int,
  events: Schema.Array(Schema.Struct({ _tag: Schema.String }))
})
export type Row = typeof Row.Type

const typesOf: Readonly<Record<string, Readonly<Record<string, Type>>>> = {
  Order: {
    Placed: "order.created",
    ShipmentBooked: "order.confirmed",
    StockShipped: "order.shipped",
    Delivered: "order.delivered",
    // From here on there is no way back; what is left is to void the payment.
    StockReleased: "order.cancelled",
    ReturnRequested: "order.return_requested",
    ReturnRefunded: "order.refunded"
  } satisfies Partial<Record<OrderEvent["_tag"], Type>>,
  Payment: {
    Authorised: "payment.authorised",
    Declined: "payment.declined",
    Captured: "payment.captured",
    Voided: "payment.voided",
    Refunded: "payment.refunded",
    ChargedBack: "payment.charged_back",
    DisputeWon: "payment.dispute_won"
  } satisfies Partial<Record<PaymentEvent["_tag"], Type>>,
  Product: { ProductListed: "product.listed", ProductUnlisted: "product.unlisted" },
  Sku: {
    Received: "stock.changed",
    Adjusted: "stock.changed",
    Held: "stock.changed",
    HoldExpired: "stock.changed",
    Released: "stock.changed",
    Shipped: "stock.changed",
    Restocked: "stock.changed",
    BackOrdersFilled: "stock.changed"
  }
}
/** The kinds of entity whose rows tell of the type. */
export const entitiesOf = (types: ReadonlySet<string>): ReadonlyArray<string> =>
  Object.entries(typesOf).flatMap(([entity, byTag]) =>
    Object.values(byTag).some((type) => types.has(type)) ? [entity] : []
  )

export interface Message {
  readonly id: string
  readonly type: Type
  readonly body: string
}

const paths: Readonly<Record<string, (id: string) => string>> = {
  Order: (id) => `/v1/orders/${id}`,
  Payment: (id) => `/v1/orders/${id}/payment`,
  Product: (id) => `/v1/products/${id.slice(3)}?region=${regionOf(id)}`,
  Sku: (id) => `/v1/skus/${regionOf(id)}/${id.slice(3)}`
}

/** The same for the same occurrence, however often its row is read. */
const idOf = (row: Pick<Row, "type" | "id" | "seq">, type: Type): string =>
  `msg_${createHash("sha256").update(`${row.type}:${row.id}:${row.seq}:${type}`).digest("base64url").slice(0, 27)}`

/**
 * What endpoints are told of a row: that something happened, to what, and at which of its versions. Nothing personal, and
 * nothing that could be stale when it arrives: the receiver asks for the rest. Each type at most once a row.
 */
export const messagesOf = (row: Row): ReadonlyArray<Message> => {
  const byTag = Object.hasOwn(typesOf, row.type) ? typesOf[row.type]! : {}
  const types = new Set(row.events.flatMap(({ _tag }) => (Object.hasOwn(byTag, _tag) ? byTag[_tag]! : [])))
  return [...types].map((type) => ({
    id: idOf(row, type),
    type,
    body: JSON.stringify({
      type,
      timestamp: new Date(row.at).toISOString(),
      data: { id: row.id, region: row.id.slice(0, 2), seq: row.seq, href: paths[row.type]?.(row.id) ?? "" }
    })
  }))
}
