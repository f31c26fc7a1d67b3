import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import * as Domain from "../Domain.ts"
import { ProductType, ProductTypeId } from "./ProductType.ts"
import { ProductTypeApi } from "./ProductTypeApi.ts"
import * as ProductTypeState from "./ProductTypeState.ts"
import { ProductTypeTable } from "./ProductTypeTable.ts"

export const productType = Domain.make({
  contract: ProductType,
  id: ProductTypeId,
  model: ProductTypeState,
  live: EventSourced.layer(ProductType, ProductTypeState, {
    id: ProductTypeId,
    maxIdleTime: "5 minutes",
    mailboxCapacity: 256
  }),
  table: ProductTypeTable,
  routes: ProductTypeApi,
  laws: null,
  retention: { archiveAfterDays: null, dropAfterDays: null, reason: "lives as long as products may have it" },
  notifies: {},
  anytime: ["PutProductType", "RemoveProductType"]
})
