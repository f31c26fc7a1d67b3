import { SkuCode, skuId } from "@halles/shared/Ids"
import { Region, regionOf } from "@halles/shared/Region"
import { isMaxCharacters } from "@halles/shared/Text"
import { changes, everybody, type Rule, seller } from "@halles/shared/wire/AccessRule"
import { Money, Price } from "@halles/shared/wire/MoneyJson"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { Schema } from "effect"
import { list } from "../routes/List.ts"
import * as Routes from "../routes/Routes.ts"
import { importCatalog } from "./ImportApi.ts"
import { ListProduct, Product, ProductView } from "./Product.ts"
import { products, ProductTable } from "./ProductTable.ts"

const money = { amount: "495", currency: "GBP" }
/** An example of what a product is listed with. */
export const listing = {
  title: "Breakfast tea, 250 g",
  description: "Loose black tea, strong enough for milk.",
  price: money,
  taxRate: 2000
}

const { description, listed, price, region, seq, sku, title } = ProductView.fields
const { taxRate } = price.fields
export const ProductJson = ViewJson.object<ProductView>()(
  "Product",
  { region, sku, title, description, price: Money, taxRate, listed, seq },
  {
    sample: { region: "eu", sku: "TEA-01", ...listing, listed: true, seq: 1 },
    from: { taxRate: (view) => view.price.taxRate }
  }
)

const params = { sku: SkuCode }
/** Whoever changes something must say where. */
const there = { params, query: { region: Region } }
/** Whoever only looks need not. */
const looked = {
  region: Schema.optionalKey(
    Region.annotate({
      description: "Without it the region that the deployment names as its own, `eu` unless it says otherwise."
    })
  )
}

export const changeOfProduct: Rule = { ...changes, region: "query", scopes: ["catalog:write"], roles: seller }

export const ProductApi = Routes.group(
  "catalog",
  { title: "Catalogue", about: "What a region sells, at which price; imports of whole catalogues." },
  [
    importCatalog,
    list("listProducts", "/products", {
      access: everybody,
      traffic: { priority: "browse", cost: 3 },
      summary: "What a region sells",
      about: "In the order of their codes, a page at a time. `next` of one page is `cursor` of the page after it.",
      contract: Product,
      table: ProductTable,
      query: { ...looked, q: Schema.optionalKey(Schema.String.check(isMaxCharacters(100))) },
      page: "Products",
      json: ProductJson,
      region: ({ query }, own) => query.region ?? own,
      read: ({ limit, query, region }) => products({ ...query, region, limit }),
      idOf: (product) => skuId(product.region, product.sku),
      compare: (a, b) => (a.sku < b.sku ? -1 : a.sku > b.sku ? 1 : 0),
      itemOf: (view) => (view.listed ? view : null),
      // Which words an entity has only the read table knows.
      onlyTable: ({ query }) => query.q !== undefined,
      // A list follows its projection, and nothing says when: it is true for a moment, which is enough against a stampede.
      shared: { freshMs: 1_000, staleMs: 2_000 }
    }),
    Routes.query("getProduct", "/products/:sku", {
      access: everybody,
      traffic: { priority: "browse", cost: 1 },
      summary: "One product in a region",
      about: "Title, description and price of a SKU in one region. Send `If-None-Match` to be told 304.",
      contract: Product,
      params,
      query: looked,
      json: ProductJson,
      id: ({ params, query }, own) => skuId(query.region ?? own, params.sku),
      // An event says when a product has changed.
      shared: (id) => ({
        key: Routes.sharedKey("Product", id),
        invalidatedBy: regionOf(id),
        freshMs: 60_000,
        staleMs: 30_000
      })
    }),
    Routes.command("putProduct", "PUT", "/products/:sku", {
      access: changeOfProduct,
      summary: "List a product, or replace what is listed",
      about:
        'States what the product is from now on. Needs the `ETag` of what it replaces, or `"0"` for a product that is new.',
      example: listing,
      contract: Product,
      message: "ListProduct",
      ...there,
      payload: Schema.Struct({
        title: ListProduct.fields.title,
        description: Schema.optionalKey(ListProduct.fields.description),
        price: Price,
        taxRate
      }),
      json: ProductJson,
      version: "required",
      actor: "edge:import",
      id: ({ params, query }) => skuId(query.region, params.sku),
      fields: ({ params, payload: { description = "", price, taxRate, title } }) => ({
        ...params,
        title,
        description,
        price: { ...price, taxRate }
      })
    }),
    Routes.command("deleteProduct", "DELETE", "/products/:sku", {
      access: changeOfProduct,
      summary: "Take a product off sale",
      about: "Carts that hold it can no longer be checked out. Listing it again brings it back.",
      contract: Product,
      message: "Unlist",
      ...there,
      json: ProductJson,
      actor: "edge:import",
      id: ({ params, query }) => skuId(query.region, params.sku),
      fields: () => ({})
    })
  ]
)
