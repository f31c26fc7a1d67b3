import * as Table from "@halles/engine/projections/Table"
import * as TableList from "../routes/TableList.ts"
import { Declarations, ProductTypeCode, productTypeId, ProductTypeView, Title } from "./ProductType.ts"
import * as ProductTypeState from "./ProductTypeState.ts"
import { Schema } from "effect"

export const ProductTypeTable = Table.make(ProductTypeState, {
  name: "product_type",
  version: 1,
  columns: { title: Title, attributes: Declarations, removed: Schema.Boolean },
  fold: (row, event) => {
    switch (event._tag) {
      case "ProductTypePut":
        return { title: event.title, attributes: event.attributes, removed: false }
      case "ProductTypeRemoved":
        return row && { ...row, removed: true }
    }
  }
})

/** The product types of a region that are not removed, by code. */
export const productTypes = TableList.make(ProductTypeTable, {
  name: "productTypes",
  by: ["id"],
  where: (sql) => sql`NOT removed`,
  item: ({ id, ...row }, { region }) =>
    new ProductTypeView({ ...row, region, code: ProductTypeCode.make(id.slice(3)) }, { disableChecks: true }),
  key: ({ code, region }) => [productTypeId(region, code)]
})
