import { SkuCode, skuId } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import { changes, everybody, type Rule, seller } from "@halles/shared/wire/AccessRule"
import { searched } from "@halles/shared/wire/Headers"
import { Money, Price } from "@halles/shared/wire/MoneyJson"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { Effect, Schema } from "effect"
import { CategoryTree, categoryTreeId } from "../category/CategoryTree.ts"
import { AttributesJson, attributesOf, faultsOf, jsonOf } from "../producttype/Attributes.ts"
import { ProductModel, type ProductModelCode, productModelId } from "../productmodel/ProductModel.ts"
import * as AttributeRules from "../producttype/AttributeRules.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"
import type { ProductTypeView } from "../producttype/ProductType.ts"
import { Edge, regional } from "../routes/Edge.ts"
import { list } from "../routes/List.ts"
import * as Routes from "../routes/Routes.ts"
import { Details } from "./Details.ts"
import { exportCatalog } from "../exchange/ExportApi.ts"
import { importCatalog } from "../exchange/ImportApi.ts"
import { ListProduct, Product, ProductView } from "./Product.ts"
import { products } from "./ProductTable.ts"

export const listingSample = {
  title: "Breakfast tea, 250 g",
  description: "Loose black tea, strong enough for milk.",
  price: { amount: "495", currency: "GBP" },
  taxRate: 2000
}

const text = Schema.optionalKey(ListProduct.fields.description)
const { description, listed, price, region, seq, sku, title } = ProductView.fields
const described = {
  productType: { code: "loose-tea", version: 1 },
  attributes: { origin: "assam", net_weight: 250 },
  gtin: "4006381333931",
  weightGrams: 270,
  dimensionsMm: { length: 120, width: 80, height: 80 },
  categories: ["black-tea"],
  relations: [{ kind: "accessory", sku: "MUG-07" }]
}
const { taxRate } = price.fields
export const ProductJson = ViewJson.object<ProductView>()(
  "Product",
  {
    region,
    sku,
    title,
    description,
    price: Money,
    taxRate,
    listed,
    ...Details.fields,
    attributes: Schema.optionalKey(AttributesJson),
    seq
  },
  {
    sample: { region: "eu", sku: "TEA-01", ...listingSample, listed: true, ...described, seq: 2 },
    from: {
      taxRate: (view) => view.price.taxRate,
      attributes: ({ attributes }) => attributes && jsonOf(attributes)
    }
  }
)

/** What a product is listed with, one or many at once. */
export const Listing = Schema.Struct({ title, description: text, price: Price, taxRate })
/** Its fields as those of `ListProduct`. */
export const listingFields = (sku: SkuCode, { description = "", price, taxRate, title }: typeof Listing.Type) => ({
  sku,
  title,
  description,
  price: { ...price, taxRate }
})

/** What a product is described with. */
const Description = Schema.Struct({
  ...Details.fields,
  attributes: Schema.optionalKey(AttributesJson),
  productType: Schema.optionalKey(AttributeRules.TypeGiven)
})

const wrong = (pointer: string, detail: string) => [{ pointer, detail }]

/** Its categories stand in the tree; its attributes are those that the type of the product declares now; the product says in which version. */
const asDeclared = Effect.gen(function* () {
  const edge = yield* Edge
  const typeOf = yield* AttributeRules.typeOf
  const tree = yield* edge.entity(CategoryTree)
  const productModel = yield* edge.entity(ProductModel)
  const variantFaults = Effect.fnUntraced(function* (
    region: Region,
    sku: SkuCode,
    code: ProductModelCode,
    type: ProductTypeView,
    attributes: AttributesJson
  ) {
    const model = yield* edge
      .call(productModel(productModelId(region, code)).View())
      .pipe(Effect.catchTag("NotFound", () => Effect.succeed(null)))
    if (model === null || model.removed) return wrong("/model", "There is no such product model")
    if (!model.variants.some((variant) => variant.sku === sku)) return wrong("/model", "It has no such variant")
    if (model.productType.code !== type.code)
      return wrong("/productType/code", `Its product model is of the type ${model.productType.code}`)
    return AttributeRules.variantFaults(type.attributes, model.axes, attributes)
  })
  return Effect.fnUntraced(function* <
    Request extends {
      readonly params: { readonly sku: SkuCode }
      readonly query: { readonly region: Region }
      readonly payload: typeof Description.Type
    }
  >(request: Request) {
    const { attributes = {}, categories = [], model: code, productType: asked } = request.payload
    const missing =
      categories.length === 0
        ? []
        : yield* edge.call(tree(categoryTreeId(request.query.region)).Missing({ categories }))
    if (missing.length > 0) {
      const detail = "It does not stand in the tree of the region"
      const errors = missing.map((one) => ({ pointer: `/categories/${categories.indexOf(one)}`, detail }))
      return yield* new ContentRefused({ errors })
    }
    if (asked === undefined) {
      if (Object.keys(attributes).length === 0 && code === undefined) return request
      return yield* new ContentRefused({
        errors: wrong("/productType", "Required where there are attributes or a model")
      })
    }
    const type = yield* typeOf(request.query.region, asked)
    const errors =
      code === undefined
        ? faultsOf(type.attributes, attributes)
        : yield* variantFaults(request.query.region, request.params.sku, code, type, attributes)
    if (errors.length > 0) return yield* new ContentRefused({ errors })
    return { ...request, payload: { ...request.payload, productType: AttributeRules.askedOf(type) } }
  })
})

