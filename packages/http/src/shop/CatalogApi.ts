import { ListProduct, ProductView } from "@halles/entities/catalogue/Product"
import { SkuCode } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import { isMaxCharacters } from "@halles/shared/Text"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import * as Consistency from "./Consistency.ts"
import * as Edge from "../Edge.ts"
import { Money, Price } from "./MoneyJson.ts"
import { Idempotency } from "../idempotency/Idempotency.ts"
import * as Problems from "../problems/Problems.ts"
import { WholeNumber } from "../WholeNumber.ts"

const { description, listed, price, region, seq, sku, title } = ProductView.fields
export const ProductJson = Schema.Struct({
  region,
  sku,
  title,
  description,
  price: Money,
  taxRate: price.fields.taxRate,
  listed,
  seq
}).annotate({ identifier: "Product" })

/** `next` goes into `cursor` for the page after this one. */
export const ProductsJson = Schema.Struct({
  items: Schema.Array(ProductJson),
  next: Schema.NullOr(Edge.Cursor)
}).annotate({
  identifier: "Products"
})

const counts = { rows: Schema.Int, accepted: Schema.Int, rejected: Schema.Int }
/** One line of the answer to an import; the last one is `done`, or `failed` when the rest could not be read. */
export const ImportLine = Schema.Union([
  Schema.Struct({ type: Schema.Literal("progress"), ...counts }),
  Schema.Struct({ type: Schema.Literal("error"), row: Schema.Int, code: Schema.String, detail: Schema.String }),
  Schema.Struct({ type: Schema.Literal("failed"), row: Schema.Int, code: Schema.String, detail: Schema.String }),
  Schema.Struct({
    type: Schema.Literal("done"),
    importId: Schema.String,
    ...counts,
    /** Rows that were taken before under the same id, and whose products are otherwise by now. */
    superseded: Schema.optionalKey(Schema.Int)
  })
]).annotate({ identifier: "ImportLine" })
export type ImportLine = typeof ImportLine.Type

/** Whoever only looks need not say where; whoever changes something must. */
const LookedAt = Schema.optionalKey(
  Region.annotate({
    description: "Without it the region that the deployment names as its own, `eu` unless it says otherwise."
  })
)

export class CatalogApi extends HttpApiGroup.make("catalog")
  .add(
    HttpApiEndpoint.post("importCatalog", "/catalog/import", {
      headers: {
        /** One delivery, however often it is sent; random when absent, and echoed. */
        "import-id": Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,100}$/u)))
      },
      /** The first row to take, counted from 1 without the CSV header: to resume. */
      query: {
        from: Schema.optionalKey(WholeNumber({ minimum: 1 }))
      },
      payload: HttpApiSchema.StreamUint8Array({ contentType: ["text/csv", "application/x-ndjson"] }),
      success: HttpApiSchema.StreamNdjson({ schema: ImportLine })
    }).annotate(OpenApi.Summary, "List products and receive their stock, a row each, from CSV or NDJSON"),
    HttpApiEndpoint.get("listProducts", "/products", {
      query: {
        region: LookedAt,
        q: Schema.optionalKey(Schema.String.check(isMaxCharacters(100))),
        ...Edge.paged
      },
      headers: Consistency.header,
      success: ProductsJson
    }).annotate(OpenApi.Summary, "What a region sells"),
    HttpApiEndpoint.get("getProduct", "/products/:sku", {
      params: { sku: SkuCode },
      query: { region: LookedAt },
      success: ProductJson,
      error: [Problems.notFound]
    }).annotate(OpenApi.Summary, "One product in a region"),
    HttpApiEndpoint.put("putProduct", "/products/:sku", {
      params: { sku: SkuCode },
      query: { region: Region },
      headers: Edge.replacing,
      payload: Schema.Struct({
        title: ListProduct.fields.title,
        description: Schema.optionalKey(ListProduct.fields.description),
        price: Price,
        taxRate: price.fields.taxRate
      }),
      success: ProductJson,
      error: [Problems.preconditionFailed]
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "List a product, or replace what is listed"),
    HttpApiEndpoint.delete("deleteProduct", "/products/:sku", {
      params: { sku: SkuCode },
      query: { region: Region },
      headers: Edge.changing,
      success: ProductJson,
      error: [Problems.notFound, Problems.preconditionFailed]
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "Take a product off sale")
  )
  .prefix("/v1")
  .annotate(OpenApi.Title, "Catalogue") {}
