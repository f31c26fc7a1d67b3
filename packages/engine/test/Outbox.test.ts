import { assert, describe, it, layer } from "@effect/vitest"
import { type JsMsg, jetstream, jetstreamManager } from "@nats-io/jetstream"
import { Nats } from "@halles/shared/clients/Nats"
import * as Subject from "@halles/shared/Subject"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Arbitrary, Effect, Layer, Schedule, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as EngineTables from "./EngineTables.ts"
import { Outbox } from "@halles/engine/journal/Outbox"
import { messageBytesMax, messageOf } from "@halles/engine/journal/EventMessage"
import { Patience } from "@halles/engine/journal/Publishing"
import * as ParkedEvents from "@halles/engine/journal/ParkedEvents"
import { ShardEpochs } from "@halles/engine/placement/ShardEpochs"

describe("EventMessage", () => {
  const Events = Schema.Array(Schema.Struct({ _tag: Schema.Literals(["A", "B"]), text: Schema.String }))
  const texts = Arbitrary.schema(Events)
  const repeats = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3_000 })))

  it.prop(
    "is a message of a bounded size that tells what happened, whole or by its tags",
    [texts, repeats],
    ([list, n]) => {
      const events = list.map((event) => ({ ...event, text: event.text.repeat(n) }))
      const row = {
        entity_type: "Cart",
        entity_id: "eu_1",
        seq: 3,
        command_id: "c",
        position: 7n,
        events: JSON.stringify(events),
        meta: `{"v":1}`,
        at: 5
      }
      const { body, malformed } = messageOf("eu", row)
      assert.isNull(malformed)
      assert.isAtMost(Buffer.byteLength(body), messageBytesMax)
      const received = JSON.parse(body)
      if (received.inJournal === true) {
        assert.isAbove(Buffer.byteLength(row.events), messageBytesMax / 2)
        assert.deepStrictEqual(
          new Set(received.events.map((one: { _tag: string }) => one._tag)),
          new Set(list.map(({ _tag }) => _tag))
        )
      } else assert.deepStrictEqual(received.events, JSON.parse(row.events))
      assert.deepInclude(received, { type: "Cart", id: "eu_1", seq: 3, commandId: "c", at: 5, position: 7 })
    }
  )
})

const Servers = Layer.mergeAll(
  NatsTest.layerConnection("outbox").pipe(Layer.provideMerge(NatsTest.layer)),
  EngineTables.layer.pipe(Layer.provideMerge(PgTest.layer("outbox")))
)
const Test = Outbox.layer("eu").pipe(
  Layer.provide(Layer.succeed(Patience, { againMs: 20, answerMs: 1_000, triesMax: 3, slowTriesMax: 5 })),
  Layer.provideMerge(ShardEpochs.layer("eu-1")),
  Layer.provideMerge(Servers)
)

const stream = Subject.eventStream("eu")

/** A row, and a marker as old as one that a dead runner left behind. */
const write = (type: string, id: string, seq: number, events: unknown) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<{ position: bigint }>`
      INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
      VALUES (${type}, ${id}, ${seq}, ${`c${seq}`}, ${JSON.stringify(events)}::text::jsonb, '{"v":1}', 5, 1, now())
      RETURNING position`
    const position = String(row!.position)
    yield* sql`INSERT INTO outbox_batch (runner, first_position, last_position, at)
      VALUES ('eu-0', ${position}::text::bigint, ${position}::text::bigint, now() - interval '1 hour')`
  })

interface Received {
  readonly id: string
  readonly seq: number
  readonly events: ReadonlyArray<{ readonly _tag: string }>
  readonly inJournal?: boolean
}
const published = Effect.gen(function* () {
  const nats = yield* Nats
  return yield* Effect.promise(async () => {
    const manager = await jetstreamManager(nats)
    const { messages } = (await manager.streams.info(stream)).state
    if (messages === 0) return []
    const consumer = await jetstream(nats).consumers.get(stream)
    const received: Array<Received> = []
    for await (const message of await consumer.fetch({ max_messages: messages, expires: 2_000 })) {
      received.push((message as JsMsg).json<Received>())
      if (received.length === messages) break
    }
    return received
  })
})
const seqsOf = (id: string) =>
  Effect.map(published, (received) => received.filter((one) => one.id === id).map(({ seq }) => seq))
const sweep = Effect.flatMap(Outbox, ({ sweep }) => sweep({ olderThanMs: 0 }))
const markers = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ count: number }>`SELECT count(*)::int AS count FROM outbox_batch`
  return row!.count
})
const letters = Effect.flatMap(SqlClient.SqlClient, (sql) => ParkedEvents.list(sql, "eu", 100))
const setLimit = (max_msg_size: number) =>
  Effect.flatMap(Nats, (nats) =>
    Effect.promise(async () => {
      const manager = await jetstreamManager(nats)
      await manager.streams.update(stream, { max_msg_size })
    })
  )

