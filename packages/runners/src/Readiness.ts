import { objectives } from "@halles/entities/inspector/Objectives"
import * as Progress from "@halles/entities/inspector/SagaProgress"
import { RegionDatabases } from "@halles/entities/routes/Reads"
import { ShardEpochs } from "@halles/engine/placement/ShardEpochs"
import { link, Nats } from "@halles/shared/clients/Nats"
import { Clock, Context, Effect } from "effect"
import { SqlClient } from "effect/sql"

/** A test makes these small. */
export const Pace = Context.Reference("@halles/runners/Readiness/Pace", {
  defaultValue: () => ({
    /** However often it is asked, the tables are read once in this time. */
    freshMs: 1_000,
    /** Ready again when nothing was late for so long: one thing that is done while the next one becomes late is no progress. */
    calmMs: 10_000
  })
})
const answerMs = 4_000
/** Of what is late, so much is told. */
const lateMax = 20

/**
 * Ready means progress: the servers answer, shards are owned, and nothing in them waits for longer than its objective: no due
 * timer, no pending step, no unpublished event, no row that a read table lacks. What was late before a shard was taken counts from
 * then on, so that a runner is not blamed for what its predecessor left.
 */
export const make = Effect.gen(function* () {
  const { calmMs, freshMs } = yield* Pace
  const sql = yield* SqlClient.SqlClient
  const epochs = yield* ShardEpochs
  const nats = yield* link(yield* Nats)
  let lateAt = Number.NEGATIVE_INFINITY

  const look = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const shards = epochs.owned()
    if (shards.length === 0) return []
    const taken = yield* sql<{ shard: number; at: number }>`
      SELECT shard, (extract(epoch FROM at) * 1000)::double precision AS at FROM shard_epoch
      WHERE shard = ANY(${[...shards]})`
    const since = new Map(taken.map(({ at, shard }) => [shard, at]))
    const found = yield* Progress.late(sql, now, shards)
    return found
      .map(({ code, shard, since: at, subject }) => ({
        code,
        shard,
        subject,
        lateMs: Math.round(now - Math.max(at, since.get(shard) ?? now))
      }))
      .filter(({ code, lateMs }) => lateMs > objectives[code].objective)
  }).pipe(
    Effect.timeout(answerMs),
    Effect.catch(() => Effect.succeed(null)),
    Effect.provide(RegionDatabases.layerOne),
    Effect.provideService(SqlClient.SqlClient, sql)
  )
  const looked = yield* Effect.cachedWithTTL(look, freshMs)

  return Effect.gen(function* () {
    const late = yield* looked
    const now = yield* Clock.currentTimeMillis
    if (late !== null && late.length > 0) lateAt = now
    const calmInMs = Math.max(0, lateAt + calmMs - now)
    const state = { database: late !== null, nats: nats.up, shards: epochs.owned().length, calmInMs }
    const ready = late?.length === 0 && state.nats && state.shards > 0 && calmInMs === 0
    return { ready, ...state, late: (late ?? []).slice(0, lateMax) }
  })
})
