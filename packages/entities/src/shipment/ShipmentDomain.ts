import { OrderId } from "@halles/shared/Ids"
import * as Domain from "../Domain.ts"
import { Shipment } from "./Shipment.ts"
import * as ShipmentState from "./ShipmentState.ts"
import { ShipmentLive } from "./ShipmentLive.ts"

export const shipment = Domain.make({
  contract: Shipment,
  id: OrderId,
  model: ShipmentState,
  live: ShipmentLive,
  table: null,
  routes: null,
  laws: null,
  retention: { archiveAfterDays: 400, dropAfterDays: null, reason: "as its order, and goes with it" },
  notifies: {},
  anytime: []
})
