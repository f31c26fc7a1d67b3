import { regionOf } from "@halles/shared/Region"
import { Equal } from "effect"
import type { Laws } from "../laws/Rows.ts"
import { slugId } from "../slug/Slug.ts"
import { type Event, mediaShownIn, type State } from "./ProductState.ts"

/** I14, its second half: the slug of a product leads to that product. I15: a scheduled change happens once, and not before its time. I16: its media are told what it shows. What releases changed is left for I17. */
export const products: Laws<State, Event> = ({ facts, findings }) => ({
  history: (id) => {
    const waiting = new Map<string, number>()
    const shown = new Set<string>()
    return {
      row: ({ seq }, state) => {
        if (shown.size === 0 && state._tag === "Known" && state.details.media === undefined) return
        findings.checked("I16")
        if (!Equal.equals([...shown].toSorted(), mediaShownIn(state).toSorted()))
          findings.violation("I16", "Product", id, seq, "its media are not told what it shows")
      },
      event: (event, { seq }) => {
        if (event._tag === "ProductNamed") {
          findings.checked("I14")
          const slug = slugId(regionOf(id), event.slug)
          const sku = facts.slugs.get(slug)
          if (sku !== id.slice(3)) findings.violation("I14", "Product", id, seq, `${slug} leads to ${sku ?? "nothing"}`)
        }
        if (event._tag === "ProductMediaChanged") {
          facts.shows(`Product:${id}`, event)
          for (const one of event.added) shown.add(one)
          for (const one of event.removed) shown.delete(one)
        }
        if (event._tag === "ReleaseApplied") facts.releases(event.release).push(id.slice(3))
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
