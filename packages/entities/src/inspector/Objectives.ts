/** What is to be looked at, from when on, and by which command. Values are of `unit`. */
export interface Objective {
  readonly severity: "info" | "warning" | "critical"
  readonly unit: "ms" | "count"
  /** An alarm is above it. */
  readonly objective: number
  /** What to run next; `{subject}`, `{region}` and `{shard}` stand for those of the alarm. */
  readonly command: string
}

/** One table for the operator API, the command line, readiness, and the alert rules of `infra/observability`. */
export const objectives = {
  /** A timer fires within 250 ms; a runner that is replaced takes three seconds. */
  timer_overdue: { severity: "critical", unit: "ms", objective: 5_000, command: "halles timers {subject}" },
  /** A step is tried again after 100 ms to 10 s. */
  saga_stuck: { severity: "warning", unit: "ms", objective: 30_000, command: "halles saga show {subject}" },
  /** Nothing is sent again by itself: somebody sends it again, or settles it elsewhere and skips it. */
  step_refused: { severity: "warning", unit: "count", objective: 0, command: "halles saga show {subject}" },
  /** Events are in the stream right after their commit, and swept up after three seconds. */
  events_unpublished: { severity: "critical", unit: "ms", objective: 10_000, command: "halles doctor" },
  projection_behind: {
    severity: "warning",
    unit: "ms",
    objective: 10_000,
    command: 'halles sql "SELECT * FROM projection" -d {region}'
  },
  /** Counted over `recentMs`. */
  duplicate_activation: { severity: "critical", unit: "count", objective: 0, command: "halles who-owns {subject}" },
  /** Nothing holds them up: somebody has to look at each. */
  event_parked: { severity: "critical", unit: "count", objective: 0, command: "halles dlq list" },
  entity_parked: { severity: "critical", unit: "count", objective: 0, command: "halles events {subject}" },
  shard_homeless: { severity: "critical", unit: "count", objective: 0, command: "halles shards --region {region}" },
  runner_gone: { severity: "warning", unit: "count", objective: 0, command: "halles runners" },
  /** A process stood still in a handler, and ended itself. Shown for `recentMs`. */
  runner_blocked: { severity: "critical", unit: "count", objective: 0, command: "halles runners" },
  breaker_open: { severity: "warning", unit: "count", objective: 0, command: "halles doctor" },
  dead_letters: { severity: "warning", unit: "count", objective: 0, command: "halles dlq list" },
  audit_chain: { severity: "critical", unit: "count", objective: 0, command: "npm run audit -- verify" },
  database_away: { severity: "critical", unit: "count", objective: 0, command: "halles doctor" }
} as const satisfies Readonly<Record<string, Objective>>

export type Code = keyof typeof objectives

/** What happened once, such as two owners of a shard, is shown for so long. */
export const recentMs = 15 * 60_000
/** A runner that died and did not come back is shown for so long. */
export const goneMs = 24 * 3_600_000
