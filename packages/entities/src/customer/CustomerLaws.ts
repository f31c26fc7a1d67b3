import * as CustomerState from "./CustomerState.ts"
import type { Laws } from "../laws/Rows.ts"

/** I5: points are never negative, and what the customer has is the sum of what was moved. */
export const customers: Laws<CustomerState.Event> = ({ findings }) => {
  let state: CustomerState.State = CustomerState.initial
  let points = 0
  return {
    begin: () => {
      state = CustomerState.initial
      points = 0
    },
    row: ({ events, id, seq }) => {
      for (const event of events) {
        state = CustomerState.evolve(state, event)
        if (event._tag !== "PointsMoved") continue
        findings.checked("I5")
        points += event.points
        if (points < 0) findings.violation("I5", "Customer", id, seq, `${points} points`)
      }
    },
    end: (id) => {
      const held = state._tag === "Known" ? state.points : 0
      findings.checked("I5")
      if (held !== points)
        findings.violation("I5", "Customer", id, null, `has ${held} points, its ledger sums to ${points}`)
    }
  }
}
