import type { Projection } from "@halles/engine/projections/Projection"
import { SkuCode } from "@halles/shared/Ids"
import type { Currency } from "@halles/shared/Money"
import { type BadCursor, bounded, Cursor, decodeCursor, type Page, pageOf } from "@halles/shared/Page"
import type { Region } from "@halles/shared/Region"
import { Effect, Schema } from "effect"
import { SqlClient, type Statement } from "effect/sql"
import type { Query } from "../Reads.ts"
import { ProductView } from "./Product.ts"
import type { Event } from "./ProductState.ts"

export interface ProductRow {
  readonly sku: string
  readonly title: string
  readonly description: string
  readonly price_amount: number
  readonly currency: Currency
  readonly tax_rate: number
  readonly listed: boolean
}

const columns = {
  sku: "text NOT NULL",
  title: "text NOT NULL",
  description: "text NOT NULL",
  price_amount: "bigint NOT NULL",
  currency: "text NOT NULL",
  tax_rate: "integer NOT NULL",
  listed: "boolean NOT NULL"
} satisfies Record<keyof ProductRow, string>

export const fold = (before: ProductRow | null, events: ReadonlyArray<Event>): ProductRow => {
  let row = before
  for (const event of events) {
    switch (event._tag) {
      case "ProductListed": {
        const { description, price, sku, title } = event
        const { amount, currency, taxRate } = price
        row = { sku, title, description, price_amount: amount, currency, tax_rate: taxRate, listed: true }
        break
      }
      case "ProductUnlisted":
        row = row === null ? null : { ...row, listed: false }
        break
    }
  }
  if (row === null) throw new Error("a product's first event is ProductListed")
  return row
}

export const ProductTable: Projection = {
  name: "product",
  version: 1,
  entityType: "Product",
  table: "product_view",
  columns,
  derived: {
    search:
      "tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('simple', sku || ' ' || title || ' ' || description)) STORED"
  },
  indexes: { product_view_search: "USING gin (search)" },
  fold: (before, { events }) => fold(before as ProductRow | null, events as ReadonlyArray<Event>)
}

/** Words of one search; the rest is not looked at. */
const wordsMax = 8
/**
 * `red mug` finds what has words that begin with `red` and with `mug`; anything but letters with their marks and digits parts
 * words. Titles are composed (NFC), so what is looked for is too.
 */
const prefixQuery = (q: string): string | null => {
  const words =
    q
      .normalize("NFC")
      .match(/[\p{L}\p{M}\p{N}]+/gu)
      ?.slice(0, wordsMax) ?? []
  return words.length === 0 ? null : words.map((word) => `'${word}':*`).join(" & ")
}

const ProductCursor = Cursor("products", [Schema.String])

interface Read extends Omit<ProductRow, "price_amount"> {
  readonly id: string
  readonly seq: number
  readonly price_amount: bigint
}
const viewOf =
  (region: Region) =>
  ({ currency, price_amount, sku, tax_rate, title, description, listed, seq }: Read): ProductView =>
    new ProductView(
      {
        sku: SkuCode.make(sku),
        region,
        title,
        description,
        price: { amount: Number(price_amount), currency, taxRate: tax_rate },
        listed,
        seq
      },
      { disableChecks: true }
    )

/** What is on sale, by SKU; `q` looks for words that begin so. */
export const products = (options: {
  readonly region: Region
  readonly q?: string
  readonly cursor?: string
  readonly limit: number
}): Query<Page<ProductView>, BadCursor> => ({
  name: "products",
  run: Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const limit = bounded(options.limit)
    const after = yield* decodeCursor(ProductCursor, options.cursor)
    const query = options.q === undefined ? null : prefixQuery(options.q)
    const conditions: Array<Statement.Fragment> = [sql`listed`]
    if (after !== null) conditions.push(sql`id > ${after[1]}`)
    if (query !== null) conditions.push(sql`search @@ to_tsquery('simple', ${query})`)
    const rows = yield* sql<Read>`
      SELECT id, seq, ${sql.literal(Object.keys(columns).join(", "))}
      FROM product_view WHERE ${sql.and(conditions)} ORDER BY id LIMIT ${limit + 1}`
    return pageOf(rows, limit, viewOf(options.region), ({ id }) => ["products", id])
  })
})
