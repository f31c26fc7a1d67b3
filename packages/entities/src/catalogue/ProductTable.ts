import * as Table from "@halles/engine/projections/Table"
import type { ViewRow } from "@halles/engine/projections/Projection"
import type { RowOf } from "@halles/engine/projections/Table"
import { skuId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import * as TableList from "../TableList.ts"
import { Details } from "./Details.ts"
import { ProductView } from "./Product.ts"
import * as ProductState from "./ProductState.ts"

const { description, listed, price, sku, title } = ProductView.fields
const { amount, currency, taxRate } = price.fields

export const ProductTable = Table.make(ProductState, {
  name: "product",
  version: 4,
  columns: { sku, title, description, price_amount: amount, currency, tax_rate: taxRate, listed, details: Details },
  indexes: { categories: "USING gin ((details -> 'categories'))" },
  search: ["sku", "title", "description"],
  fold: (row, event) => {
    switch (event._tag) {
      case "ProductListed": {
        const { description, price, sku, title } = event
        const { amount, currency, taxRate } = price
        const listing = { sku, title, description, price_amount: amount, currency, tax_rate: taxRate, listed: true }
        return { ...listing, details: row?.details ?? {} }
      }
      case "ProductUnlisted":
        return row && { ...row, listed: false }
      case "ProductDescribed":
        return row && { ...row, details: event.details }
    }
  }
})

export type ProductRow = RowOf<typeof ProductTable.schemas> & ViewRow

/** The product that a row is of. */
export const viewOf = (
  { currency, details, price_amount: amount, tax_rate: taxRate, ...row }: ProductRow,
  region: Region
): ProductView =>
  new ProductView({ ...row, ...details, region, price: { amount, currency, taxRate } }, { disableChecks: true })

/** A product, in the order of SKUs. */
const bySku = {
  by: ["id"] as const,
  item: (row: ProductRow, { region }: TableList.Asked) => viewOf(row, region),
  key: ({ region, sku }: ProductView) => [skuId(region, sku)] as const
}

/** What is on sale. */
export const products = TableList.make(ProductTable, { ...bySku, name: "products", where: (sql) => sql`listed` })

interface Stands {
  readonly categories: ReadonlyArray<string>
}
/** What is on sale and names one of the categories. */
export const productsIn = TableList.make(ProductTable, {
  ...bySku,
  name: "productsIn",
  where: (sql, { categories }: Stands & TableList.Asked) =>
    sql`listed AND details -> 'categories' ?| ${[...categories]}::text[]`
})
