import { setTimeout } from "node:timers/promises"

/** What must not be the case once nothing is asked any more: each of these is something that stands still, or was lost sight of. */
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
/** What was begun may take so long, a second apart. */
const patience = 45

interface Alarm {
  readonly code: string
  readonly subject: string | null
  readonly text: string
}

/** What the operator process says is stuck, if it still says so after a while. */
export const alarming = async (opsUrl: string, token: string): Promise<ReadonlyArray<string>> => {
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
