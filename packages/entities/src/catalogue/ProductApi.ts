import { SkuCode, skuId } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import { changes, everybody, ofCatalogue } from "@halles/shared/wire/AccessRule"
import { searched } from "@halles/shared/wire/Headers"
import { Price } from "@halles/shared/wire/MoneyJson"
import { Schema } from "effect"
import { exportCatalog } from "../exchange/ExportApi.ts"
import { importCatalog } from "../exchange/ImportApi.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { regional } from "../routes/Edge.ts"
import { list } from "../routes/List.ts"
import * as Routes from "../routes/Routes.ts"
import { SlugTaken } from "../slug/Slug.ts"
import { Channel, isIn } from "./Channel.ts"
import { asDeclared } from "./AsDeclared.ts"
import { getAvailability } from "./AvailabilityRoute.ts"
import { getEditedProduct, getProductHistory, getTranslations } from "./EditedRoutes.ts"
import { claimedSlug } from "./ClaimedSlug.ts"
import { ChangeId, Description, NameProduct, Product, ProductView } from "./Product.ts"
import * as Json from "./ProductJson.ts"
import { products } from "./ProductTable.ts"
import { ChangeGiven, changeOf, timed } from "./Schedule.ts"
import { TranslationsJson, translationsOf } from "./Translations.ts"

const { title } = ProductView.fields
const text = Schema.optionalKey(Description)

/** The body that lists a product, one by one or in bulk. */
export const Listing = Schema.Struct({ title, description: text, price: Price, taxRate: Json.taxRate })
/** The fields of `ListProduct` that the body gives. */
export const listingFields = (sku: SkuCode, { description = "", price, taxRate, title }: typeof Listing.Type) => ({
  sku,
  title,
  description,
  price: { ...price, taxRate }
})
/** As `Listing`. A product that is listed by itself may be a draft, which one of many may not. */
const Stated = Schema.Struct({ ...Listing.fields, status: Schema.optionalKey(Schema.Literals(["draft", "active"])) })

interface There {
  readonly params: { readonly sku: SkuCode }
  readonly query: { readonly region: Region }
}
const one = { contract: Product, params: { sku: SkuCode }, json: Json.ProductJson }
/** Every command of a merchant. Its query must name the region, which the query of a reader need not. */
const change = {
  ...one,
  query: { region: Region },
  id: ({ params, query }: There) => skuId(query.region, params.sku),
  access: { ...changes, ...ofCatalogue },
  actor: "edge:import",
  authored: true
} as const

const ofChange = { sku: SkuCode, changeId: ChangeId }

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
    query: { ...regional, ...searched, channel: Schema.optionalKey(Channel) },
    page: "Products",
    json: Json.ProductJson,
    wanted: ({ query }, own) => ({ region: query.region ?? own, channel: query.channel }),
    itemOf: (view, { query }) => (view.listed && isIn(view.channels, query.channel) ? view : null),
    shared: { freshMs: 1_000, staleMs: 2_000 }
  }),
  Routes.query("getProduct", "/products/:sku", {
    ...one,
    access: everybody,
    summary: "One product in a region",
    about:
      "Title, description and price of a SKU in one region, and its details. Only `getEditedProduct` shows drafts. With `If-None-Match`, a version that you have already is answered with 304.",
    query: regional,
    shows: Json.isPublic,
    id: ({ params, query }, own) => skuId(query.region ?? own, params.sku),
    shared: { freshMs: 60_000, staleMs: 30_000 }
  }),
  Routes.command("putProduct", "PUT", "/products/:sku", {
    ...change,
    summary: "List a product, or replace what is listed",
    about:
      'Replaces the whole listing. Needs the `ETag` of the listing that it replaces, or `"0"` for a new product. With the status `draft` the product is not on sale, and only `getEditedProduct` shows it, until it is listed without that status.',
    example: Json.listingSample,
    message: "ListProduct",
    payload: Stated,
    version: "required",
    fields: ({ params, payload }) => ({
      ...listingFields(params.sku, payload),
      ...(payload.status === "draft" ? { draft: true } : {})
    })
  }),
  Routes.command("describeProduct", "PUT", "/products/:sku/details", {
    ...change,
    summary: "Describe a product, or replace its details",
    about:
      "The details of a product: its product type with the attributes that the type declares, its model, GTIN, weight, dimensions, categories, channels, relations and media, and the parts that make a bundle of it. Replaces all of them: the product loses a detail that is not sent. The listing stays as it is. Needs the `ETag` of the version that it changes.",
    example: { ...Json.detailsSample, productType: { code: "loose-tea" } },
    message: "DescribeProduct",
    payload: Json.DescriptionJson,
    version: "required",
    before: asDeclared,
    fields: ({ payload }) => Json.detailsOf(payload)
  }),
  getEditedProduct,
  getProductHistory,
  Routes.command("translateProduct", "PUT", "/products/:sku/translations", {
    ...change,
    summary: "Replace all translations of a product",
    about:
      "Title, description, and both for search engines, by language. The product loses the texts of a language that is not sent. A product keeps HTML in a text as it was sent, so escape texts where you show them. Needs the `ETag` of the version that it changes.",
    example: Json.translationsSample,
    message: "TranslateProduct",
    payload: TranslationsJson,
    version: "required",
    fields: ({ payload }) => ({ translations: translationsOf(payload) })
  }),
  getTranslations,
  getAvailability,
  Routes.command("nameProduct", "PUT", "/products/:sku/slug", {
    ...change,
    summary: "Give a product a slug",
    about:
      "The slug leads to this product for good, and no other product can have it. Slugs that the product had before redirect to this one (`getSlug`).",
    example: { slug: "breakfast-tea" },
    message: "NameProduct",
    payload: Routes.bodyOf(NameProduct),
    before: claimedSlug,
    refuses: [SlugTaken]
  }),
  Routes.command("scheduleChange", "PUT", "/products/:sku/changes/:changeId", {
    ...change,
    params: ofChange,
    summary: "Schedule a change of a product",
    about:
      "Another price, on sale or off sale, at a local time in a time zone or at a time with an offset. The product changes by itself at that time. Until then you can withdraw the change, or replace it under the same id.",
    example: Json.scheduleSample,
    message: "ScheduleChange",
    payload: ChangeGiven,
    before: timed,
    refuses: [ContentRefused],
    fields: ({ params, payload }) => changeOf(params.changeId, payload)
  }),
  Routes.command("withdrawChange", "DELETE", "/products/:sku/changes/:changeId", {
    ...change,
    params: ofChange,
    summary: "Withdraw a scheduled change",
    about: "Changes nothing where the change has happened already, or was never scheduled.",
    message: "WithdrawChange",
    fields: ({ params }) => ({ changeId: params.changeId })
  }),
  Routes.command("deleteProduct", "DELETE", "/products/:sku", {
    ...change,
    summary: "Take a product off sale",
    about: "Carts that hold it can no longer be checked out. Listing it again brings it back.",
    message: "Unlist"
  })
])
