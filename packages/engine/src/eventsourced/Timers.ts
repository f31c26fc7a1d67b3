import { CommandId } from "@halles/shared/Ids"
import { Clock, Effect, Metric, Option, Schema } from "effect"
import { redriveMs } from "./ArmedTimer.ts"
import { type DueTimer, JournalStore } from "../journal/JournalStore.ts"
import { ShardEpochs } from "../placement/ShardEpochs.ts"
import { TimerFired } from "./TimerFired.ts"

/** The shortest pause between two looks for due timers of the own shards; they fire within 250 ms. */
export const everyMs = 100
/**
 * The longest pause: the timers of a parked entity that an operator resumes were written by nobody here. A look also reads what
 * becomes due in this time, so that the next one comes when something is due.
 */
const restMs = 2_000
/** Timers that fire at a time: what is left is found by a later look. */
export const firingMax = 64
/** Due timers of one look. */
export const rowsMax = 2 * firingMax
/** Entities that get `TimerFired` when their shard was taken over; what is beyond waits for its own timer. */
export const takeOverMax = 2_000
/** A timer whose entity does not answer fires again later and holds up no other one. */
const fireDeadline = "2 seconds"

export const overdue = Metric.gauge("halles_timer_overdue_ms", {
  description: "How long the oldest due timer of this runner's shards has been waiting, in milliseconds"
})

/** No entity here takes the timer, now or later: this version knows no such type, or the id is another region's. */
export class NoSuchEntity extends Schema.TaggedError<NoSuchEntity>()("NoSuchEntity", { reason: Schema.String }) {}

/**
 * Sends `TimerFired` to one entity; it fails when the entity could not be reached, and the timer fires again. With `NoSuchEntity` it
 * is parked, so that operators see it.
 */
export type TriggerTimer = (entityType: string, entityId: string, message: TimerFired) => Effect.Effect<void, unknown>

/**
 * Fires the due timers of the shards that this runner owns. A timer is a row that was committed with the events that
 * asked for it, so taking a shard over is all it takes to re-arm its timers.
 *
 * Running sagas of a shard that has just been taken get `TimerFired` at once: the timer of a saga is `redriveMs` away
 * from its last step, and an entity that gets it goes on by itself, however early that is.
 */
export const run = Effect.fnUntraced(function* (trigger: TriggerTimer) {
  const store = yield* JournalStore
  const { writtenTimers } = store
  const epochs = yield* ShardEpochs
  const underWay = new Set<string>()
  /** The epochs whose sagas have got `TimerFired`, by shard. */
  const seen = new Map<number, number>()
  /** Where the next look begins: those that stay due whatever is done, however many they are, hold up nobody behind them. */
  let after: DueTimer | null = null

  const park = ({ entityId, entityType, shard }: DueTimer, { reason }: NoSuchEntity) => {
    const epoch = epochs.current(shard)
    const parked = { entityType, entityId, shard, cause: reason, tries: 1, runner: epochs.owner }
    return epoch === undefined ? Effect.void : store.park(parked, epoch)
  }

  const fire = (row: DueTimer) => {
    const key = `${row.entityType}/${row.entityId}`
    underWay.add(key)
    return Effect.suspend(() => {
      const message = new TimerFired({
        commandId: CommandId.make(`wake:${Math.round(row.dueAt)}`),
        origin: { actor: "timer" },
        dueAt: Math.ceil(row.dueAt)
      })
      return trigger(row.entityType, row.entityId, message)
    }).pipe(
      Effect.timeout(fireDeadline),
      Effect.catchIf(
        (error) => error instanceof NoSuchEntity,
        (error) => park(row, error)
      ),
      Effect.catchCause((cause) => Effect.logDebug(`${key} did not take its timer`, cause)),
      Effect.ensuring(Effect.sync(() => underWay.delete(key)))
    )
  }

  const takeOver = Effect.fnUntraced(function* (taken: ReadonlyArray<readonly [number, number]>, now: number) {
    const rows = yield* store.dueTimers(
      taken.map(([shard]) => shard),
      now + redriveMs,
      takeOverMax,
      null
    )
    for (const [shard, epoch] of taken) seen.set(shard, epoch)
    yield* Effect.forkChild(Effect.forEach(rows, fire, { concurrency: firingMax, discard: true }))
  })

  /** Fires what is due, and gives when to look again, in Unix milliseconds. */
  const look = Effect.gen(function* () {
    const shards = epochs.owned()
    const now = yield* Clock.currentTimeMillis
    if (shards.length === 0) return now + restMs
    const taken = shards.flatMap((shard) => {
      const epoch = epochs.current(shard)
      return epoch === undefined || epoch === seen.get(shard) ? [] : [[shard, epoch] as const]
    })
    if (taken.length > 0) yield* takeOver(taken, now)
    writtenTimers.earliest = Number.POSITIVE_INFINITY
    const isFirst = after === null
    const rows = yield* store.dueTimers(shards, now + restMs, rowsMax, after)
    const due = rows.filter(({ dueAt }) => dueAt <= now)
    if (isFirst) yield* Metric.update(overdue, due.length === 0 ? 0 : now - due[0]!.dueAt)
    after = due.length < rowsMax ? null : due.at(-1)!
    const idle = due.filter((row) => !underWay.has(`${row.entityType}/${row.entityId}`))
    for (const row of idle.slice(0, Math.max(0, firingMax - underWay.size))) yield* Effect.forkChild(fire(row))
    // Some that an earlier look has found may still be due: the next look begins at the first again.
    return due.length > 0 || !isFirst ? now : (rows[0]?.dueAt ?? now + restMs)
  }).pipe(
    Effect.catchCause((cause) =>
      Effect.as(Effect.logWarning("Due timers could not be read, trying again", cause), Number.NEGATIVE_INFINITY)
    )
  )

  /** Waits until `next`, or until a timer is due that was written meanwhile, or until a shard is taken, whose timers nobody here knows. */
  const untilDue = Effect.fnUntraced(function* (next: number, raised: Effect.Effect<void>) {
    while (true) {
      const earlier = writtenTimers.earlier.next()
      const waitMs = Math.min(next, writtenTimers.earliest) - (yield* Clock.currentTimeMillis)
      if (waitMs <= 0) return
      const woken = Effect.raceFirst(Effect.as(raised, "raised"), earlier)
      const how = yield* Effect.timeoutOption(woken, waitMs)
      if (Option.isSome(how) && how.value === "raised") return
    }
  })

  while (true) {
    const raised = epochs.raised.next()
    const next = yield* look
    yield* Effect.sleep(everyMs)
    yield* untilDue(next, raised)
  }
})
