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
import { getEditedProduct, getTranslations } from "./EditedRoutes.ts"
import { claimedSlug } from "./ClaimedSlug.ts"
import { ChangeId, ListProduct, NameProduct, Product, ProductView } from "./Product.ts"
import * as Json from "./ProductJson.ts"
import { products } from "./ProductTable.ts"
import { ChangeGiven, changeOf, timed } from "./Schedule.ts"
import { TranslationsJson, translationsOf } from "./Translations.ts"

const { title } = ProductView.fields
const text = Schema.optionalKey(ListProduct.fields.description)

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
  actor: "edge:import"
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
      "Title, description and price of a SKU in one region, and what is known of it. One that was never on sale is shown by `getEditedProduct` alone. Send `If-None-Match` to be told 304.",
    query: regional,
    shows: Json.isPublic,
    id: ({ params, query }, own) => skuId(query.region ?? own, params.sku),
    shared: { freshMs: 60_000, staleMs: 30_000 }
  }),
  Routes.command("putProduct", "PUT", "/products/:sku", {
    ...change,
    summary: "List a product, or replace what is listed",
    about:
      'States what the product is from now on. Needs the `ETag` of what it replaces, or `"0"` for a product that is new. With the status `draft` it is not on sale, and shown to staff alone, until it is listed without.',
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
    summary: "State what is known of a product beside its listing",
    about:
      "Its type with the attributes that the type declares, its GTIN, weight and dimensions, and what belongs to it. States all of that: what is not sent is not known any more. The listing stays as it is. Needs the `ETag` of what it replaces.",
    example: { ...Json.detailsSample, productType: { code: "loose-tea" } },
    message: "DescribeProduct",
    payload: Json.DescriptionJson,
    version: "required",
    before: asDeclared,
    fields: ({ payload }) => Json.detailsOf(payload)
  }),
  getEditedProduct,
  Routes.command("translateProduct", "PUT", "/products/:sku/translations", {
    ...change,
    summary: "State all translations of a product",
    about:
      "Title, description and what search engines are shown, by language; a language that is not sent has none any more. Texts are kept as they are: whoever shows them escapes them. Needs the `ETag` of what it replaces.",
    example: Json.translationsSample,
    message: "TranslateProduct",
    payload: TranslationsJson,
    version: "required",
    fields: ({ payload }) => ({ translations: translationsOf(payload) })
  }),
  getTranslations,
  Routes.command("nameProduct", "PUT", "/products/:sku/slug", {
    ...change,
    summary: "State by which slug a product goes",
    about:
      "A slug leads to one product for good: those that it had before redirect to this one (`getSlug`), and no other product can have them.",
    example: { slug: "breakfast-tea" },
    message: "NameProduct",
    payload: Routes.bodyOf(NameProduct),
    before: claimedSlug,
    refuses: [SlugTaken]
  }),
  Routes.command("scheduleChange", "PUT", "/products/:sku/changes/:changeId", {
    ...change,
    params: ofChange,
    summary: "Let a product change at a time to come",
    about:
      "Another price, on sale or off sale, at a local time in a time zone or at a time with an offset. It happens at that time, also if nobody is there; until then it can be withdrawn, or stated anew under its id.",
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
    summary: "Withdraw a change that waits for its time",
    about: "One that has happened, or never was, is nothing to withdraw: nothing changes.",
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
