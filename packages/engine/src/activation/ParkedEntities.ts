import { Parking } from "./Parking.ts"
import { ActivationDirectory } from "./ActivationDirectory.ts"
import type { Call } from "./Call.ts"
import type { Activation } from "./Activation.ts"
import { nameOf } from "./Supervision.ts"
import * as Shard from "@halles/shared/Shard"
import { Context, Effect, Layer, Metric, Option, Schedule } from "effect"
import type { SqlClient } from "effect/sql"
import { Journal } from "../journal/Journal.ts"
import { JournalStore } from "../journal/JournalStore.ts"
import { Outbox } from "../journal/Outbox.ts"
import { ShardEpochs } from "../placement/ShardEpochs.ts"

/** A test makes these small. */
export const Patience = Context.Reference("@halles/engine/Parking/Patience", {
  defaultValue: () => ({
    /** Between two looks at what is under way. */
    everyMs: 2_000,
    /** Nobody waits so long for an answer: callers give up after 5 s at the most. Two of these, and an entity is parked. */
    hungMs: 7_000
  })
})
/** A database or a writer that is slower than this is the reason why calls wait, and not the entities. */
const slowMs = 1_000
/** While nothing is under way and nobody is parked here the table is read once in so many looks, for the metric. */
const readEvery = 5

export const parkedTotal = Metric.counter("halles_entity_parked_total", {
  description: "Entities that were parked: they did nothing but die or hang",
  incremental: true
})
export const parkedNow = Metric.gauge("halles_parked_entities", {
  description: "Parked entities in the shards of this runner"
})
export const hungTotal = Metric.counter("halles_call_hung_total", {
  description: "Calls that were cut off, since their handlers did not return",
  incremental: true
})

/** Parks in the region's database, so that the next owner of the shard knows. */
export const layer = Layer.effect(
  Parking,
  Effect.gen(function* () {
    const store = yield* JournalStore
    const epochs = yield* ShardEpochs
    const outbox = yield* Outbox
    return Parking.of({
      park: Effect.fnUntraced(function* (address, { cause, tries }) {
        const { entityId, entityType } = address
        const shard = Shard.numberOf(address.shardId)
        const epoch = epochs.current(shard)
        if (epoch === undefined) return
        const detail = { entity: nameOf(address), shard, runner: epochs.owner, cause, tries }
        yield* store
          .park({ entityType, entityId, shard, cause, tries, runner: epochs.owner }, epoch)
          .pipe(Effect.retry(Schedule.spaced("500 millis")), Effect.orDie)
        yield* Metric.update(parkedTotal, 1)
        yield* Effect.logError("Entity parked: it does nothing but die or hang", detail)
        yield* Effect.ignore(store.alarm("entity_parked", detail))
        outbox.alarm("entity_parked", detail)
      })
    })
  })
)

/** Lets a parked entity work again, whoever owns it, within `everyMs`; false when it was not parked. For operators, who say why in the audit log. */
export const resume = Effect.fn("Parking.resume")(function* (
  sql: SqlClient.SqlClient,
  entityType: string,
  entityId: string
) {
  const [row] = yield* sql<{ resumed: boolean }>`SELECT entity_resume(${entityType}, ${entityId}) AS resumed`
  return row!.resumed
})

/**
 * Cuts off calls that do not return, and lets entities go on that an operator has resumed. A call is not blamed on its
 * entity while the database or the writer is slow, or this process itself stood still.
 */
export const watch = Effect.gen(function* () {
  const store = yield* JournalStore
  const journal = yield* Journal
  const epochs = yield* ShardEpochs
  const { all, find, supervision } = yield* ActivationDirectory
  const { everyMs, hungMs } = yield* Patience
  /** When a call was cut off: one that cannot be interrupted counts again after as long. */
  const cutAt = new WeakMap<Call, number>()
  /** Parked here, and in no row at the last look: once more, and it was resumed. */
  let missing = new Set<string>()
  let lookedAt = performance.now()
  let healthySince = lookedAt
  let looks = 0

  const cutOff = (activation: Activation, now: number): number => {
    const hung: Array<Call> = []
    let what = ""
    let longest = 0
    for (const call of activation.watched()) {
      const waited = now - Math.max(cutAt.get(call) ?? 0, call.sinceMs, healthySince)
      if (waited < hungMs) continue
      hung.push(call)
      if (waited > longest) {
        longest = waited
        what = call.tag
      }
    }
    if (hung.length === 0) return 0
    supervision.hung(activation.address, what, longest)
    if (supervision.isParked(activation.address)) activation.park()
    for (const call of hung) {
      cutAt.set(call, now)
      call.cut()
    }
    return hung.length
  }

  const follow = (rows: ReadonlySet<string>) => {
    const gone = new Set<string>()
    for (const address of supervision.parked()) {
      const name = nameOf(address)
      if (epochs.current(Shard.numberOf(address.shardId)) === undefined) supervision.release(address)
      else if (rows.has(name)) continue
      else if (missing.has(name)) {
        supervision.release(address)
        find(address.entityType, address.entityId)?.resume()
      } else gone.add(name)
    }
    missing = gone
  }

  yield* Effect.gen(function* () {
    const now = performance.now()
    if (now - lookedAt > everyMs + slowMs) healthySince = now
    lookedAt = now
    const busy = [...all()].filter((activation) => !activation.isIdle)
    looks += 1
    supervision.forgetOld()
    if (busy.length === 0 && supervision.parked().length === 0 && looks % readEvery !== 0) return
    const rows = yield* Effect.option(Effect.timeout(store.parked(epochs.owned()), slowMs))
    if (Option.isNone(rows) || journal.slowMs() > slowMs) healthySince = now
    else {
      follow(new Set(rows.value.map(({ entityId, entityType }) => `${entityType}/${entityId}`)))
      yield* Metric.update(parkedNow, rows.value.length)
    }
    let hung = 0
    for (const activation of busy) hung += cutOff(activation, now)
    if (hung > 0) yield* Metric.update(hungTotal, hung)
  }).pipe(Effect.repeat(Schedule.spaced(everyMs)))
})
