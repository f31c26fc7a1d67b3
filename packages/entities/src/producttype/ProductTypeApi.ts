import { changes, everybody, ofCatalogue } from "@halles/shared/wire/AccessRule"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { coded } from "../routes/Coded.ts"
import { regional } from "../routes/Edge.ts"
import { list } from "../routes/List.ts"
import * as Routes from "../routes/Routes.ts"
import { ProductType, ProductTypeCode, productTypeId, ProductTypeView, PutProductType } from "./ProductType.ts"
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

/** How a product type looks to clients. */
const ProductTypeJson = ViewJson.object<ProductTypeView>()("ProductType", ProductTypeView.fields, { sample })

const one = { contract: ProductType, json: ProductTypeJson }
const there = coded(ProductTypeCode, productTypeId)
const change = { ...one, ...there.changes, access: { ...changes, ...ofCatalogue } }

export const ProductTypeApi = Routes.group(
  "productTypes",
  { title: "Product types", about: "Which attributes products of a type have, and which values those take." },
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
      about: "Its attributes, in the order in which they are shown. Send `If-None-Match` to be told 304."
    }),
    Routes.command("putProductType", "PUT", "/product-types/:code", {
      ...change,
      summary: "Declare a product type, or replace what is declared",
      about:
        'States which attributes products of the type have from now on. An attribute keeps the kind that it was declared with first. Products that were described before stay as they are until they are described again. Needs the `ETag` of what it replaces, or `"0"` for a type that is new.',
      example: declared,
      message: "PutProductType",
      payload: Routes.bodyOf(PutProductType),
      version: "required"
    }),
    Routes.command("removeProductType", "DELETE", "/product-types/:code", {
      ...change,
      summary: "No product takes the type any more",
      about: "Products that have it keep what they say. Declaring it again brings it back.",
      message: "RemoveProductType"
    })
  ]
)
