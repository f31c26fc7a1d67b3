import { SkuCode, skuCode, skuId } from "@halles/shared/Ids"
import { Region, regionOf } from "@halles/shared/Region"
import { changes, everybody, keeper, type Rule } from "@halles/shared/wire/AccessRule"
import { repeated } from "@halles/shared/wire/Operation"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import * as Routes from "../routes/Routes.ts"
import { Adjust, AllowBackOrder, Receive, Sku, SkuView } from "./Sku.ts"

export const countSample = { warehouse: "eu-main", expectedOnHand: 500, onHand: 498, reason: "two torn packets" }
export const receiptSample = { warehouse: "eu-main", quantity: 500 }
const level = { onHand: 500, held: 2, reserved: 8, available: 490 }

const { backOrderAllowed, seq, totals, warehouses } = SkuView.fields
export const SkuJson = ViewJson.object<SkuView>()(
  "Sku",
  { region: Region, sku: SkuCode, warehouses, totals, backOrderAllowed, seq },
  {
    sample: {
      region: "eu",
      sku: "TEA-01",
      warehouses: [{ warehouse: "eu-main", ...level }],
      totals: { ...level, shipped: 120, backOrdered: 0 },
      backOrderAllowed: false,
      seq: 131
    },
    from: { region: ({ id }) => regionOf(id), sku: ({ id }) => skuCode(id) }
  }
)

const of = {
  contract: Sku,
  params: { region: Region, sku: SkuCode },
  json: SkuJson,
  id: ({ params }: { readonly params: { readonly region: Region; readonly sku: SkuCode } }) =>
    skuId(params.region, params.sku)
}
export const changeOfStock: Rule = { ...changes, region: "path", scopes: ["stock:write"], roles: keeper }
const change = { ...of, access: changeOfStock, actor: "edge:import" } as const

export const SkuApi = Routes.group("skus", { title: "Stock", about: "What a region has of a SKU, by warehouse." }, [
  Routes.query("getSku", "/skus/:region/:sku", {
    ...of,
    access: everybody,
    summary: "Stock in a region, by warehouse",
    about:
      "On hand, held for orders of the last ten minutes, reserved for older ones that still need it, and what is left to sell. A bundle has no stock of its own: `getAvailability` says how many of it could be sold."
  }),
  Routes.command("adjustSku", "POST", "/skus/:region/:sku/adjustments", {
    ...change,
    summary: "Set what is on hand, if it is still what was counted",
    about: `A count of the shelf, as compare and swap: refused when on hand is no longer \`expectedOnHand\`. ${repeated}`,
    example: countSample,
    message: "Adjust",
    payload: Routes.bodyOf(Adjust),
    key: "required"
  }),
  Routes.command("receiveSku", "POST", "/skus/:region/:sku/receipts", {
    ...change,
    summary: "Goods have come in",
    about: `Units that wait for stock are filled at once. ${repeated}`,
    example: receiptSample,
    message: "Receive",
    payload: Routes.bodyOf(Receive),
    key: "required"
  }),
  Routes.command("putBackOrders", "PUT", "/skus/:region/:sku/back-orders", {
    ...change,
    summary: "Whether more may be sold than is there",
    about: "Orders beyond what is there wait, and are filled in order as goods come in.",
    example: { allowed: true },
    message: "AllowBackOrder",
    payload: Routes.bodyOf(AllowBackOrder)
  })
])
