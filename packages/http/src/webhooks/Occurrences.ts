import { domains } from "@halles/entities/Domains"
import { regionOf } from "@halles/shared/Region"
import { Schema } from "effect"
import { createHash } from "node:crypto"

const announced = domains.toReversed().flatMap(({ notifies }) => [...notifies.values()])
/** What an endpoint may subscribe to: what the domains announce, and two of our own. */
export const Type = Schema.Literals([...new Set(announced), "endpoint.disabled", "endpoint.test"])
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

const typesOf: Readonly<Record<string, Readonly<Record<string, Type>>>> = Object.fromEntries(
  domains.map(({ notifies, type }) => [type, Object.fromEntries(notifies)])
)
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
  Category: (id) => `/v1/categories/${id.slice(3)}?region=${regionOf(id)}`,
  CategoryTree: (id) => `/v1/categories?region=${regionOf(id)}`,
  Order: (id) => `/v1/orders/${id}`,
  Payment: (id) => `/v1/orders/${id}/payment`,
  Product: (id) => `/v1/products/${id.slice(3)}?region=${regionOf(id)}`,
  ProductModel: (id) => `/v1/product-models/${id.slice(3)}?region=${regionOf(id)}`,
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
