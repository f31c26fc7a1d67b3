import type { Laws } from "../laws/Rows.ts"
import type { Event, State } from "./SlugState.ts"

/** I14, its first half: a slug leads to one product for good. */
export const slugs: Laws<State, Event> = ({ facts, findings }) => ({
  history: (id) => ({
    event: ({ sku }, { seq }) => {
      findings.checked("I14")
      const before = facts.slugs.get(id)
      if (before !== undefined) findings.violation("I14", "Slug", id, seq, `leads to ${sku}, and led to ${before}`)
      facts.slugs.set(id, sku)
    }
  })
})
