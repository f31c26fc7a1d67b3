import { named } from "@halles/shared/wire/Named"
import { operation, repeated } from "@halles/shared/wire/Operation"
import * as Refusal from "@halles/shared/wire/Refusal"
import { NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { Listing } from "@halles/entities/catalogue/ProductApi"
import { changes, ofCatalogue } from "@halles/shared/wire/AccessRule"
import { listingSample } from "@halles/entities/catalogue/ProductJson"
import * as SkuApi from "@halles/entities/inventory/SkuApi"
import { CartClosed, linesAtOnceMax, PutLine } from "@halles/entities/cart/Cart"
import { Adjust, Receive } from "@halles/entities/inventory/Sku"
import * as Routes from "@halles/entities/routes/Routes"
import { CartId, SkuCode } from "@halles/shared/Ids"
import { Quantity } from "@halles/shared/Quantity"
import { Region } from "@halles/shared/Region"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { CartJson, cartSample, changeOfCart } from "@halles/entities/cart/CartApi"
import * as Headers from "@halles/shared/wire/Headers"
import { Idempotency } from "@halles/shared/wire/Idempotency"

const receipt = { type: "receive", region: "eu", sku: "TEA-01", ...SkuApi.receiptSample }
const count = { type: "adjust", region: "eu", sku: "TEA-02", ...SkuApi.countSample }
const product = { region: "eu", sku: "TEA-01", ...listingSample }
const problem = {
  type: "/problems/stock_changed",
  title: "The stock has changed",
  status: 409,
  code: "stock_changed",
  detail: "On hand now: 499. Count again.",
  context: { onHand: 499 }
}
const results = {
  items: [
    { index: 0, status: 200, seq: 7, problem: null },
    { index: 1, status: 409, seq: null, problem }
  ],
  succeeded: 1,
  failed: 1
}

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
}).pipe(named("ItemProblem", problem))

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
export const BulkResults = Schema.Struct(outcomes).pipe(named("BulkResults", results)).pipe(HttpApiSchema.status(207))

const items = <A extends Schema.Top>(item: A) =>
  Schema.Struct({ items: Schema.Array(item).check(Schema.isMinLength(1), Schema.isMaxLength(itemsMax)) })

const where = { region: Region, sku: SkuCode }

export const StockItem = Schema.Union([
  Schema.Struct({ type: Schema.Literal("receive"), ...where, ...Routes.bodyOf(Receive).fields }),
  Schema.Struct({ type: Schema.Literal("adjust"), ...where, ...Routes.bodyOf(Adjust).fields })
]).pipe(named("StockItem", receipt))

export const ProductItem = Schema.Struct({ ...where, ...Listing.fields }).pipe(named("ProductItem", product))

export const LineItem = Schema.Struct({
  sku: SkuCode,
  variant: Schema.optionalKey(PutLine.fields.variant),
  /** 0 takes the line out. */
  quantity: Schema.Union([Schema.Literal(0), Quantity])
}).pipe(named("LineItem", { sku: "TEA-01", quantity: 2 }))

export const LineResults = Schema.Struct({
  ...outcomes,
  /** The cart with all of it; `null` with `Prefer: return=minimal`. */
  cart: Schema.NullOr(CartJson)
})
  .pipe(named("LineResults", { ...results, cart: cartSample }))
  .pipe(HttpApiSchema.status(207))

export class BulkApi extends HttpApiGroup.make("bulk")
  .add(
    HttpApiEndpoint.post("bulkStock", "/bulk/stock", {
      headers: Headers.keyRequired,
      payload: items(StockItem),
      success: BulkResults
    })
      .middleware(Idempotency)
      .annotateMerge(
        operation({
          access: { ...SkuApi.changeOfStock, region: "body", asks: ["region"] },
          summary: "Receive or count many SKUs",
          example: { items: [receipt, count] },
          about: `Receipts and counts, mixed. Items of one SKU go in the order of the request. ${repeated}`
        })
      ),
    HttpApiEndpoint.post("bulkProducts", "/bulk/products", {
      headers: { ...Headers.keyRequired, ...Headers.reasoned },
      payload: items(ProductItem),
      success: BulkResults
    })
      .middleware(Idempotency)
      .annotateMerge(
        operation({
          access: { ...changes, ...ofCatalogue, region: "body", asks: ["region"] },
          summary: "List many products, or give them other prices",
          example: { items: [product] },
          about: `Items of one product go in the order of the request. ${repeated}`
        })
      ),
    HttpApiEndpoint.post("bulkLines", "/bulk/carts/:id/lines", {
      params: { id: CartId },
      headers: { ...Headers.changingKeyRequired, ...Headers.preferring },
      payload: items(LineItem),
      success: LineResults,
      error: [Refusal.of(NotFound), Refusal.of(CartClosed), Refusal.of(PreconditionFailed)]
    })
      .middleware(Idempotency)
      .annotateMerge(
        operation({
          access: changeOfCart,
          summary: "State many lines of a cart",
          example: {
            items: [
              { sku: "TEA-01", quantity: 2 },
              { sku: "MUG-07", quantity: 0 }
            ]
          },
          about: `In the order of the request, as one change of the cart; a quantity of 0 takes the line out. Says of each line whether it was taken, and shows the cart once. ${repeated}`
        })
      )
  )
  .prefix("/v1")
  .annotate(OpenApi.Title, "Bulk")
  .annotate(OpenApi.Description, "Many changes in one request. Each item succeeds or fails by itself, and says so.") {}
