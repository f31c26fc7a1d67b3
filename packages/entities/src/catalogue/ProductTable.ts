import * as Table from "@halles/engine/projections/Table"
import type { ViewRow } from "@halles/engine/projections/Projection"
import type { RowOf } from "@halles/engine/projections/Table"
import { type SkuCode, skuId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import * as CategoryRule from "../category/CategoryRule.ts"
import type { Query } from "../routes/Reads.ts"
import * as TableList from "../routes/TableList.ts"
import { Details } from "./Details.ts"
import { type Price, ProductView } from "./Product.ts"
import * as ProductState from "./ProductState.ts"
import { Translations } from "./Translations.ts"
import { SlugText } from "../slug/Slug.ts"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import type { Channel } from "./Channel.ts"

const { description, listed, price, sku, title } = ProductView.fields
const { amount, currency, taxRate } = price.fields

export const ProductTable = Table.make(ProductState, {
  name: "product",
  version: 6,
  columns: {
    sku,
    title,
    description,
    price_amount: amount,
    currency,
    tax_rate: taxRate,
    listed,
    draft: Schema.Boolean,
    slug: Schema.NullOr(SlugText),
    details: Details,
    translations: Translations
  },
  indexes: {
    categories: "USING gin ((details -> 'categories'))",
    parts: "USING gin ((details -> 'parts') jsonb_path_ops) WHERE details ? 'parts'"
  },
  search: ["sku", "title", "description"],
  fold: (row, event) => {
    switch (event._tag) {
      case "ProductListed":
      case "ProductDrafted": {
        const { description, price, sku, title } = event
        const listed = event._tag === "ProductListed"
        const before = row ?? { slug: null, details: {}, translations: [] }
        return { ...before, sku, title, description, ...priced(price), listed, draft: !listed }
      }
      case "ProductUnlisted":
        return row && { ...row, listed: false, draft: false }
      case "ProductRepriced":
        return row && { ...row, ...priced(event.price) }
      case "ProductDescribed":
        return row && { ...row, details: event.details }
      case "ProductTranslated":
        return row && { ...row, translations: event.translations }
      case "ProductNamed":
        return row && { ...row, slug: event.slug }
      case "ChangeScheduled":
      case "ChangeWithdrawn":
      case "ChangeDue":
      case "ReleaseApplied":
      case "ProductMediaChanged":
        return row
    }
  }
})

const priced = ({ amount, currency, taxRate }: Price) => ({ price_amount: amount, currency, tax_rate: taxRate })

export type ProductRow = RowOf<typeof ProductTable.schemas> & ViewRow
type Row = Omit<ProductRow, "translations">

/** The view of the product in a row. The table has no scheduled changes, so the status `scheduled` shows as `draft`. */
export const viewOf = (
  { currency, details, draft, price_amount: amount, slug, tax_rate: taxRate, ...row }: Row,
  region: Region
): ProductView =>
  new ProductView(
    {
      ...row,
      ...details,
      ...(slug === null ? {} : { slug }),
      status: row.listed ? "active" : draft ? "draft" : "archived",
      region,
      price: { amount, currency, taxRate }
    },
    { disableChecks: true }
  )

/** How both lists make products of rows, in the order of SKUs. */
const bySku = {
  by: ["id"] as const,
  /** All columns but `translations`: they are long, and lists do not show them. */
  reads: [
    "sku",
    "title",
    "description",
    "price_amount",
    "currency",
    "tax_rate",
    "listed",
    "draft",
    "slug",
    "details"
  ] as const,
  item: (row: Row, { region }: TableList.Asked) => viewOf(row, region),
  key: ({ region, sku }: ProductView) => [skuId(region, sku)] as const
}

interface Sold {
  readonly channel?: Channel | undefined
}
/** The condition for products on sale, in a channel if one is named. */
const isSold = (sql: SqlClient.SqlClient, { channel }: Sold) =>
  channel === undefined
    ? sql`listed`
    : sql`listed AND (details -> 'channels' IS NULL OR details -> 'channels' ? ${channel}::text)`

export const products = TableList.make(ProductTable, {
  ...bySku,
  name: "products",
  where: (sql, asked: Sold & TableList.Asked) => isSold(sql, asked)
})

/** As `products`, with all texts in other languages. */
export const productsWithTexts = TableList.make(ProductTable, {
  by: bySku.by,
  reads: [...bySku.reads, "translations"],
  item: ({ translations, ...row }, { region }: TableList.Asked) => ({ product: viewOf(row, region), translations }),
  key: ({ product }) => bySku.key(product),
  name: "productsWithTexts",
  where: (sql, asked: Sold & TableList.Asked) => isSold(sql, asked)
})

/** Which members the details of products on sale have, in which languages their texts are, and which attributes they have, with the languages of those that have any. */
export interface MembersInUse {
  readonly details: ReadonlySet<string>
  readonly texts: ReadonlyArray<{ readonly language: string; readonly member: string }>
  readonly attributes: ReadonlyArray<{ readonly code: string; readonly language: string | null }>
}
export const membersInUse: Query<MembersInUse> = {
  name: "membersInUse",
  run: Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const table = sql(ProductTable.table)
    const details = yield* sql<{ member: string }>`
      SELECT DISTINCT d.member FROM ${table} p, jsonb_object_keys(p.details) AS d(member) WHERE p.listed
      UNION SELECT 'slug' WHERE EXISTS (SELECT FROM ${table} p WHERE p.listed AND p.slug IS NOT NULL)`
    const texts = yield* sql<{ language: string; member: string }>`
      SELECT DISTINCT t.text ->> 'language' AS language, m.member
      FROM ${table} p, jsonb_array_elements(p.translations) AS t(text), jsonb_object_keys(t.text) AS m(member)
      WHERE p.listed AND m.member <> 'language' ORDER BY 1, 2`
    const attributes = yield* sql<{ code: string; language: string | null }>`
      SELECT DISTINCT a.one ->> 'code' AS code, t.text ->> 'language' AS language
      FROM ${table} p, jsonb_array_elements(p.details -> 'attributes') AS a(one)
      LEFT JOIN LATERAL jsonb_array_elements(a.one -> 'texts') AS t(text) ON true
      WHERE p.listed ORDER BY 1, 2 NULLS FIRST`
    return { details: new Set(details.map(({ member }) => member)), texts, attributes }
  })
}

/** The products on sale that stand in a category. */
export const productsIn = TableList.make(ProductTable, {
  ...bySku,
  name: "productsIn",
  where: (sql, asked: Sold & CategoryRule.Standing & TableList.Asked) =>
    sql`${isSold(sql, asked)} AND ${CategoryRule.where(sql, asked)}`
})

/** A bundle of the region of which the SKU is a part; `null` where it is a part of none. */
export const bundleOf = (part: SkuCode): Query<SkuCode | null> => ({
  name: "bundleOf",
  run: Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const wanted = JSON.stringify([{ sku: part }])
    const [found] = yield* sql<{ sku: SkuCode }>`
      SELECT sku FROM product_view
      WHERE details ? 'parts' AND details -> 'parts' @> ${wanted}::text::jsonb LIMIT 1`
    return found?.sku ?? null
  })
})