layer(Test, { excludeTestServices: true, timeout: "120 seconds" })("Outbox", (it) => {
  it.effect("tells of a row that is larger than the bus by its tags, and keeps the order", () =>
    Effect.gen(function* () {
      yield* write("Order", "eu_big", 1, [{ _tag: "Placed", text: "茶".repeat(700_000) }, { _tag: "StockHeld" }])
      yield* write("Order", "eu_big", 2, [{ _tag: "StockReserved" }])
      yield* sweep
      const received = (yield* published).filter(({ id }) => id === "eu_big")
      assert.deepStrictEqual(
        received.map(({ events, inJournal, seq }) => [
          seq,
          inJournal ?? false,
          new Set(events.map(({ _tag }) => _tag))
        ]),
        [
          [1, true, new Set(["Placed", "StockHeld"])],
          [2, false, new Set(["StockReserved"])]
        ]
      )
      assert.strictEqual(yield* markers, 0)
      assert.deepStrictEqual(yield* letters, [])
    })
  )

  it.effect(
    "sets aside what the stream refuses, publishes what is before and behind it, and an operator has it sent again",
    () =>
      Effect.gen(function* () {
        yield* setLimit(20_000)
        for (const seq of [1, 2, 4, 5, 6]) yield* write("Cart", "eu_refused", seq, [{ _tag: "A" }])
        yield* write("Cart", "eu_refused", 3, [{ _tag: "A", text: "x".repeat(30_000) }])
        yield* sweep
        assert.deepStrictEqual(yield* seqsOf("eu_refused"), [1, 2, 4, 5, 6])
        assert.strictEqual(yield* markers, 0)
        const [letter, ...others] = yield* letters
        assert.deepStrictEqual(others, [])
        assert.deepInclude(letter, { consumer: "outbox", entity_id: "eu_refused", seq: 3, shard: 5, tries: 3 })
        assert.match(letter!.cause, /message size exceeds maximum allowed/)

        const sql = yield* SqlClient.SqlClient
        yield* setLimit(-1)
        assert.isTrue(yield* ParkedEvents.retry(sql, letter!))
        assert.isFalse(yield* ParkedEvents.retry(sql, letter!), "once")
        yield* sweep
        assert.deepStrictEqual(yield* seqsOf("eu_refused"), [1, 2, 4, 5, 6, 3])
        assert.deepStrictEqual([yield* letters, yield* markers], [[], 0])
      })
  )

  it.effect("sets aside what fits in no subject, and an operator strikes it off", () =>
    Effect.gen(function* () {
      yield* write("Cart", "eu_before", 1, [{ _tag: "A" }])
      yield* write("Cart", "eu_x y\r\nPUB", 1, [{ _tag: "A" }])
      yield* write("Cart.*", "eu_other", 1, [{ _tag: "A" }])
      yield* write("Cart", "eu_after", 1, "no list of events")
      yield* sweep
      assert.deepStrictEqual([yield* seqsOf("eu_before"), yield* seqsOf("eu_after")], [[1], [1]])
      const found = yield* letters
      assert.deepStrictEqual(found.map(({ entity_id }) => entity_id).toSorted(), ["eu_other", "eu_x y\r\nPUB"])
      const sql = yield* SqlClient.SqlClient
      for (const letter of found) assert.isTrue(yield* ParkedEvents.resolve(sql, letter))
      assert.deepStrictEqual([yield* letters, yield* markers], [[], 0])
    })
  )

  it.effect("sets aside once what stands in the batches of two runners, whose rows lie between each other's", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* write("Cart", "eu_x y", 1, [{ _tag: "A" }])
      yield* write("Cart", "eu_between", 1, [{ _tag: "A" }])
      yield* sql`UPDATE outbox_batch SET first_position = (SELECT min(first_position) FROM outbox_batch),
        last_position = (SELECT max(last_position) FROM outbox_batch)`
      yield* sweep
      const found = yield* letters
      assert.deepStrictEqual(
        found.map(({ entity_id, tries }) => [entity_id, tries]),
        [["eu_x y", 1]]
      )
      assert.deepStrictEqual([yield* seqsOf("eu_between"), yield* markers], [[1], 0])
      for (const letter of found) assert.isTrue(yield* ParkedEvents.resolve(sql, letter))
    })
  )

  it.effect("gives nothing up while NATS is away, and loses nothing", () =>
    Effect.gen(function* () {
      const { kill, start } = yield* NatsTest
      const { publishUnsafe, settled } = yield* Outbox
      yield* kill
      const sql = yield* SqlClient.SqlClient
      const seqs = Array.from({ length: 40 }, (_, index) => index + 1)
      for (const seq of seqs) {
        const events = `[{"_tag":"A","n":${seq}}]`
        const [row] = yield* sql<{ position: bigint; batch: bigint }>`
          WITH j AS (
            INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
            VALUES ('Cart', 'eu_away', ${seq}, ${`c${seq}`}, ${events}::text::jsonb, '{}', 5, 1, now()) RETURNING position)
          INSERT INTO outbox_batch (runner, first_position, last_position) SELECT 'eu-1', position, position FROM j
          RETURNING id AS batch, first_position AS position`
        const lease = { entityType: "Cart", entityId: "eu_away", shard: 5, epoch: 1, dead: false }
        const entry = { lease, seq, commandId: `c${seq}`, events, meta: "{}", at: 1, dueAt: undefined }
        publishUnsafe({
          batch: row!.batch,
          entries: [{ ...entry, onCommit: () => undefined, position: row!.position }]
        })
      }
      yield* Effect.sleep("4 seconds")
      yield* start
      yield* settled
      yield* Effect.repeat(markers, { until: (left) => left === 0, schedule: Schedule.spaced("100 millis") })
      assert.deepStrictEqual(yield* seqsOf("eu_away"), seqs)
      assert.deepStrictEqual(yield* letters, [])
    })
  )
})