const one = { contract: Product, params: { sku: SkuCode }, json: ProductJson }
export const changeOfProduct: Rule = { ...changes, region: "query", scopes: ["catalog:write"], roles: seller }
/** Whoever changes something must say where, which whoever looks need not. */
const there = { query: { region: Region }, actor: "edge:import" } as const

const catalogue = { title: "Catalogue", about: "What a region sells, at which price; imports of whole catalogues." }
export const ProductApi = Routes.group("catalog", catalogue, [
  importCatalog,
  exportCatalog,
  list("listProducts", "/products", {
    access: everybody,
    traffic: { priority: "browse", cost: 3 },
    summary: "What a region sells",
    about: "In the order of their codes, a page at a time. `next` of one page is `cursor` of the page after it.",
    contract: Product,
    of: products,
    query: { ...regional, ...searched },
    page: "Products",
    json: ProductJson,
    wanted: ({ query }, own) => ({ region: query.region ?? own }),
    itemOf: (view) => (view.listed ? view : null),
    shared: { freshMs: 1_000, staleMs: 2_000 }
  }),
  Routes.query("getProduct", "/products/:sku", {
    ...one,
    access: everybody,
    summary: "One product in a region",
    about: "Title, description and price of a SKU in one region. Send `If-None-Match` to be told 304.",
    query: regional,
    id: ({ params, query }, own) => skuId(query.region ?? own, params.sku),
    shared: { freshMs: 60_000, staleMs: 30_000 }
  }),
  Routes.command("putProduct", "PUT", "/products/:sku", {
    ...one,
    ...there,
    access: changeOfProduct,
    summary: "List a product, or replace what is listed",
    about:
      'States what the product is from now on. Needs the `ETag` of what it replaces, or `"0"` for a product that is new.',
    example: listingSample,
    message: "ListProduct",
    payload: Listing,
    version: "required",
    id: ({ params, query }) => skuId(query.region, params.sku),
    fields: ({ params, payload }) => listingFields(params.sku, payload)
  }),
  Routes.command("describeProduct", "PUT", "/products/:sku/details", {
    ...one,
    ...there,
    access: changeOfProduct,
    summary: "State what is known of a product beside its listing",
    about:
      "Its type with the attributes that the type declares, its GTIN, weight and dimensions, and what belongs to it. States all of that: what is not sent is not known any more. The listing stays as it is. Needs the `ETag` of what it replaces.",
    example: { ...described, productType: { code: "loose-tea" } },
    message: "DescribeProduct",
    payload: Description,
    version: "required",
    before: asDeclared,
    id: ({ params, query }) => skuId(query.region, params.sku),
    fields: ({ payload: { attributes, productType, ...details } }) => ({
      ...details,
      ...(attributes === undefined ? {} : { attributes: attributesOf(attributes) }),
      ...(productType === undefined ? {} : { productType: { version: 0, ...productType } })
    })
  }),
  Routes.command("deleteProduct", "DELETE", "/products/:sku", {
    ...one,
    ...there,
    access: changeOfProduct,
    summary: "Take a product off sale",
    about: "Carts that hold it can no longer be checked out. Listing it again brings it back.",
    message: "Unlist",
    id: ({ params, query }) => skuId(query.region, params.sku)
  })
])
