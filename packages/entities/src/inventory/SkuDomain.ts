import { SkuId } from "@halles/shared/Ids"
import * as Domain from "../Domain.ts"
import { SkuApi } from "./SkuApi.ts"
import { Sku } from "./Sku.ts"
import { SkuLive } from "./SkuLive.ts"
import * as SkuState from "./SkuState.ts"
import { StockTable } from "./StockTable.ts"
import { skus } from "./SkuLaws.ts"

export const sku = Domain.make({
  contract: Sku,
  id: SkuId,
  model: SkuState,
  live: SkuLive,
  table: StockTable,
  routes: SkuApi,
  laws: skus,
  retention: { archiveAfterDays: null, dropAfterDays: null, reason: "lives as long as it is sold" },
  notifies: {
    Received: "stock.changed",
    Adjusted: "stock.changed",
    Held: "stock.changed",
    HoldExpired: "stock.changed",
    Released: "stock.changed",
    Shipped: "stock.changed",
    Restocked: "stock.changed",
    BackOrdersFilled: "stock.changed"
  },
  anytime: ["Receive", "Adjust"]
})
