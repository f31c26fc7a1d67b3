import * as PaymentState from "./PaymentState.ts"
import type { Laws } from "../laws/Rows.ts"

/** I3 at every row, from the ledger's own entries. */
export const payments: Laws<PaymentState.State, PaymentState.Event> = ({ facts, findings }) => ({
  history: (id) => {
    let authorised = 0
    let captured = 0
    let refunded = 0
    let voided = false
    return {
      event: (event) => {
        if (event._tag === "Authorised") authorised += event.amount
        if (event._tag === "Captured") captured += event.amount
        if (event._tag === "Refunded") refunded += event.amount
        if (event._tag === "Voided") voided = true
      },
      row: ({ seq }) => {
        findings.checked("I3")
        if (captured > authorised || refunded > captured) {
          const detail = `authorised ${authorised}, captured ${captured}, refunded ${refunded}`
          findings.violation("I3", "Payment", id, seq, detail)
        }
        if (voided && captured > 0) findings.violation("I3", "Payment", id, seq, "voided and captured")
      },
      end: (state) => {
        const disputed = PaymentState.disputed(state)
        findings.checked("I3")
        if (refunded + disputed > captured) {
          findings.violation("I3", "Payment", id, null, `${refunded} refunded and ${disputed} disputed of ${captured}`)
        }
        const isTelling = state.messages.length > 0
        facts.of(id).payment = { authorised, captured, refunded, disputed, voided, isTelling }
      }
    }
  }
})
