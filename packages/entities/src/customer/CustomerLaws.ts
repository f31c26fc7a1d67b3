import type { Laws } from "../laws/Rows.ts"
import type { Event, State } from "./CustomerState.ts"

/** I5: points are never negative, and what the customer has is the sum of what was moved. */
export const customers: Laws<State, Event> = ({ findings }) => ({
  history: (id) => {
    let points = 0
    return {
      event: (event, { seq }) => {
        if (event._tag !== "PointsMoved") return
        findings.checked("I5")
        points += event.points
        if (points < 0) findings.violation("I5", "Customer", id, seq, `${points} points`)
      },
      end: (state) => {
        const held = state._tag === "Known" ? state.points : 0
        findings.checked("I5")
        if (held !== points)
          findings.violation("I5", "Customer", id, null, `has ${held} points, its ledger sums to ${points}`)
      }
    }
  }
})
