import { assert, layer } from "@effect/vitest"
import { layerRegion } from "@halles/entities/Migrations"
import { ShardEpochs } from "@halles/engine/placement/ShardEpochs"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import * as Readiness from "../src/Readiness.ts"

const Test = Layer.mergeAll(ShardEpochs.layer("eu-1"), NatsTest.layerConnection("readiness")).pipe(
  Layer.provideMerge(layerRegion),
  Layer.provideMerge(Layer.mergeAll(PgTest.layer("readiness"), NatsTest.layer))
)

const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString()
/** Every question looks anew. */
const readinessOf = (calmMs: number) => Effect.provideService(Readiness.make, Readiness.Pace, { freshMs: 0, calmMs })

/** An entity of a shard that is as late as it may not be, and how it catches up. */
const rows = (sql: SqlClient.SqlClient, shard: number) => {
  const id = `eu_late${shard}`
  const timer = (type: string, seconds: number) =>
    sql`INSERT INTO timer (entity_type, entity_id, shard, due_at) VALUES (${type}, ${id}, ${shard}, ${ago(seconds)})`
  const row = (type: string) => sql`
    INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
    VALUES (${type}, ${id}, 1, 'c1', '[{"_tag":"Nonsense"}]', '{"v":1}', ${shard}, 1, ${ago(120)})`
  const published = sql`
    INSERT INTO outbox_batch (runner, first_position, last_position, at)
    SELECT 'eu-1', position, position, ${ago(60)} FROM journal WHERE entity_id = ${id}`
  return {
    timer_overdue: { late: timer("Cart", 60), done: sql`DELETE FROM timer` },
    saga_stuck: {
      late: Effect.andThen(row("Payment"), timer("Payment", 0)),
      done: sql`UPDATE journal SET at = now() WHERE entity_id = ${id}`
    },
    events_unpublished: { late: Effect.andThen(row("Cart"), published), done: sql`DELETE FROM outbox_batch` },
    projection_behind: {
      late: row("Sku"),
      done: sql`INSERT INTO stock_view VALUES (${id}, 1, 0, 0, 0, 0, 0, 0, false, '{}', '[]', now())`
    }
  }
}

const own = [3, 4]
const anothers = 5

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("Readiness", (it) => {
  it.effect("falls by whatever is late in the own shards, by nothing of another's, and rises after a calm time", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const epochs = yield* ShardEpochs
      yield* epochs.raise(own)
      yield* sql`INSERT INTO shard_epoch (shard, epoch, owner) VALUES (${anothers}, 1, 'eu-2')`
      yield* sql`UPDATE shard_epoch SET at = ${ago(3_600)}`
      const readiness = yield* readinessOf(0)
      const [shard] = own as [number]
      for (const code of ["timer_overdue", "saga_stuck", "events_unpublished", "projection_behind"] as const) {
        yield* sql`TRUNCATE timer, journal, outbox_batch, stock_view`
        yield* rows(sql, anothers)[code].late
        assert.deepInclude(yield* readiness, { ready: true, late: [] }, `${code} of another`)
        const { done, late } = rows(sql, shard)[code]
        yield* late
        const fallen = yield* readiness
        assert.isFalse(fallen.ready, code)
        assert.deepStrictEqual(
          fallen.late.map((one) => [one.code, one.shard]),
          [[code, shard]]
        )
        assert.isAbove(fallen.late[0]!.lateMs, 10_000)
        yield* done
        assert.isTrue((yield* readiness).ready, `${code}, done`)
      }
    })
  )

  it.effect("does not blame a runner for what was late before it took the shard, and does not flap", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const epochs = yield* ShardEpochs
      yield* sql`TRUNCATE timer, journal, outbox_batch, stock_view`
      yield* epochs.raise(own)
      const readiness = yield* readinessOf(3_600_000)
      const { done, late } = rows(sql, own[0]!).timer_overdue
      yield* sql`UPDATE shard_epoch SET at = ${ago(-3_600)}`
      yield* late
      assert.deepInclude(yield* readiness, { ready: true, late: [] })
      yield* sql`UPDATE shard_epoch SET at = ${ago(3_600)}`
      assert.isFalse((yield* readiness).ready)
      yield* done
      const calming = yield* readiness
      assert.deepStrictEqual(calming.late, [])
      assert.isFalse(calming.ready)
      assert.isAbove(calming.calmInMs, 0)
    })
  )

  it.effect("falls without a shard, without the database, and without NATS", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const epochs = yield* ShardEpochs
      const readiness = yield* readinessOf(0)
      yield* sql`TRUNCATE timer, journal, outbox_batch, stock_view`
      epochs.drop(own)
      assert.deepInclude(yield* readiness, { ready: false, shards: 0 })
      yield* epochs.raise(own)
      assert.isTrue((yield* readiness).ready)
      yield* sql`ALTER TABLE shard_epoch RENAME TO elsewhere`
      assert.deepInclude(yield* readiness, { ready: false, database: false })
      yield* sql`ALTER TABLE elsewhere RENAME TO shard_epoch`
      assert.isTrue((yield* readiness).ready)
      yield* (yield* NatsTest).kill
      yield* readiness.pipe(
        Effect.repeat({ until: ({ nats, ready }) => !nats && !ready, schedule: Schedule.spaced("50 millis") }),
        Effect.timeout("10 seconds")
      )
    })
  )
})
