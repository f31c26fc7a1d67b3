import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import * as Domain from "../Domain.ts"
import { UnitCost, UnitCostId } from "./UnitCost.ts"
import { UnitCostApi } from "./UnitCostApi.ts"
import * as UnitCostState from "./UnitCostState.ts"
import { UnitCostTable } from "./UnitCostTable.ts"

export const unitCost = Domain.make({
  contract: UnitCost,
  id: UnitCostId,
  model: UnitCostState,
  live: EventSourced.layer(UnitCost, UnitCostState, { id: UnitCostId, maxIdleTime: "1 minute", mailboxCapacity: 64 }),
  table: UnitCostTable,
  routes: UnitCostApi,
  laws: null,
  retention: { archiveAfterDays: null, dropAfterDays: null, reason: "lives as long as the product may be on sale" },
  notifies: {},
  anytime: ["PutUnitCost", "RemoveUnitCost"]
})
