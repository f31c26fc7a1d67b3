import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import * as HistoryLive from "../history/HistoryLive.ts"
import * as Domain from "../Domain.ts"
import { ProductType, ProductTypeId } from "./ProductType.ts"
import { EditedProductTypeJson, ProductTypeApi } from "./ProductTypeApi.ts"
import * as ProductTypeState from "./ProductTypeState.ts"
import { ProductTypeTable } from "./ProductTypeTable.ts"

export const productType = Domain.make({
  contract: ProductType,
  id: ProductTypeId,
  model: ProductTypeState,
  live: HistoryLive.layer(
    { model: ProductTypeState, edited: ProductTypeState.edited, json: EditedProductTypeJson },
    (handlers) =>
      EventSourced.layer(ProductType, ProductTypeState, {
        id: ProductTypeId,
        maxIdleTime: "5 minutes",
        mailboxCapacity: 256,
        handlers
      })
  ),
  table: ProductTypeTable,
  routes: ProductTypeApi,
  laws: null,
  retention: { archiveAfterDays: null, dropAfterDays: null, reason: "lives as long as products may have it" },
  notifies: {},
  anytime: ["PutProductType", "RemoveProductType"]
})
