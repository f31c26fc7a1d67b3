import { assert, describe, it, layer } from "@effect/vitest"
import { type JsMsg, jetstream, jetstreamManager } from "@nats-io/jetstream"
import { Nats } from "@halles/shared/clients/Nats"
import * as Subject from "@halles/shared/Subject"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Arbitrary, Effect, Layer, Schedule, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as EngineTables from "../EngineTables.ts"
import { Outbox } from "@halles/engine/journal/Outbox"
import { bodyOf, lineOf, messageBytesMax, messagesOf, rowsOf } from "@halles/engine/journal/EventMessage"
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
      const [message, ...others] = messagesOf("eu", [lineOf(row)])
      assert.deepStrictEqual([message!.malformed, others], [null, []])
      const body = bodyOf(message!)
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

  const Rows = Schema.Array(
    Schema.Struct({
      type: Schema.Literals(["Cart", "Order", "Sku", "Order1", "Order2", "not a token"]),
      id: Schema.Literals(["eu_1", "eu_2", "eu_3"]),
      text: Schema.String,
      again: Schema.Literals([1, 10, 4_000])
    })
  )
  it.prop("rows that are committed together are in few messages, each once, in their order", [Rows], ([list]) => {
    const lines = list.map(({ again, id, text, type }, index) =>
      lineOf({
        entity_type: type,
        entity_id: id,
        seq: index + 1,
        command_id: "c",
        position: BigInt(index),
        events: JSON.stringify([{ _tag: "A", text: text.repeat(again) }]),
        meta: "{}",
        at: 5
      })
    )
    const all = messagesOf("eu", lines)
    const messages = all.filter(({ malformed }) => malformed === null)
    const found = messages.flatMap((message) => rowsOf(bodyOf(message)))
    assert.deepStrictEqual(
      found.map(({ id, text, type }) => [type, id, JSON.parse(text).seq]),
      list.flatMap(({ id, type }, index) => (type === "not a token" ? [] : [[type, id, index + 1]]))
    )
    assert.strictEqual(all.length - messages.length, list.length - found.length)
    assert.strictEqual(new Set(messages.map(({ id }) => id)).size, messages.length)
    for (const [index, message] of messages.entries()) {
      const size = Buffer.byteLength(bodyOf(message))
      assert.isAtMost(size, messageBytesMax)
      const types = new Set(message.lines.map(({ row }) => row.entity_type))
      for (const type of types) assert.strictEqual(message.subject.split(".")[3 + Subject.eventPlace(type)], type)
      // It goes with those before it where there is room, and a place for its type.
      const next = messages[index + 1]?.lines[0]
      const hasRoom = next !== undefined && size + 1 + next.bytes < messageBytesMax
      const places = [...types].map(Subject.eventPlace)
      const isFree = next !== undefined && !places.includes(Subject.eventPlace(next.row.entity_type))
      assert.isFalse(hasRoom && (isFree || types.has(next.row.entity_type)))
    }
  })
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

/** Rows that were committed together, and a marker as old as one that a dead runner left behind. */
const writeTogether = (rows: ReadonlyArray<readonly [type: string, id: string, seq: number, events: unknown]>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const positions: Array<bigint> = []
    for (const [type, id, seq, events] of rows) {
      const [row] = yield* sql<{ position: bigint }>`
        INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
        VALUES (${type}, ${id}, ${seq}, ${`c${seq}`}, ${JSON.stringify(events)}::text::jsonb, '{"v":1}', 5, 1, now())
        RETURNING position`
      positions.push(row!.position)
    }
    yield* mark(positions[0]!, positions.at(-1)!)
  })
const mark = (first: bigint, last: bigint) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`INSERT INTO outbox_batch (runner, first_position, last_position, at)
      VALUES ('eu-0', ${String(first)}::text::bigint, ${String(last)}::text::bigint, now() - interval '1 hour')`
  )
const write = (type: string, id: string, seq: number, events: unknown) => writeTogether([[type, id, seq, events]])

interface Received {
  readonly id: string
  readonly seq: number
  readonly events: ReadonlyArray<{ readonly _tag: string }>
  readonly inJournal?: boolean
}
const messages = Effect.gen(function* () {
  const nats = yield* Nats
  return yield* Effect.promise(async () => {
    const manager = await jetstreamManager(nats)
    const { messages } = (await manager.streams.info(stream)).state
    if (messages === 0) return []
    const consumer = await jetstream(nats).consumers.get(stream)
    const received: Array<ReadonlyArray<Received>> = []
    for await (const message of await consumer.fetch({ max_messages: messages, expires: 2_000 })) {
      received.push(rowsOf((message as JsMsg).string()).map(({ text }): Received => JSON.parse(text)))
      if (received.length === messages) break
    }
    return received
  })
})
const published = Effect.map(messages, (all) => all.flat())
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

  const together = ["eu_t1", "eu_t2", "eu_t1", "eu_t3"]
  const commit = (text: string) =>
    writeTogether(
      together.map((id, index) => [
        index === 1 ? "Order" : "Cart",
        id,
        index + 1,
        [{ _tag: "A", text: index === 2 ? text : "" }]
      ])
    )
  const ofThese = Effect.map(messages, (all) =>
    all.flatMap((rows) => (together.includes(rows[0]!.id) ? [rows.map(({ id, seq }) => `${id} ${seq}`)] : []))
  )

  it.effect("publishes in one message what was committed together, which the stream knows when it comes again", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* commit("")
      const [batch] = yield* sql<{ first: bigint; last: bigint }>`
        SELECT first_position AS first, last_position AS last FROM outbox_batch`
      const wanted = [together.map((id, index) => `${id} ${index + 1}`)]
      for (let times = 1; times <= 2; times++) {
        yield* sweep
        assert.deepStrictEqual([yield* ofThese, yield* markers], [wanted, 0])
        yield* mark(batch!.first, batch!.last)
      }
      yield* sweep
      yield* sql`DELETE FROM journal WHERE entity_id IN ${sql.in(together)}`
    })
  )

  it.effect("sets aside only the row for which the stream refuses a message", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* Effect.flatMap(Nats, (nats) =>
        Effect.promise(async () => (await jetstreamManager(nats)).streams.purge(stream))
      )
      yield* setLimit(20_000)
      yield* commit("x".repeat(30_000))
      yield* sweep
      yield* setLimit(-1)
      assert.deepStrictEqual([yield* ofThese, yield* markers], [[["eu_t1 1"], ["eu_t2 2"], ["eu_t3 4"]], 0])
      const [letter, ...others] = yield* letters
      assert.deepStrictEqual(others, [])
      assert.deepInclude(letter, { entity_type: "Cart", entity_id: "eu_t1", seq: 3, tries: 3 })
      assert.isTrue(yield* ParkedEvents.retry(sql, letter!))
      yield* sweep
      assert.deepStrictEqual((yield* ofThese).at(-1), ["eu_t1 3"])
      assert.deepStrictEqual([yield* letters, yield* markers], [[], 0])
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
