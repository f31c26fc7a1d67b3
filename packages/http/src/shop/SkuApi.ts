import { Adjust, AllowBackOrder, Receive, SkuView } from "@halles/entities/inventory/Sku"
import { SkuCode } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import * as Edge from "../Edge.ts"
import { Idempotency } from "../idempotency/Idempotency.ts"
import * as Problems from "../problems/Problems.ts"

const { backOrderAllowed, seq, totals, warehouses } = SkuView.fields
export const SkuJson = Schema.Struct({
  region: Region,
  sku: SkuCode,
  warehouses,
  totals,
  backOrderAllowed,
  seq
}).annotate({ identifier: "Sku" })

const params = { region: Region, sku: SkuCode }
const { expectedOnHand, onHand, reason, warehouse } = Adjust.fields

export class SkuApi extends HttpApiGroup.make("skus")
  .add(
    HttpApiEndpoint.get("getSku", "/skus/:region/:sku", {
      params,
      success: SkuJson,
      error: [Problems.notFound]
    }).annotate(OpenApi.Summary, "Stock in a region, by warehouse"),
    HttpApiEndpoint.post("adjustSku", "/skus/:region/:sku/adjustments", {
      params,
      headers: Edge.changingKeyRequired,
      payload: Schema.Struct({ warehouse, expectedOnHand, onHand, reason }),
      success: SkuJson,
      error: [
        Problems.notFound,
        Problems.preconditionFailed,
        Problems.stockChanged,
        Problems.stockPromised,
        Problems.stockBound
      ]
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "Set what is on hand, if it is still what was counted"),
    HttpApiEndpoint.post("receiveSku", "/skus/:region/:sku/receipts", {
      params,
      headers: Edge.changingKeyRequired,
      payload: Schema.Struct({ warehouse: Receive.fields.warehouse, quantity: Receive.fields.quantity }),
      success: SkuJson,
      error: [Problems.preconditionFailed, Problems.stockBound]
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "Goods have come in"),
    HttpApiEndpoint.put("putBackOrders", "/skus/:region/:sku/back-orders", {
      params,
      headers: Edge.changing,
      payload: Schema.Struct({ allowed: AllowBackOrder.fields.allowed }),
      success: SkuJson,
      error: [Problems.preconditionFailed]
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "Whether more may be sold than is there")
  )
  .prefix("/v1")
  .annotate(OpenApi.Title, "Stock") {}
