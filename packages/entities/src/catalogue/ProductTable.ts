import type { Event } from "./ProductState.ts"
import type { Projection } from "@halles/engine/projections/Projection"

export interface ProductRow {
  readonly sku: string
  readonly title: string
  readonly description: string
  readonly price_amount: number
  readonly currency: string
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

export const ProductView: Projection = {
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
