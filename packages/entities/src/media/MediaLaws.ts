import { Equal } from "effect"
import type { Laws } from "../laws/Rows.ts"
import { usesMax } from "./Media.ts"
import { unusedMaxMs, type Event, type State } from "./MediaState.ts"
import { toldBy } from "./ShownMedia.ts"

/**
 * I16: content never changes, nothing removed comes back, and an entity with content that something shows is removed only when its
 * owner is forgotten. It knows the products and categories that show it, and no others, unless somebody noted or ended a use by hand.
 */
export const kept: Laws<State, Event> = ({ facts, findings, graceMs, now }) => ({
  history: (id) => {
    const byHand = new Set<string>()
    let wasFull = false
    return {
      event: (event, { commandId, seq }, before, after) => {
        if (event._tag === "MediaUsed" || event._tag === "MediaReleased") {
          if (commandId.startsWith(toldBy)) byHand.delete(event.by)
          else byHand.add(event.by)
        }
        if (before._tag === "None" || after._tag === "None") return
        wasFull ||= after.usedBy.length >= usesMax
        findings.checked("I16")
        const violation = (detail: string) => findings.violation("I16", "Media", id, seq, detail)
        const hasOther =
          before.content !== null && after.content !== null && !Equal.equals(before.content, after.content)
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
      },
      end: (state) => {
        if (state._tag === "None" || state.status === "removed" || state.status === "refused" || wasFull) return
        const known = new Set<string>(state.usedBy)
        for (const [by, { at, isShown }] of facts.shown.get(id) ?? []) {
          findings.checked("I16")
          const isNewer = isShown && state.declaredAt > at
          if (known.has(by) === isShown || byHand.has(by) || isNewer) continue
          if (now - at < graceMs) findings.running("I16")
          else {
            const detail = isShown
              ? `it does not know that ${by} shows it`
              : `it does not know that ${by} shows it no more`
            findings.violation("I16", "Media", id, null, detail)
          }
        }
      }
    }
  }
})
