import { Equal } from "effect"
import type { Laws } from "../laws/Rows.ts"
import { unusedMaxMs, type Event, type State } from "./MediaState.ts"

/**
 * I16: content never changes, nothing removed comes back, and an entity with content that something shows is removed only when its
 * owner is forgotten.
 */
export const kept: Laws<State, Event> = ({ findings }) => ({
  history: (id) => ({
    event: (event, { seq }, before, after) => {
      if (before._tag === "None" || after._tag === "None") return
      findings.checked("I16")
      const violation = (detail: string) => findings.violation("I16", "Media", id, seq, detail)
      const hasOther = before.content !== null && after.content !== null && !Equal.equals(before.content, after.content)
      if (hasOther) violation(`${event._tag} gives it other content`)
      if (before.content !== null && after.content === null && before.status !== "removed")
        violation("its content goes, and it stays")
      if (before.status === "removed" && after.status !== "removed") violation(`${event._tag} brings it back`)
      if (event._tag !== "MediaRemoved" || event.reason === "erased") return
      // Without content it cannot be shown, whatever `usedBy` says.
      if (before.content !== null && before.usedBy.length > 0)
        violation(`removed while ${before.usedBy.length} things show it`)
      if (event.reason === "unused" && event.at - before.idleSince < unusedMaxMs)
        violation("removed before its time as what nothing shows")
    }
  })
})
