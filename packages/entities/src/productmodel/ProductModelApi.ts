import { SkuCode } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import { changes, everybody, ofCatalogue } from "@halles/shared/wire/AccessRule"
import { searched } from "@halles/shared/wire/Headers"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { Effect, Schema } from "effect"
import { AttributesJson, attributesOf, jsonOf } from "../producttype/Attributes.ts"
import * as AttributeRules from "../producttype/AttributeRules.ts"
import { VersionsJson } from "../history/FieldVersions.ts"
import * as HistoryRoutes from "../history/HistoryRoutes.ts"
import { coded } from "../routes/Coded.ts"
import { regional } from "../routes/Edge.ts"
import { list } from "../routes/List.ts"
import * as Routes from "../routes/Routes.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"
import {
  Description,
  type Edited,
  ProductModel,
  ProductModelCode,
  productModelId,
  ProductModelView,
  variantsMax
} from "./ProductModel.ts"
import { productModels } from "./ProductModelTable.ts"

const described = {
  title: "Teapot",
  description: "Keeps four cups hot.",
  attributes: { material: "clay" },
  axes: ["colour", "size"],
  variants: [
    { sku: "POT-RED-L", attributes: { colour: "red", size: "l" } },
    { sku: "POT-RED-S", attributes: { colour: "red", size: "s" } }
  ]
}
const sample = {
  region: "eu",
  code: "teapot",
  ...described,
  productType: { code: "teapot", version: 3 },
  removed: false,
  seq: 1
}

const { description, ...fields } = Description.fields
const variants = Schema.Array(Schema.Struct({ sku: SkuCode, attributes: AttributesJson })).check(
  Schema.isMaxLength(variantsMax)
)
const asJson = { attributes: AttributesJson, variants }

const from = {
  attributes: ({ attributes }: Description) => jsonOf(attributes),
  variants: ({ variants }: Description) =>
    variants.map(({ attributes, sku }) => ({ sku, attributes: jsonOf(attributes) }))
}

/** A model as the edge answers it. */
const ProductModelJson = ViewJson.object<ProductModelView>()(
  "ProductModel",
  { ...ProductModelView.fields, ...asJson },
  {
    sample,
    from
  }
)

/** The body of `putProductModel`. */
const DescriptionJson = Schema.Struct({
  ...fields,
  ...asJson,
  description: Schema.optionalKey(description),
  productType: AttributeRules.TypeGiven
})

/** The edge checks the attributes of the model and of its variants against the product type before it sends `PutProductModel`, and adds the version of the type. */
const asDeclared = Effect.gen(function* () {
  const typeOf = yield* AttributeRules.typeOf
  return Effect.fnUntraced(function* <
    Request extends { readonly query: { readonly region: Region }; readonly payload: typeof DescriptionJson.Type }
  >(request: Request) {
    const { attributes, axes, productType: asked, variants } = request.payload
    const type = yield* typeOf(request.query.region, asked)
    const errors = AttributeRules.modelFaults(type.attributes, { attributes, axes, variants })
    if (errors.length > 0) return yield* new ContentRefused({ errors })
    return { ...request, payload: { ...request.payload, productType: AttributeRules.checkedTypeOf(type) } }
  })
})

/** The same with the versions of its fields, for merchants. */
export const EditedProductModelJson = ViewJson.object<typeof Edited.Type>()(
  "EditedProductModel",
  { ...ProductModelView.fields, ...asJson, versions: VersionsJson },
  { sample: { ...sample, versions: { title: 1, description: 1, variants: 1 } }, from }
)

const one = { contract: ProductModel, json: ProductModelJson }
const there = coded(ProductModelCode, productModelId)
const change = { ...one, ...there.changes, access: { ...changes, ...ofCatalogue }, authored: true } as const

export const ProductModelApi = Routes.group(
  "productModels",
  {
    title: "Product models",
    about: "What the variants of a product have in common, and the axes by which they differ."
  },
  [
    list("listProductModels", "/product-models", {
      access: everybody,
      summary: "The product models of a region",
      about:
        "In the order of their codes, a page at a time. With `sku`, the list has only models with this variant. `q` finds models by beginnings of words of their title.",
      contract: ProductModel,
      of: productModels,
      query: { ...regional, ...searched, sku: Schema.optionalKey(SkuCode) },
      page: "ProductModels",
      json: ProductModelJson,
      wanted: ({ query }, own) => ({ region: query.region ?? own, variant: query.sku }),
      itemOf: (view, { query }) => {
        const isWanted = query.sku === undefined || view.variants.some(({ sku }) => sku === query.sku)
        return isWanted && !view.removed ? view : null
      }
    }),
    Routes.query("getProductModel", "/product-models/:code", {
      ...one,
      ...there.reads,
      access: everybody,
      summary: "One product model in a region",
      about:
        "`variants` are in the order in which shops show them. With `If-None-Match`, a version that you have already is answered with 304."
    }),
    ...HistoryRoutes.routes("ProductModel", "/product-models/:code", {
      contract: ProductModel,
      ...there.changes,
      json: EditedProductModelJson,
      what: "product model"
    }),
    Routes.command("putProductModel", "PUT", "/product-models/:code", {
      ...change,
      summary: "Describe a product model, or replace its description",
      about:
        'Replaces the whole description. `attributes` are the values that all variants share. `axes` are attributes that the type declares with `perVariant`; each variant has a value for every axis, and no two variants have the same values. A variant is the product with that SKU, which you list and describe by itself. Needs the `ETag` of the description that it replaces, or `"0"` for a new model.',
      example: { ...described, productType: { code: "teapot" } },
      message: "PutProductModel",
      payload: DescriptionJson,
      version: "required",
      before: asDeclared,
      refuses: [ContentRefused],
      fields: ({ payload: { attributes, description = "", productType, variants, ...rest } }) => ({
        ...rest,
        description,
        productType: AttributeRules.asChecked(productType),
        attributes: attributesOf(attributes),
        variants: variants.map(({ attributes, sku }) => ({ sku, attributes: attributesOf(attributes) }))
      })
    }),
    Routes.command("removeProductModel", "DELETE", "/product-models/:code", {
      ...change,
      summary: "Remove a product model",
      about: "Its variants stay products. `putProductModel` brings the model back.",
      message: "RemoveProductModel"
    })
  ]
)
