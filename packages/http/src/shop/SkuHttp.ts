import { Adjust, AllowBackOrder, Receive, Sku, type SkuView } from "@halles/entities/inventory/Sku"
import { skuCode, skuId } from "@halles/shared/Ids"
import { regionOf } from "@halles/shared/Region"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../Api.ts"
import * as Edge from "../Edge.ts"
import { IdempotencyKeyReused } from "../problems/EdgeErrors.ts"
import type { SkuJson } from "./SkuApi.ts"
import * as Upstreams from "../admission/Upstreams.ts"

export const skuJson = (view: SkuView): typeof SkuJson.Encoded => ({
  region: regionOf(view.id),
  sku: skuCode(view.id),
  warehouses: view.warehouses,
  totals: view.totals,
  backOrderAllowed: view.backOrderAllowed,
  seq: view.seq
})

const answer = (view: SkuView) => Edge.written(["Sku", view.id, view.seq], skuJson(view))

export const SkuHttp = HttpApiBuilder.group(
  Api,
  "skus",
  Effect.fnUntraced(function* (handlers) {
    const sku = yield* Upstreams.entity(Sku)
    return handlers.handleAll({
      getSku: ({ params, request }) =>
        Effect.map(Edge.call(sku(skuId(params.region, params.sku)).View()), (view) =>
          Edge.fresh(request, view.seq, () => skuJson(view))
        ),
      adjustSku: ({ headers, params, payload }) =>
        Effect.map(
          Edge.send(
            "adjust",
            headers,
            (stamp) => sku(skuId(params.region, params.sku)).Adjust(new Adjust({ ...stamp, ...payload })),
            { actor: "edge:import" }
          ),
          answer
        ),
      receiveSku: ({ headers, params, payload }) =>
        Effect.map(
          Edge.send(
            "receive",
            headers,
            (stamp) => sku(skuId(params.region, params.sku)).Receive(new Receive({ ...stamp, ...payload })),
            { actor: "edge:import" }
          ).pipe(Effect.catchTag("CommandReused", () => Effect.fail(new IdempotencyKeyReused()))),
          answer
        ),
      putBackOrders: ({ headers, params, payload }) =>
        Effect.map(
          Edge.send(
            "back-orders",
            headers,
            (stamp) =>
              sku(skuId(params.region, params.sku)).AllowBackOrder(new AllowBackOrder({ ...stamp, ...payload })),
            { actor: "edge:import" }
          ),
          answer
        )
    })
  })
)
