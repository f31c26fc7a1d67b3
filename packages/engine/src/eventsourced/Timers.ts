import { CommandId } from "@halles/shared/Ids"
import { Clock, Effect, Metric, Schedule, Schema } from "effect"
import { redriveMs } from "./EventSourcedEntity.ts"
import { type DueTimer, JournalStore } from "../journal/JournalStore.ts"
import { ShardEpochs } from "../placement/ShardEpochs.ts"
import { TimerFired } from "./TimerFired.ts"

/** How often the due timers of the own shards are looked for; they fire within 250 ms. */
export const everyMs = 100
/** Wakes under way at a time: what is left is found by a later look. */
export const wakesMax = 64
/** Due timers of one look. */
export const rowsMax = 2 * wakesMax
/** Of the entities that are woken when their shard was taken over; what is beyond waits for its own timer. */
export const takeOverMax = 2_000
/** An entity that does not answer is woken again later and holds up nobody else. */
const wakeDeadline = "2 seconds"

export const overdue = Metric.gauge("halles_timer_overdue_ms", {
  description: "How long the oldest due timer of this runner's shards has been waiting, in milliseconds"
})

/** Nobody here can be woken for the timer, now or later: this version knows no such type, or the id is another region's. */
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
 * Whatever was under way in a shard that has just been taken is woken at once: the timer of a saga is `redriveMs` away
 * from its last step, and an entity that is woken goes on by itself, however early that is.
 */
export const run = Effect.fnUntraced(function* (trigger: TriggerTimer) {
  const store = yield* JournalStore
  const epochs = yield* ShardEpochs
  const underWay = new Set<string>()
  /** The epochs whose sagas have been woken, by shard. */
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
      const wake = new TimerFired({
        commandId: CommandId.make(`wake:${Math.round(row.dueAt)}`),
        origin: { actor: "timer" },
        dueAt: Math.ceil(row.dueAt)
      })
      return trigger(row.entityType, row.entityId, wake)
    }).pipe(
      Effect.timeout(wakeDeadline),
      Effect.catchIf(
        (error) => error instanceof NoSuchEntity,
        (error) => park(row, error)
      ),
      Effect.catchCause((cause) => Effect.logDebug(`${key} could not be woken`, cause)),
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
    yield* Effect.forkChild(Effect.forEach(rows, fire, { concurrency: wakesMax, discard: true }))
  })

  yield* Effect.gen(function* () {
    const shards = epochs.owned()
    if (shards.length === 0) return
    const now = yield* Clock.currentTimeMillis
    const taken = shards.flatMap((shard) => {
      const epoch = epochs.current(shard)
      return epoch === undefined || epoch === seen.get(shard) ? [] : [[shard, epoch] as const]
    })
    if (taken.length > 0) yield* takeOver(taken, now)
    const rows = yield* store.dueTimers(shards, now, rowsMax, after)
    if (after === null) yield* Metric.update(overdue, rows.length === 0 ? 0 : now - rows[0]!.dueAt)
    after = rows.length < rowsMax ? null : rows.at(-1)!
    const idle = rows.filter((row) => !underWay.has(`${row.entityType}/${row.entityId}`))
    for (const row of idle.slice(0, Math.max(0, wakesMax - underWay.size))) yield* Effect.forkChild(fire(row))
  }).pipe(
    Effect.catchCause((cause) => Effect.logWarning("Due timers could not be read, trying again", cause)),
    Effect.repeat(Schedule.spaced(everyMs))
  )
})
