import { changes, everybody, ofCatalogue } from "@halles/shared/wire/AccessRule"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { VersionsJson } from "../history/FieldVersions.ts"
import * as HistoryRoutes from "../history/HistoryRoutes.ts"
import { coded } from "../routes/Coded.ts"
import { regional } from "../routes/Edge.ts"
import { list } from "../routes/List.ts"
import * as Routes from "../routes/Routes.ts"
import {
  type Edited,
  ProductType,
  ProductTypeCode,
  productTypeId,
  ProductTypeView,
  PutProductType
} from "./ProductType.ts"
import { productTypes } from "./ProductTypeTable.ts"

const declared = {
  title: "Loose tea",
  attributes: [
    { kind: "choice", code: "origin", title: "Origin", facetable: true, options: [{ code: "assam", title: "Assam" }] },
    { kind: "number", code: "net_weight", title: "Net weight", unit: "g", required: true, perVariant: true },
    { kind: "localised_text", code: "brewing", title: "How to brew it" }
  ]
}
const sample = { region: "eu", code: "loose-tea", ...declared, removed: false, seq: 1 }

/** A product type as the edge answers it. */
const ProductTypeJson = ViewJson.object<ProductTypeView>()("ProductType", ProductTypeView.fields, { sample })

/** The same with the versions of its fields, for merchants. */
export const EditedProductTypeJson = ViewJson.object<typeof Edited.Type>()(
  "EditedProductType",
  { ...ProductTypeView.fields, versions: VersionsJson },
  { sample: { ...sample, versions: { title: 1, attributes: 1, removed: 1 } } }
)

const one = { contract: ProductType, json: ProductTypeJson }
const there = coded(ProductTypeCode, productTypeId)
const change = { ...one, ...there.changes, access: { ...changes, ...ofCatalogue }, authored: true } as const

export const ProductTypeApi = Routes.group(
  "productTypes",
  {
    title: "Product types",
    about: "Which attributes the products of a type have, and which values each attribute takes."
  },
  [
    list("listProductTypes", "/product-types", {
      access: everybody,
      summary: "The product types of a region",
      about: "In the order of their codes, a page at a time. `next` of one page is `cursor` of the page after it.",
      contract: ProductType,
      of: productTypes,
      query: regional,
      page: "ProductTypes",
      json: ProductTypeJson,
      wanted: ({ query }, own) => ({ region: query.region ?? own }),
      itemOf: (view) => (view.removed ? null : view)
    }),
    Routes.query("getProductType", "/product-types/:code", {
      ...one,
      ...there.reads,
      access: everybody,
      summary: "One product type in a region",
      about:
        "`attributes` are in the order in which shops show them. With `If-None-Match`, a version that you have already is answered with 304."
    }),
    ...HistoryRoutes.routes("ProductType", "/product-types/:code", {
      contract: ProductType,
      ...there.changes,
      json: EditedProductTypeJson,
      what: "product type"
    }),
    Routes.command("putProductType", "PUT", "/product-types/:code", {
      ...change,
      summary: "Declare a product type, or replace its declaration",
      about:
        'Replaces the whole declaration. An attribute keeps the kind that it was declared with first. A product keeps its attributes until it is described again, and must then be as the type declares. Needs the `ETag` of the declaration that it replaces, or `"0"` for a new type.',
      example: declared,
      message: "PutProductType",
      payload: Routes.bodyOf(PutProductType),
      version: "required"
    }),
    Routes.command("removeProductType", "DELETE", "/product-types/:code", {
      ...change,
      summary: "Remove a product type",
      about:
        "Products that have it keep it with their attributes; no other product can take it. `putProductType` brings it back.",
      message: "RemoveProductType"
    })
  ]
)
