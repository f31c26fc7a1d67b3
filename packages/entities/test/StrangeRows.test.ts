import { assert, layer } from "@effect/vitest"
import { Nats } from "@halles/shared/clients/Nats"
import * as Subject from "@halles/shared/Subject"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Fiber, Layer, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import * as Alarms from "../src/inspector/Alarms.ts"
import * as Domains from "../src/Domains.ts"
import * as Progress from "../src/inspector/SagaProgress.ts"
import * as Histories from "../src/inspector/Histories.ts"
import { unfinished } from "../src/inspector/Sagas.ts"
import { search } from "../src/inspector/Search.ts"
import * as Invariants from "../src/laws/Invariants.ts"
import { JournalStore } from "@halles/engine/journal/JournalStore"
import { makeMaskedViews } from "../src/inspector/MaskedViews.ts"
import { migrateControl, migrateRegion } from "../src/Migrations.ts"
import { Outbox } from "@halles/engine/journal/Outbox"
import * as ParkedEvents from "@halles/engine/journal/ParkedEvents"
import { ProductTable } from "../src/catalogue/ProductTable.ts"
import * as Projection from "@halles/engine/projections/Projection"
import { RegionDatabases } from "../src/routes/Reads.ts"
import { ShardEpochs } from "@halles/engine/placement/ShardEpochs"

const Servers = Layer.mergeAll(
  NatsTest.layerConnection("strange").pipe(Layer.provideMerge(NatsTest.layer)),
  Layer.effectDiscard(Effect.andThen(migrateRegion, migrateControl)).pipe(Layer.provideMerge(PgTest.layer("strange")))
)
const Test = Layer.mergeAll(Outbox.layer("eu"), RegionDatabases.layerOne, JournalStore.layer).pipe(
  Layer.provideMerge(ShardEpochs.layer("eu-1")),
  Layer.provideMerge(Servers)
)

const shard = 5
/** What was written an hour ago by a runner that is gone. */
const write = (type: string, id: string, seq: number, events: unknown, meta: unknown = { v: 1 }) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`
      WITH j AS (
        INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
        VALUES (${type}, ${id}, ${seq}, ${`c${seq}`}, ${JSON.stringify(events)}::text::jsonb,
          ${JSON.stringify(meta)}::text::jsonb, ${shard}, 1, now() - interval '1 hour') RETURNING position)
      INSERT INTO outbox_batch (runner, first_position, last_position, at)
      SELECT 'eu-0', position, position, now() - interval '1 hour' FROM j`
  })
const listed = (seq: number, more: object = {}) => ({
  _tag: "ProductListed",
  sku: "TEA",
  title: `Tea ${seq}`,
  description: "",
  price: { amount: 100, currency: "EUR", taxRate: 0 },
  at: seq,
  ...more
})
const tags = (id: string) =>
  Effect.map(Histories.rowsOf({ type: "Product", id }, {}), (rows) =>
    rows.flatMap(({ events }) => events.map(({ _tag }) => _tag))
  )
const sweep = Effect.flatMap(Outbox, ({ sweep }) => sweep({ olderThanMs: 0 }))
const view = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(sql<{ id: string; seq: number }>`SELECT id, seq FROM product_view ORDER BY id`, (rows) =>
    rows.map(({ id, seq }) => [id, seq])
  )
)
const letters = Effect.flatMap(SqlClient.SqlClient, (sql) => ParkedEvents.list(sql, "eu", 100))
const until = <A, E, R>(effect: Effect.Effect<A, E, R>, holds: (value: A) => boolean) =>
  Effect.repeat(effect, { until: holds, schedule: Schedule.spaced("50 millis") }).pipe(Effect.timeout("30 seconds"))
