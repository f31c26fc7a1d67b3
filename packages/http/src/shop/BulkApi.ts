import { linesAtOnceMax, PutLine } from "@halles/entities/cart/Cart"
import { ListProduct } from "@halles/entities/catalogue/Product"
import { Adjust, Receive } from "@halles/entities/inventory/Sku"
import { CartId, SkuCode } from "@halles/shared/Ids"
import { Quantity } from "@halles/shared/Quantity"
import { Region } from "@halles/shared/Region"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { CartJson } from "./CartApi.ts"
import * as Edge from "../Edge.ts"
import { Idempotency } from "../idempotency/Idempotency.ts"
import { Price } from "./MoneyJson.ts"
import * as Problems from "../problems/Problems.ts"

/** Items of one request. */
export const itemsMax = linesAtOnceMax

/** As it would be answered on its own. */
const ProblemJson = Schema.Struct({
  type: Schema.String,
  title: Schema.String,
  status: Schema.Int,
  code: Schema.String,
  detail: Schema.String,
  context: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown))
}).annotate({ identifier: "ItemProblem" })

/** What became of each item, in the order of the request. What it came to is asked for where it is. */
const outcomes = {
  items: Schema.Array(
    Schema.Struct({
      index: Schema.Int,
      /** The status that the item would have had on its own. */
      status: Schema.Int,
      /** The version that it led to. */
      seq: Schema.NullOr(Schema.Int),
      problem: Schema.NullOr(ProblemJson)
    })
  ),
  succeeded: Schema.Int,
  failed: Schema.Int
}
/** Each succeeds or fails by itself. */
export const BulkResults = Schema.Struct(outcomes)
  .annotate({ identifier: "BulkResults" })
  .pipe(HttpApiSchema.status(207))

const items = <A extends Schema.Top>(item: A) =>
  Schema.Struct({ items: Schema.Array(item).check(Schema.isMinLength(1), Schema.isMaxLength(itemsMax)) })

export const StockItem = Schema.Union([
  Schema.Struct({
    type: Schema.Literal("receive"),
    region: Region,
    sku: SkuCode,
    warehouse: Receive.fields.warehouse,
    quantity: Receive.fields.quantity
  }),
  Schema.Struct({
    type: Schema.Literal("adjust"),
    region: Region,
    sku: SkuCode,
    warehouse: Adjust.fields.warehouse,
    expectedOnHand: Adjust.fields.expectedOnHand,
    onHand: Adjust.fields.onHand,
    reason: Adjust.fields.reason
  })
]).annotate({ identifier: "StockItem" })

export const ProductItem = Schema.Struct({
  region: Region,
  sku: SkuCode,
  title: ListProduct.fields.title,
  description: Schema.optionalKey(ListProduct.fields.description),
  price: Price,
  taxRate: ListProduct.fields.price.fields.taxRate
}).annotate({ identifier: "ProductItem" })

export const LineItem = Schema.Struct({
  sku: SkuCode,
  variant: Schema.optionalKey(PutLine.fields.variant),
  /** 0 takes the line out. */
  quantity: Schema.Union([Schema.Literal(0), Quantity])
}).annotate({ identifier: "LineItem" })

export const LineResults = Schema.Struct({
  ...outcomes,
  /** The cart with all of it; `null` with `Prefer: return=minimal`. */
  cart: Schema.NullOr(CartJson)
})
  .annotate({ identifier: "LineResults" })
  .pipe(HttpApiSchema.status(207))

export class BulkApi extends HttpApiGroup.make("bulk")
  .add(
    HttpApiEndpoint.post("bulkStock", "/bulk/stock", {
      headers: Edge.keyRequired,
      payload: items(StockItem),
      success: BulkResults
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "Receive or count many SKUs"),
    HttpApiEndpoint.post("bulkProducts", "/bulk/products", {
      headers: Edge.keyRequired,
      payload: items(ProductItem),
      success: BulkResults
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "List many products, or give them other prices"),
    HttpApiEndpoint.post("bulkLines", "/bulk/carts/:id/lines", {
      params: { id: CartId },
      headers: { ...Edge.changingKeyRequired, ...Edge.preferMinimal },
      payload: items(LineItem),
      success: LineResults,
      error: [Problems.notFound, Problems.cartClosed, Problems.preconditionFailed]
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "State many lines of a cart")
  )
  .prefix("/v1")
  .annotate(OpenApi.Title, "Bulk") {}
