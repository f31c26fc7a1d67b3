import { PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Result, Schedule } from "effect"
import { SqlClient } from "effect/sql"

/** How long the history of an entity stays where; counted from its newest row. An entity that has a timer is not idle. */
export interface RetentionRule {
  readonly entityType: string
  readonly archiveAfterDays: number | null
  /** From the archive; `null` when it is kept, or goes with the order. */
  readonly dropAfterDays: number | null
  readonly reason: string
}

export const alarmDays = 90

/** Entities of one transaction. */
export const entitiesMax = 500
const alarmsMax = 10_000
/** Between two transactions: commits of the runners come first. */
const pause = "100 millis"
const every = "1 hour"

const text = (values: ReadonlyArray<string>) => Result.getOrThrow(PgTypes.array(values, PgTypes.OID.text))

/** Moves and drops what is due, one bounded transaction after the other, and says how much that was. */
export const sweep = Effect.fn("Retention.sweep")(function* (due: ReadonlyArray<RetentionRule>) {
  const sql = yield* SqlClient.SqlClient
  const now = yield* Clock.currentTimeMillis
  const before = (days: number) => sql`to_timestamp(${String(now - days * 86_400_000)}::text::double precision / 1000)`

  const archive = Effect.fnUntraced(function* (entityType: string, days: number) {
    const total = { entities: 0, rows: 0 }
    while (true) {
      const [done] = yield* sql<{ entities: bigint; moved: bigint; partitions: number }>`
        SELECT entities, moved, partitions FROM journal_archive(${text([entityType])}, ${before(days)}, ${entitiesMax})`
      total.entities += Number(done!.entities)
      total.rows += Number(done!.moved)
      // A call that had to make partitions moves nothing yet.
      if (done!.partitions === 0 && Number(done!.entities) < entitiesMax) return total
      yield* Effect.sleep(pause)
    }
  })
  const drop = Effect.fnUntraced(function* (entityType: string, days: number) {
    const total = { entities: 0, rows: 0 }
    while (true) {
      const [done] = yield* sql<{ entities: bigint; dropped: bigint }>`
        SELECT entities, dropped FROM archive_drop(${entityType}, ${before(days)}, ${entitiesMax})`
      total.entities += Number(done!.entities)
      total.rows += Number(done!.dropped)
      if (Number(done!.entities) < entitiesMax) return total
      yield* Effect.sleep(pause)
    }
  })

  const report: Array<{ readonly what: string; readonly entities: number; readonly rows: number }> = []
  for (const { archiveAfterDays, dropAfterDays, entityType } of due) {
    if (archiveAfterDays !== null) {
      report.push({ what: `archived ${entityType}`, ...(yield* archive(entityType, archiveAfterDays)) })
    }
    if (dropAfterDays !== null) {
      report.push({ what: `dropped ${entityType}`, ...(yield* drop(entityType, dropAfterDays)) })
    }
  }
  const [alarms] = yield* sql<{ dropped: bigint }>`SELECT alarm_drop(${before(alarmDays)}, ${alarmsMax}) AS dropped`
  report.push({ what: "dropped alarms", entities: 0, rows: Number(alarms!.dropped) })
  const some = report.filter(({ rows }) => rows > 0)
  if (some.length > 0) yield* Effect.logInfo("Retention", some)
  return some
})

/** Sweeps a region's database once an hour, for ever; two at a time do no harm. */
export const run = (rules: ReadonlyArray<RetentionRule>): Effect.Effect<void, never, SqlClient.SqlClient> =>
  sweep(rules).pipe(
    Effect.catchCause((cause) => Effect.logWarning("Retention stopped, trying again in an hour", cause)),
    Effect.repeat(Schedule.spaced(every)),
    Effect.asVoid
  )
