import type { Laws } from "../laws/Rows.ts"
import type { Event, State } from "./ReleaseState.ts"

/** I17: a release that has ended has changed each of its members once, or says why not; one that was withdrawn has changed none. */
export const releases: Laws<State, Event> = ({ facts, findings }) => ({
  history: (id) => ({
    end: (state) => {
      const violation = (detail: string) => findings.violation("I17", "Release", id, null, detail)
      const changed = new Set<string>()
      for (const sku of facts.releases(id)) {
        if (changed.has(sku)) violation(`${sku} was changed twice`)
        changed.add(sku)
      }
      facts.released.delete(id)
      if (state._tag === "None") return
      const { answers, phase, plan } = state
      const outcomes = new Map(answers.map(({ outcome, sku }) => [sku, outcome]))
      for (const { sku } of plan.members) {
        findings.checked("I17")
        const outcome = outcomes.get(sku)
        if (outcome === undefined && phase === "published") violation(`${sku} was forgotten`)
        if (outcome !== undefined && (outcome === "done") !== changed.has(sku))
          violation(`${sku} is ${outcome}, and was ${changed.has(sku) ? "" : "not "}changed`)
        if (phase === "waiting" || phase === "withdrawn")
          if (changed.has(sku)) violation(`${sku} was changed too early`)
        changed.delete(sku)
      }
      for (const sku of changed) violation(`${sku} is no member`)
    }
  }),
  finish: () => {
    for (const [id, skus] of facts.released)
      findings.violation("I17", "Release", id, null, `there is no such release, which changed ${skus.join(", ")}`)
  }
})