const following = <A, E, R>(body: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(Effect.forkChild(Domains.followTables("eu")), () => body, Fiber.interrupt)

layer(Test, { excludeTestServices: true, timeout: "120 seconds" })("whatever is in the journal", (it) => {
  it.effect("is told of, set aside or passed over, and holds up nothing; check says what it is", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const huge = "x".repeat(6 * 1024 ** 2)
      for (let seq = 1; seq <= 3; seq++) yield* write("Product", "eu_good", seq, [listed(seq)])
      yield* write("Product", "eu_huge", 1, [listed(1, { note: huge })])
      yield* write("Product", "eu_huge", 2, [listed(2)])
      yield* write("Product", "eu_tagless", 1, [{ nothing: 1 }])
      yield* write("Product", "eu_unknown", 1, [{ _tag: "ProductPainted" }])
      yield* write("Product", "eu_nolist", 1, { _tag: "ProductListed" })
      yield* write("Product", "eu_null", 1, null)
      yield* write("Product", "eu_dear", 1, [listed(1, { price: { amount: 1e30, currency: "EUR", taxRate: 0 } })])
      yield* write("Order", "eu_late", 1, [{ _tag: "StockHeld", at: 1e300 }], {})
      yield* write("Sku", "eu_sku", 1, [{ _tag: "Received" }], { v: "one" })
      yield* write("Ghost", "eu_ghost", 1, [{ _tag: "Haunted" }])
      yield* write("Ghost", "eu_a b", 1, [{ _tag: "Haunted" }])
      for (let seq = 4; seq <= 5; seq++) yield* write("Product", "eu_good", seq, [listed(seq)])
      // What a stream holds that nobody of ours wrote.
      const nats = yield* Nats
      for (const body of ["{", "null", "[]", '{"id":"eu_good","seq":9}'])
        nats.publish(Subject.eventMessage("eu", ["Product"]), body)
      yield* sweep

      yield* following(
        Effect.gen(function* () {
          yield* until(view, (rows) => JSON.stringify(rows).includes('["eu_good",5],["eu_huge",2]'))
          yield* until(letters, (all) => all.length >= 7)
        })
      )
      const found = yield* letters
      const set = (consumer: string) =>
        found
          .filter((one) => one.consumer === consumer)
          .map(({ entity_id, seq }) => `${entity_id} ${seq}`)
          .toSorted()
      assert.deepStrictEqual(set("outbox"), ["eu_a b 1"])
      const lost = ["eu_dear 1", "eu_nolist 1", "eu_null 1", "eu_tagless 1", "eu_unknown 1"]
      assert.deepStrictEqual(set("view_product"), lost)
      assert.deepStrictEqual(set("view_order"), ["eu_late 1"])
      assert.include(found.find(({ entity_id }) => entity_id === "eu_dear")!.cause, "22003")
      assert.isTrue(found.every((one) => one.shard === shard && one.cause !== "" && one.cause.length <= 300))

      const alarms = (yield* Alarms.alarms({}, ["eu"])).filter(({ code }) => code === "event_parked")
      assert.deepStrictEqual(
        alarms.map(({ subject }) => subject).toSorted(),
        ["outbox", "view_order", "view_product", "view_stock"].filter((name) => set(name).length > 0)
      )
      yield* write("Cart", "eu_parked", 1, [{ _tag: "Painted" }])
      yield* sql`INSERT INTO timer (entity_type, entity_id, shard, due_at)
        VALUES ('Cart', 'eu_parked', ${shard}, now() - interval '1 hour')`
      yield* sql`INSERT INTO parked_entity (entity_type, entity_id, shard, cause, tries, runner)
        VALUES ('Cart', 'eu_parked', ${shard}, 'it cannot be read', 5, 'eu-0')`
      yield* sweep
      const late = yield* Progress.late(sql, Date.now(), [shard])
      assert.deepStrictEqual(late, [], "a runner is not late with what is set aside")

      const report = yield* Invariants.check({ running: false })
      const named = new Set(report.found.map(({ entityId, invariant }) => `${invariant} ${entityId}`))
      for (const id of ["eu_tagless", "eu_unknown", "eu_nolist", "eu_null", "eu_late", "eu_sku"]) {
        assert.include([...named], `I0 ${id}`)
      }
      assert.isTrue(report.found.some(({ detail }) => detail.includes("does not know")))
      assert.isFalse(named.has("I0 eu_good"))

      // What the program can do with again: a row that a later version understands, or that was mended.
      yield* sql`UPDATE journal SET events = ${JSON.stringify([listed(1)])}::text::jsonb WHERE entity_id = 'eu_dear' AND seq = 1`
      const letter = found.find(({ entity_id }) => entity_id === "eu_dear")!
      assert.isTrue(yield* ParkedEvents.retry(sql, letter))
      yield* following(
        Effect.gen(function* () {
          yield* sweep
          yield* until(view, (rows) => JSON.stringify(rows).includes('["eu_dear",1]'))
        })
      )
      assert.isFalse((yield* letters).some(({ entity_id }) => entity_id === "eu_dear"))
    })
  )

  it.effect("is shown to operators as far as it can be read, and hides nothing else from them", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* write("Product", "eu_half", 1, [listed(1)])
      yield* write("Product", "eu_half", 2, [{ _tag: "ProductPainted" }])
      yield* write("Product", "eu_half", 3, [listed(3)])
      yield* write("Product", "eu_later", 2_000_000_000, [listed(1)])
      yield* write("Product", "eu_mixed", 1, [7, null, [[]], { _tag: 5 }, listed(1)], "no meta")
      const deep = "[".repeat(2_000) + "]".repeat(2_000)
      yield* sql`INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
        VALUES ('Product', 'eu_deep', 1, 'c', ${deep}::text::jsonb, 'null', 5, 1, now())`
      yield* write("Order", "eu_stuck", 1, [{ _tag: "Painted" }])
      yield* sql`INSERT INTO timer (entity_type, entity_id, shard, due_at) VALUES ('Order', 'eu_stuck', ${shard}, now())`

      const half = { type: "Product", id: "eu_half" }
      const unreadable = yield* Effect.flip(Histories.stateOf(half, "now"))
      assert.deepInclude(unreadable, { _tag: "HistoryUnreadable", name: "Product/eu_half", seq: 2 })
      assert.deepInclude((yield* Histories.readableStateOf(half, "now")).now.view, { title: "Tea 1" })
      const later = yield* Histories.stateOf({ type: "Product", id: "eu_later" }, "now")
      assert.deepInclude(later.now.view, { title: "Tea 1" })
      assert.deepStrictEqual(yield* tags("eu_mixed"), ["Unknown", "Unknown", "Unknown", "Unknown", "ProductListed"])
      assert.deepStrictEqual(yield* tags("eu_null"), ["Unknown"])
      assert.deepStrictEqual(yield* Histories.refsOf("Ghost/eu_ghost"), [{ type: "Ghost", id: "eu_ghost" }])
      assert.deepInclude(yield* Effect.flip(Histories.refsOf("Ghost/eu_none")), { _tag: "BadRef" })

      const found = yield* search("eu", "Product", () => true, 100)
      const names = found.map(({ id }) => id)
      assert.includeMembers(names, ["eu_good", "eu_half", "eu_later"])
      assert.notInclude(names, "eu_null")
      const stuck = (yield* unfinished(10, ["eu"])).find(({ id }) => id === "eu_stuck")
      assert.deepInclude(stuck, { pendingStep: "what its history does not tell", isPatient: false })
      yield* makeMaskedViews
      const masked = yield* sql<{ count: number }>`
        SELECT count(*)::int AS count FROM masked.journal_all WHERE octet_length(events::text) > 0`
      assert.isAbove(masked[0]!.count, 10)
    })
  )

  it.effect("a history of large rows is read a few at a time, whole and in order", () =>
    Effect.gen(function* () {
      const store = yield* JournalStore
      const note = "y".repeat(3 * 1024 ** 2)
      const rows = 12
      for (let seq = 1; seq <= rows; seq++) yield* write("Product", "eu_long", seq, [listed(seq, { note })])
      const [long, none] = yield* Effect.all([store.load("Product", "eu_long"), store.load("Product", "eu_none")], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual([none.tail, none.more], [[], false])
      assert.isTrue(long.more)
      assert.isBelow(long.tail.length, rows)
      const seqs = long.tail.map(({ seq }) => seq)
      let pages = 0
      for (;;) {
        const page = yield* store.history("Product", "eu_long", seqs.at(-1)!)
        if (page.length === 0) break
        assert.isAtMost(page.length, 4)
        seqs.push(...page.map(({ seq }) => seq))
        pages += 1
      }
      assert.isAbove(pages, 1)
      assert.deepStrictEqual(
        seqs,
        Array.from({ length: rows }, (_, index) => index + 1)
      )
      yield* (yield* SqlClient.SqlClient)`DELETE FROM product_view`
      yield* (yield* Projection.make(ProductTable)).rebuild
      assert.deepInclude(yield* view, ["eu_long", rows])
    })
  )
})
