import type { ViewRow } from "@halles/engine/projections/Projection"
import * as Table from "@halles/engine/projections/Table"
import type { RowOf } from "@halles/engine/projections/Table"
import { Schema } from "effect"
import type { Attributes } from "../producttype/Attributes.ts"
import * as TableList from "../routes/TableList.ts"
import { Description, ProductModelCode, productModelId, ProductModelView } from "./ProductModel.ts"
import * as ProductModelState from "./ProductModelState.ts"

export const ProductModelTable = Table.make(ProductModelState, {
  name: "product_model",
  version: 1,
  columns: { title: Description.fields.title, model: Description, removed: Schema.Boolean },
  indexes: { variants: "USING gin ((model -> 'variants') jsonb_path_ops)" },
  search: ["title"],
  fold: (row, event) => {
    switch (event._tag) {
      case "ProductModelPut": {
        const { _tag, at: _at, ...model } = event
        return { title: model.title, model, removed: false }
      }
      case "ProductModelRemoved":
        return row && { ...row, removed: true }
    }
  }
})

export type ProductModelRow = RowOf<typeof ProductModelTable.schemas> & ViewRow

/** What a model says of one of its variants, or of a product that names it: the values that all share, and those on the axes. */
export const valuesFor = ({ model, removed }: ProductModelRow, { sku }: { readonly sku: string }): Attributes => {
  if (removed) return []
  const variant = model.variants.find((one) => one.sku === sku)
  return [...model.attributes, ...(variant?.attributes ?? [])]
}

interface Wanted {
  /** Only models that have this variant. */
  readonly variant: string | undefined
}
/** The models of a region that are not removed, by code. */
export const productModels = TableList.make(ProductModelTable, {
  name: "productModels",
  by: ["id"],
  where: (sql, { variant }: Wanted & TableList.Asked) =>
    variant === undefined
      ? sql`NOT removed`
      : sql`NOT removed AND model -> 'variants' @> ${JSON.stringify([{ sku: variant }])}::text::jsonb`,
  item: ({ id, model, removed, seq }, { region }) =>
    new ProductModelView(
      { ...model, region, code: ProductModelCode.make(id.slice(3)), removed, seq },
      { disableChecks: true }
    ),
  key: ({ code, region }) => [productModelId(region, code)]
})
