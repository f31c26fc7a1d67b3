import * as Table from "@halles/engine/projections/Table"
import { skuId } from "@halles/shared/Ids"
import * as TableList from "../TableList.ts"
import { Details } from "./Details.ts"
import { ProductView } from "./Product.ts"
import * as ProductState from "./ProductState.ts"

const { description, listed, price, sku, title } = ProductView.fields
const { amount, currency, taxRate } = price.fields

export const ProductTable = Table.make(ProductState, {
  name: "product",
  version: 3,
  columns: { sku, title, description, price_amount: amount, currency, tax_rate: taxRate, listed, details: Details },
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

/** What is on sale, by SKU. */
export const products = TableList.make(ProductTable, {
  name: "products",
  by: ["id"],
  where: (sql) => sql`listed`,
  item: ({ currency, details, price_amount: amount, tax_rate: taxRate, ...row }, { region }) =>
    new ProductView({ ...row, ...details, region, price: { amount, currency, taxRate } }, { disableChecks: true }),
  key: ({ region, sku }) => [skuId(region, sku)]
})
