import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import * as HistoryLive from "../history/HistoryLive.ts"
import * as Domain from "../Domain.ts"
import { ProductModel, ProductModelId } from "./ProductModel.ts"
import { EditedProductModelJson, ProductModelApi } from "./ProductModelApi.ts"
import * as ProductModelState from "./ProductModelState.ts"
import { ProductModelTable } from "./ProductModelTable.ts"

export const productModel = Domain.make({
  contract: ProductModel,
  id: ProductModelId,
  model: ProductModelState,
  live: HistoryLive.layer(
    { model: ProductModelState, edited: ProductModelState.edited, json: EditedProductModelJson },
    (handlers) =>
      EventSourced.layer(ProductModel, ProductModelState, {
        id: ProductModelId,
        maxIdleTime: "5 minutes",
        mailboxCapacity: 256,
        handlers
      })
  ),
  table: ProductModelTable,
  routes: ProductModelApi,
  laws: null,
  retention: {
    archiveAfterDays: null,
    dropAfterDays: null,
    reason: "lives as long as one of its variants may be sold"
  },
  notifies: { ProductModelPut: "product_model.put", ProductModelRemoved: "product_model.removed" },
  anytime: ["PutProductModel", "RemoveProductModel"]
})
