import * as PaymentState from "./PaymentState.ts"
import { age } from "../laws/Findings.ts"
import type { Laws } from "../laws/Rows.ts"

/** I3 at every row, from the ledger's own entries, and I8 for operations at the gateway that are still pending. */
export const payments: Laws<PaymentState.Event> = ({ facts, findings, ...options }) => {
  let state: PaymentState.State = PaymentState.initial
  let authorised = 0
  let captured = 0
  let refunded = 0
  let voided = false
  let lastAt = 0
  return {
    begin: () => {
      state = PaymentState.initial
      authorised = 0
      captured = 0
      refunded = 0
      voided = false
    },
    row: ({ at, events, id, seq }) => {
      lastAt = at
      for (const event of events) {
        state = PaymentState.evolve(state, event)
        if (event._tag === "Authorised") authorised += event.amount
        if (event._tag === "Captured") captured += event.amount
        if (event._tag === "Refunded") refunded += event.amount
        if (event._tag === "Voided") voided = true
      }
      findings.checked("I3")
      if (captured > authorised || refunded > captured) {
        const detail = `authorised ${authorised}, captured ${captured}, refunded ${refunded}`
        findings.violation("I3", "Payment", id, seq, detail)
      }
      if (voided && captured > 0) findings.violation("I3", "Payment", id, seq, "voided and captured")
    },
    end: (id) => {
      const disputed = PaymentState.disputed(state)
      findings.checked("I3")
      if (refunded + disputed > captured) {
        findings.violation("I3", "Payment", id, null, `${refunded} refunded and ${disputed} disputed of ${captured}`)
      }
      const isTelling = state.messages.length > 0
      facts.of(id).payment = { authorised, captured, refunded, disputed, voided, isTelling }
      const pendingStep = PaymentState.next(state)
      if (pendingStep === null) return
      findings.checked("I8")
      if (options.now - lastAt < options.graceMs) findings.running("I8")
      else
        findings.violation("I8", "Payment", id, null, `${pendingStep.key} is pending for ${age(options.now - lastAt)}`)
    }
  }
}
