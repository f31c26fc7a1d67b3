import * as ShipmentState from "./ShipmentState.ts"
import { age } from "../laws/Findings.ts"
import type { Laws } from "../laws/Rows.ts"

/** I8: no call of the carrier stays pending. */
export const shipments: Laws<ShipmentState.Event> = ({ findings, ...options }) => {
  let state: ShipmentState.State = ShipmentState.initial
  let lastAt = 0
  return {
    begin: () => {
      state = ShipmentState.initial
    },
    row: ({ at, events }) => {
      lastAt = at
      for (const event of events) state = ShipmentState.evolve(state, event)
    },
    end: (id) => {
      const pendingStep = ShipmentState.next(state)
      if (pendingStep === null) return
      findings.checked("I8")
      if (options.now - lastAt < options.graceMs) findings.running("I8")
      else
        findings.violation("I8", "Shipment", id, null, `${pendingStep.key} is pending for ${age(options.now - lastAt)}`)
    }
  }
}
