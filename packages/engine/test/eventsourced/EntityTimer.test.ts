import { assert, layer } from "@effect/vitest"
import { commandFields } from "@halles/shared/Command"
import { CommandId } from "@halles/shared/Ids"
import * as Shard from "@halles/shared/Shard"
import { Effect, Layer, Result, Schema } from "effect"
import * as fc from "fast-check"
import { ClusterSchema, Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { SqlClient } from "effect/sql"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import * as EngineTables from "../EngineTables.ts"
import type { Model } from "@halles/engine/eventsourced/Model"
import { PgTest } from "@halles/shared/testing/PgTest"
import * as TestCluster from "@halles/engine/testing/TestCluster"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"

/** Wants its timer at `due`, in Unix milliseconds, or none. */
class Want extends Schema.TaggedClass<Want>()("Want", { ...commandFields, due: Schema.NullOr(Schema.Int) }) {}

const Alarm = Entity.make("Alarm", [
  Rpc.make("Want", { payload: Want, error: Schema.Unknown }),
  Rpc.make("TimerFired", { payload: TimerFired, error: Schema.Unknown })
])
  .annotateRpcs(ClusterSchema.Uninterruptible, true)
  .annotate(ClusterSchema.ShardGroup, Shard.group)

const Wanted = Schema.TaggedStruct("Wanted", { due: Schema.NullOr(Schema.Int) })
const model: Model<{ due: number | null }, Want | TimerFired, typeof Wanted.Type, never> = {
  type: "Alarm",
  version: 1,
  Event: Wanted,
  State: Schema.Struct({ due: Schema.NullOr(Schema.Int) }),
  initial: { due: null },
  decide: (state, command, now) => {
    if (command._tag === "Want") return Result.succeed([{ _tag: "Wanted", due: command.due }])
    return Result.succeed(state.due !== null && state.due <= now ? [{ _tag: "Wanted", due: null }] : [])
  },
  evolve: (_, { due }) => ({ due }),
  dueAt: ({ due }) => due
}

const AlarmLive = EventSourced.layer(Alarm, model, {
  id: Schema.String,
  maxIdleTime: "5 minutes",
  mailboxCapacity: 4_096,
  handlers: {
    Want: (self, payload) => Effect.asVoid(self.handle(payload)),
    TimerFired: (self, payload) => Effect.asVoid(self.handle(payload))
  }
})

const Test = AlarmLive.pipe(
  Layer.provideMerge(TestCluster.layer()),
  Layer.provide(EngineTables.layer),
  Layer.provideMerge(PgTest.layer("shell_timer"))
)

const storedOf = Effect.fnUntraced(function* (id: string) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ due: number }>`
    SELECT (extract(epoch FROM due_at) * 1000)::double precision AS due FROM timer WHERE entity_id = ${id}`
  return row === undefined ? null : Math.round(row.due)
})
const wantedOf = Effect.fnUntraced(function* (id: string) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ due: number | null }>`
    SELECT (events->0->>'due')::double precision AS due FROM journal WHERE entity_id = ${id} ORDER BY seq DESC LIMIT 1`
  return row?.due ?? null
})

/** Sent together: what the entity is to want, in milliseconds from now, or `"timer"`: its stored timer fires. */
const rounds = fc.array(
  fc.array(fc.oneof(fc.constant("timer" as const), fc.constant(null), fc.integer({ min: -50, max: 10_000 })), {
    minLength: 1,
    maxLength: 4
  }),
  { minLength: 1, maxLength: 8 }
)

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("the timer of an entity", (it) => {
  let entities = 0
  it.effect("is there when one is wanted, and never later than that", () =>
    Effect.gen(function* () {
      const alarms = yield* Alarm.client
      const run = yield* Effect.context<SqlClient.SqlClient>()
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(rounds, (together) =>
            Effect.runPromiseWith(run)(
              Effect.gen(function* () {
                const id = `eu_alarm-${(entities += 1)}`
                let commands = 0
                for (const round of together) {
                  const stored = yield* storedOf(id)
                  yield* Effect.forEach(
                    round,
                    (what) => {
                      const commandId = CommandId.make(`c${(commands += 1)}`)
                      if (what !== "timer") {
                        return alarms(id).Want(new Want({ commandId, due: what === null ? null : Date.now() + what }))
                      }
                      // As the timers do: only what is due fires.
                      return stored === null || stored > Date.now()
                        ? Effect.void
                        : alarms(id).TimerFired(new TimerFired({ commandId, dueAt: stored }))
                    },
                    { concurrency: "unbounded" }
                  )
                  const [is, wanted] = [yield* storedOf(id), yield* wantedOf(id)]
                  if (wanted === null) assert.isTrue(is === null || is <= Date.now() + 10_000)
                  else assert.isTrue(is !== null && is <= Math.max(wanted, Date.now() + 5_000), `${is} <= ${wanted}`)
                }
              })
            )
          ),
          { numRuns: 40 }
        )
      )
    })
  )

  it.effect("is not written again for a state that wants it later, and is set anew when it fires too early", () =>
    Effect.gen(function* () {
      const alarm = (yield* Alarm.client)("eu_later")
      const now = Date.now()
      yield* alarm.Want(new Want({ commandId: CommandId.make("one"), due: now + 2_000 }))
      yield* alarm.Want(new Want({ commandId: CommandId.make("two"), due: now + 60_000 }))
      assert.strictEqual(yield* storedOf("eu_later"), now + 2_000)
      yield* Effect.sleep(now + 2_001 - Date.now())
      yield* alarm.TimerFired(new TimerFired({ commandId: CommandId.make("early"), dueAt: now + 2_000 }))
      assert.strictEqual(yield* storedOf("eu_later"), now + 60_000)
      yield* alarm.Want(new Want({ commandId: CommandId.make("three"), due: now + 30_000 }))
      assert.strictEqual(yield* storedOf("eu_later"), now + 30_000)
      yield* alarm.Want(new Want({ commandId: CommandId.make("four"), due: null }))
      assert.isNull(yield* storedOf("eu_later"))
    })
  )

  it.effect("is not lost to an owner of before, who knows nothing of what it was set for", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const alarm = (yield* Alarm.client)("eu_taken")
      const now = Date.now()
      yield* alarm.Want(new Want({ commandId: CommandId.make("one"), due: now + 60_000 }))
      const [row] = yield* sql<{ shard: number }>`SELECT shard FROM journal WHERE entity_id = 'eu_taken'`
      const [fence] = yield* sql<{ epoch: number }>`SELECT epoch FROM shard_epoch_raise(${[row!.shard]}, 'next')`
      const events = JSON.stringify([{ _tag: "Wanted", due: now }])
      yield* sql`
        INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
        VALUES ('Alarm', 'eu_taken', 2, 'two', ${events}::jsonb, '{"v":1}', ${row!.shard}, ${fence!.epoch}, now())`
      yield* sql`UPDATE timer SET due_at = to_timestamp(${String(now)}::double precision / 1000) WHERE entity_id = 'eu_taken'`
      yield* alarm.TimerFired(new TimerFired({ commandId: CommandId.make("timer"), dueAt: now }))
      // It was answered by who knows of it: the alarm has rung.
      const rows = yield* sql`SELECT seq FROM journal WHERE entity_id = 'eu_taken' ORDER BY seq`
      assert.strictEqual(rows.length, 3)
      assert.isNull(yield* wantedOf("eu_taken"))
    })
  )
})
