import * as EntityClient from "@halles/engine/activation/EntityClient"
import { assert, layer } from "@effect/vitest"
import { commandFields } from "@halles/shared/Command"
import { CommandId } from "@halles/shared/Ids"
import * as Shard from "@halles/shared/Shard"
import { Effect, Layer, Result, Schedule, Schema } from "effect"
import * as fc from "fast-check"
import { ClusterSchema, Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { SqlClient } from "effect/sql"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import { leaseMs, ShardEpochs } from "@halles/engine/placement/ShardEpochs"
import * as EngineTables from "../EngineTables.ts"
import type { Model } from "@halles/engine/eventsourced/Model"
import { PgTest } from "@halles/shared/testing/PgTest"
import * as TestCluster from "@halles/engine/testing/TestCluster"

class Add extends Schema.TaggedClass<Add>()("Add", { ...commandFields, amount: Schema.Int }) {}
class TooMuch extends Schema.TaggedError<TooMuch>()("TooMuch", {}) {}

const Counter = Entity.make("Counter", [
  Rpc.make("Add", {
    payload: Add,
    success: Schema.Struct({ total: Schema.Int, seq: Schema.Int, repeated: Schema.Boolean }),
    error: Schema.Unknown
  }),
  Rpc.make("Total", { success: Schema.Int }),
  Rpc.make("Crash", {})
])
  .annotateRpcs(ClusterSchema.Uninterruptible, true)
  .annotate(ClusterSchema.ShardGroup, Shard.group)

const Added = Schema.TaggedStruct("Added", { amount: Schema.Int })
const model: Model<{ total: number }, Add, typeof Added.Type, TooMuch> = {
  type: "Counter",
  version: 1,
  Event: Added,
  State: Schema.Struct({ total: Schema.Int }),
  initial: { total: 0 },
  decide: (state, { amount }) =>
    state.total + amount > 1_000_000 ? Result.fail(new TooMuch()) : Result.succeed([{ _tag: "Added", amount }]),
  evolve: (state, { amount }) => ({ total: state.total + amount })
}

const CounterLive = EventSourced.layer(Counter, model, {
  id: Schema.String,
  maxIdleTime: "5 minutes",
  mailboxCapacity: 4_096,
  handlers: {
    Add: (self, payload) =>
      Effect.map(self.handle(payload), ({ repeated, seq, state }) => ({ total: state.total, seq, repeated })),
    Total: (self) => Effect.map(self.committed, ({ state }) => state.total),
    Crash: () => Effect.void
  }
})

const Test = CounterLive.pipe(
  Layer.provideMerge(TestCluster.layer()),
  Layer.provide(EngineTables.layer),
  Layer.provideMerge(PgTest.layer("event_sourced"))
)

const add = (commandId: string, amount: number) => new Add({ commandId: CommandId.make(commandId), amount })

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("EventSourced", (it) => {
  it.effect("commits what it answers, once per command id", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const counter = (yield* EntityClient.make(Counter))("eu_a")
      assert.deepStrictEqual(yield* counter.Add(add("one", 5)), { total: 5, seq: 1, repeated: false })
      assert.deepStrictEqual(yield* counter.Add(add("one", 5)), { total: 5, seq: 1, repeated: true })
      assert.deepStrictEqual(yield* counter.Add(add("two", 2)), { total: 7, seq: 2, repeated: false })
      const rows = yield* sql`SELECT seq, command_id FROM journal WHERE entity_id = 'eu_a' ORDER BY seq`
      assert.deepStrictEqual(
        rows.map((row) => row["command_id"]),
        ["one", "two"]
      )
    })
  )

  it.effect("keeps the order of many concurrent commands of many entities, without a gap", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const clientOf = yield* EntityClient.make(Counter)
      yield* Effect.forEach(
        Array.from({ length: 3_000 }, (_, index) => index),
        (index) => clientOf(`eu_many${index % 30}`).Add(add(`c${index}`, 1)),
        { concurrency: 256, discard: true }
      )
      const rows = yield* sql<{ n: bigint; top: number }>`
        SELECT count(*) AS n, max(seq) AS top FROM journal WHERE entity_id LIKE 'eu_many%' GROUP BY entity_id`
      assert.deepStrictEqual(
        rows.map(({ n, top }) => [Number(n), top]),
        Array.from({ length: 30 }, () => [100, 100])
      )
    })
  )

  // A runner that was frozen while its shard was taken over answered reads from what it remembered.
  it.effect("answers nothing from memory once another runner has taken the shard", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const counter = (yield* EntityClient.make(Counter))("eu_thawed")
      yield* counter.Add(add("before", 1))
      yield* sql`SELECT * FROM shard_epoch_raise(${[Shard.shardOf("eu_thawed")]}, 'intruder')`
      yield* sql`
        INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
        SELECT entity_type, entity_id, 2, 'elsewhere', '[{"_tag":"Added","amount":5}]', meta, shard, epoch + 1, now()
        FROM journal WHERE entity_id = 'eu_thawed'`
      assert.strictEqual(yield* counter.Total(), 6)
    })
  )

  it.effect("is refused once another runner has raised the epoch, says so, and takes the shard anew", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const counter = (yield* EntityClient.make(Counter))("eu_fenced")
      yield* counter.Add(add("before", 1))
      const [row] = yield* sql<{ shard: number; epoch: number }>`
        SELECT shard, epoch FROM journal WHERE entity_id = 'eu_fenced'`
      yield* sql`SELECT * FROM shard_epoch_raise(${[row!.shard]}, 'intruder')`
      // The call is answered in the end: by a new activation, under an epoch above the intruder's.
      assert.deepStrictEqual(yield* counter.Add(add("after", 1)), { total: 2, seq: 2, repeated: false })
      const epochs = yield* sql<{ epoch: number }>`
        SELECT epoch FROM journal WHERE entity_id = 'eu_fenced' ORDER BY seq`
      assert.deepStrictEqual(
        epochs.map(({ epoch }) => epoch - row!.epoch),
        [0, 2]
      )
      const alarms = yield* sql<{ detail: { refused: { owner: string }; current: { owner: string } } }>`
        SELECT detail FROM alarm WHERE kind = 'duplicate_activation' AND detail->>'entity' = 'Counter/eu_fenced'`
      assert.deepStrictEqual(
        alarms.map(({ detail }) => [detail.refused.owner, detail.current.owner]),
        [["test-runner", "intruder"]]
      )
    })
  )

  // A runner that was frozen while its shard was taken over refused, from its state of before, what the new owner's allowed:
  // a shipment that was told so by such an order ("there is none") never told it again that its goods had left.
  it.effect("refuses nothing from a state that another owner has moved on", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const counter = (yield* EntityClient.make(Counter))("eu_stale")
      yield* counter.Add(add("before", 999_999))
      const [row] = yield* sql<{ shard: number }>`SELECT shard FROM journal WHERE entity_id = 'eu_stale'`
      yield* sql`SELECT * FROM shard_epoch_raise(${[row!.shard]}, 'intruder')`
      yield* sql`
        INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
        SELECT entity_type, entity_id, 2, 'theirs', '[{"_tag":"Added","amount":-900000}]', meta, shard, epoch + 1, now()
        FROM journal WHERE entity_id = 'eu_stale'`
      assert.deepStrictEqual(yield* counter.Add(add("after", 5)), { total: 100_004, seq: 3, repeated: false })
    })
  )

  it.effect("answers a repeat that is older than it remembers from the journal", () =>
    Effect.gen(function* () {
      const counter = (yield* EntityClient.make(Counter))("eu_old")
      yield* counter.Add(add("first", 7))
      yield* Effect.forEach(
        Array.from({ length: 400 }, (_, index) => index),
        (index) => counter.Add(add(`later${index}`, 1)),
        { concurrency: 64, discard: true }
      )
      const late = yield* counter.Add(add("first", 7))
      assert.deepStrictEqual(late, { total: 407, seq: 401, repeated: true })
      assert.strictEqual(yield* counter.Total(), 407)
    })
  )

  // Those that waited together made the runner forget each other, and killed one activation of the entity after the other.
  it.effect("answers more late repeats at once than it knows commands by heart", () =>
    Effect.gen(function* () {
      const counter = (yield* EntityClient.make(Counter))("eu_replayed")
      const send = (from: number, to: number) =>
        Effect.forEach(
          Array.from({ length: to - from }, (_, index) => from + index),
          (index) => counter.Add(add(`c${index}`, 1)),
          { concurrency: "unbounded" }
        )
      yield* send(0, 700)
      const late = yield* Effect.timeout(send(0, 400), "20 seconds")
      assert.isTrue(late.every(({ repeated }) => repeated))
      assert.strictEqual(yield* counter.Total(), 700)
    })
  )

  it.effect("gives the same answers as the model, however often it loses its memory", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const clientOf = yield* EntityClient.make(Counter)
      const samples = fc.sample(
        fc.array(
          fc.record({
            id: fc.integer({ min: 0, max: 30 }),
            amount: fc.integer({ min: 1, max: 5 }),
            crash: fc.boolean()
          }),
          {
            minLength: 5,
            maxLength: 30
          }
        ),
        { numRuns: 5, seed: 20_261_122 }
      )
      // Side by side: a crash hits the others in the middle of what they do.
      yield* Effect.forEach(
        samples,
        (commands, sample) =>
          Effect.gen(function* () {
            const counter = clientOf(`eu_model${sample}`)
            const done = new Map<number, number>()
            let total = 0
            for (const { amount, crash, id } of commands) {
              if (crash)
                yield* sql`SELECT count(*) FROM shard_epoch_raise((SELECT array_agg(shard) FROM shard_epoch), 'crash')`
              if (!done.has(id)) {
                done.set(id, amount)
                total += amount
              }
              const answer = yield* counter.Add(add(`id${id}`, amount))
              assert.strictEqual(answer.total, total, `entity eu_model${sample}, command id${id}`)
            }
          }),
        { concurrency: "unbounded" }
      )
    })
  )

  it.effect("is sure of its shards for a while after it has looked, and drops those that are another's", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const epochs = yield* ShardEpochs
      const shard = Shard.shardOf("eu_sure")
      yield* (yield* EntityClient.make(Counter))("eu_sure").Add(add("one", 1))
      const epoch = epochs.current(shard)!
      yield* epochs.confirm
      assert.isTrue(epochs.isSure(shard, epoch))
      assert.isFalse(epochs.isSure(shard, epoch - 1))
      yield* sql`SELECT * FROM shard_epoch_raise(${[shard]}, 'intruder')`
      // A look that finds it sure was not later than the lease, however late the look is.
      const began = performance.now()
      const look = Effect.sync(() => ({ atMs: performance.now() - began, sure: epochs.isSure(shard, epoch) }))
      yield* Effect.repeat(look, {
        schedule: Schedule.spaced("10 millis"),
        until: ({ atMs, sure }) => {
          if (sure) assert.isBelow(atMs, leaseMs)
          return !sure
        }
      })
      yield* epochs.confirm
      assert.notStrictEqual(epochs.current(shard), epoch)
    })
  )
})
