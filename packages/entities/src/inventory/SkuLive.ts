import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import { SkuId } from "@halles/shared/Ids"
import { Sku } from "./Sku.ts"
import * as SkuState from "./SkuState.ts"

export const SkuLive = EventSourced.layer(Sku, SkuState, {
  id: SkuId,
  maxIdleTime: "5 minutes",
  mailboxCapacity: 4_096
})
