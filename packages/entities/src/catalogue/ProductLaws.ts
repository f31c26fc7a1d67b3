import { regionOf } from "@halles/shared/Region"
import type { Laws } from "../laws/Rows.ts"
import { slugId } from "../slug/Slug.ts"
import type { Event, State } from "./ProductState.ts"

/** I14, its second half: the slug of a product leads to that product. I15: a scheduled change happens once, and not before its time. */
export const products: Laws<State, Event> = ({ facts, findings }) => ({
  history: (id) => {
    const waiting = new Map<string, number>()
    return {
      event: (event, { seq }) => {
        if (event._tag === "ProductNamed") {
          findings.checked("I14")
          const slug = slugId(regionOf(id), event.slug)
          const sku = facts.slugs.get(slug)
          if (sku !== id.slice(3)) findings.violation("I14", "Product", id, seq, `${slug} leads to ${sku ?? "nothing"}`)
        }
        if (event._tag === "ChangeScheduled") waiting.set(event.change.changeId, event.change.dueAt)
        if (event._tag === "ChangeWithdrawn") waiting.delete(event.changeId)
        if (event._tag === "ChangeDue") {
          findings.checked("I15")
          const dueAt = waiting.get(event.changeId)
          if (dueAt === undefined) findings.violation("I15", "Product", id, seq, `${event.changeId} was not waiting`)
          else if (event.at < dueAt) findings.violation("I15", "Product", id, seq, `${event.changeId} came too early`)
          waiting.delete(event.changeId)
        }
      }
    }
  }
})
