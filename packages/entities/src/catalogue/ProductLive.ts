import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import { SkuId } from "@halles/shared/Ids"
import { Product } from "./Product.ts"
import * as ProductState from "./ProductState.ts"

export const ProductLive = EventSourced.layer(Product, ProductState, {
  id: SkuId,
  maxIdleTime: "5 minutes",
  mailboxCapacity: 1_024
})
