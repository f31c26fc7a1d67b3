import { setTimeout } from "node:timers/promises"

/** Codes of alarms that no cluster may show once all requests have ended: something is stuck, or was lost. */
const stuck = new Set([
  "timer_overdue",
  "saga_stuck",
  "events_unpublished",
  "projection_behind",
  "duplicate_activation",
  "event_parked",
  "entity_parked",
  "shard_homeless",
  "runner_gone",
  "runner_blocked",
  "breaker_open",
  "audit_chain",
  "database_away"
])
/** Looks at the alarms, a second apart: sagas that are under way end within them. */
const patience = 45

interface Alarm {
  readonly code: string
  readonly subject: string | null
  readonly text: string
}

/** What the operator process says is stuck, if it still says so after a while. */
export const stuckAlarms = async (opsUrl: string, token: string): Promise<ReadonlyArray<string>> => {
  let found: ReadonlyArray<Alarm> = []
  for (let tries = 0; tries < patience; tries += 1) {
    const response = await fetch(`${opsUrl}/v1/ops/alarms`, { headers: { authorization: `Bearer ${token}` } })
    const { items } = (await response.json()) as { readonly items: ReadonlyArray<Alarm> }
    found = items.filter(({ code }) => stuck.has(code))
    if (found.length === 0) return []
    await setTimeout(1_000)
  }
  return found.map(({ code, subject, text }) => `${code} ${subject ?? ""}: ${text}`)
}
