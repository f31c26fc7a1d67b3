import { type Entry, selected } from "@halles/engine/projections/Projection"
import { Channel } from "@halles/entities/catalogue/Channel"
import { type ProductRow, ProductTable } from "@halles/entities/catalogue/ProductTable"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { ProductDocument } from "../index/ProductDocument.ts"

type Attribute = NonNullable<ProductRow["details"]["attributes"]>[number]

/** The form of rows in a snapshot; a snapshot of another form is made anew from the table. */
export const form = `product ${ProductTable.version}`

/** Rows of the table that are read at a time. */
const pageMax = 2_000

/** Of an attribute that only a later version of the product's events has, no value is searched. */
const valuesOf = (attribute: Attribute): ProductDocument["attributes"][string] => {
  if ("text" in attribute) return [attribute.text]
  if ("number" in attribute) return [attribute.number]
  if ("flag" in attribute) return [attribute.flag]
  if ("options" in attribute) return attribute.options
  return "texts" in attribute ? attribute.texts.map(({ text }) => text) : []
}

const attributesOf = ({ attributes = [] }: ProductRow["details"]): ProductDocument["attributes"] =>
  Object.fromEntries(attributes.map((attribute) => [attribute.code, valuesOf(attribute)]))

/** What is searched of a product; `null` if it is not on sale. */
export const documentOf = (row: ProductRow, sold: number): ProductDocument | null => {
  if (!row.listed) return null
  const attributes = attributesOf(row.details)
  const { categories = [], channels = Channel.literals, gtin, productType } = row.details
  return {
    id: row.id,
    title: row.title,
    description: row.description,
    translations: row.translations.flatMap(({ description = "", title = "" }) => [title, description]),
    brand: (attributes["brand"] ?? []).map(String).join(" "),
    codes: gtin === undefined ? [row.sku] : [row.sku, gtin],
    categories: productType === undefined ? categories : [...categories, productType.code],
    attributes,
    channels,
    price: row.price_amount,
    stock: null,
    sold,
    margin: null
  }
}

/** The row after an entry; `null` where that does not follow from the row before it and the table must be asked. */
export const after = (before: ProductRow | undefined, entry: Entry): ProductRow | null => {
  if (entry.inJournal === true || entry.seq !== (before?.seq ?? 0) + 1) return null
  return { ...ProductTable.fold(before ?? null, entry), id: entry.id, seq: entry.seq }
}

const columns = selected(ProductTable)

/** All rows of the table, a page at a time in the order of their ids. */
export const page = Effect.fnUntraced(function* (afterId: string) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql<ProductRow>`
    SELECT ${sql.literal(columns)} FROM ${sql.literal(ProductTable.table)} WHERE id > ${afterId} ORDER BY id LIMIT ${pageMax}`
})
export const isLast = (rows: ReadonlyArray<ProductRow>): boolean => rows.length < pageMax

export const some = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql<ProductRow>`
    SELECT ${sql.literal(columns)} FROM ${sql.literal(ProductTable.table)} WHERE ${sql.in("id", ids)}`
})

/** Up to where in the event stream the table has everything; 0 before that is known. */
export const appliedUpTo = Effect.fnUntraced(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ at: string }>`
    SELECT stream_seq::text AS at FROM projection WHERE name = ${ProductTable.name}`
  return Number(row?.at ?? 0)
})
