import * as Table from "@halles/engine/projections/Table"
import { Schema } from "effect"
import { Description } from "./UnitCost.ts"
import * as UnitCostState from "./UnitCostState.ts"

/** The search processes read it for their ranking. */
export const UnitCostTable = Table.make(UnitCostState, {
  name: "unit_cost",
  version: 1,
  columns: { ...Description.fields, removed: Schema.Boolean },
  fold: (row, event) => {
    switch (event._tag) {
      case "UnitCostPut":
        return { cost: event.cost, removed: false }
      case "UnitCostRemoved":
        return row && { ...row, removed: true }
    }
  }
})
