import * as EntityClient from "@halles/engine/activation/EntityClient"
import { assert, layer } from "@effect/vitest"
import { CommandId } from "@halles/shared/Ids"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { Customer, MovePoints, Register } from "../src/customer/Customer.ts"
import { customer as customerDomain } from "../src/customer/CustomerDomain.ts"
import * as Invariants from "../src/laws/Invariants.ts"
import { layerRegion } from "../src/Migrations.ts"
import { retention } from "../src/Domains.ts"
import * as Retention from "@halles/engine/journal/Retention"
import * as TestCluster from "@halles/engine/testing/TestCluster"

const Test = customerDomain.live.pipe(
  Layer.provideMerge(TestCluster.layer()),
  Layer.provide(layerRegion),
  Layer.provideMerge(PgTest.layer("retention"))
)

const customers = [{ entityType: "Customer", archiveAfterDays: 30, dropAfterDays: null, reason: "for this test" }]
const commandId = (id: string) => CommandId.make(id)
const move = (id: string, points: number) => new MovePoints({ commandId: commandId(id), points, reference: "test" })

/** A customer with so many movements of one point, all published. */
const customer = Effect.fnUntraced(function* (id: string, movements: number) {
  const sql = yield* SqlClient.SqlClient
  const one = (yield* EntityClient.make(Customer))(id)
  yield* one.Register(new Register({ commandId: commandId("r"), name: "Ada" }))
  yield* Effect.forEach(Array.from({ length: movements }).keys(), (index) => one.MovePoints(move(`m${index}`, 1)), {
    concurrency: 64,
    discard: true
  })
  yield* sql`DELETE FROM outbox_batch`
  return one
})
/** As if it had all happened so long ago, a day between two rows of each hundred. */
const age = Effect.fnUntraced(function* (id: string, days: number) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    UPDATE journal SET at = now() - make_interval(days => ${days}) - make_interval(days => greatest(0, 100 - seq))
    WHERE entity_id = ${id}`
})
const crash = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`SELECT shard_epoch_raise(array_agg(shard), 'crash') FROM shard_epoch`
)
const seqs = Effect.fnUntraced(function* (id: string) {
  const sql = yield* SqlClient.SqlClient
  const of = (table: string) =>
    Effect.map(
      sql<{ seq: number }>`SELECT seq FROM ${sql.literal(table)} WHERE entity_id = ${id} ORDER BY seq`,
      (rows) => rows.map(({ seq }) => seq)
    )
  return { journal: yield* of("journal"), archive: yield* of("events_archive"), all: yield* of("journal_all") }
})
const upTo = (seq: number) => Array.from({ length: seq }, (_, index) => index + 1)

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("Retention", (it) => {
  it.effect("moves an idle history, which answers and goes on as before", () =>
    Effect.gen(function* () {
      const ada = yield* customer("eu_ada", 120)
      yield* age("eu_ada", 60)
      const before = yield* ada.View()
      const moved = yield* Retention.sweep(customers)
      assert.deepStrictEqual(moved, [{ what: "archived Customer", entities: 1, rows: 121 }])
      assert.deepStrictEqual(yield* seqs("eu_ada"), { journal: [], archive: upTo(121), all: upTo(121) })
      const sql = yield* SqlClient.SqlClient
      const partitions = yield* sql`SELECT DISTINCT tableoid::regclass::text AS name FROM events_archive`
      assert.isAbove(partitions.length, 2)

      yield* crash
      assert.deepStrictEqual(yield* ada.MovePoints(move("m3", 1)), before)
      assert.deepStrictEqual(yield* ada.View(), before)
      assert.deepInclude(yield* ada.MovePoints(move("later", 5)), { points: 125, seq: 122 })
      assert.deepStrictEqual(yield* seqs("eu_ada"), { journal: [122], archive: upTo(121), all: upTo(122) })

      // What was added later follows when it is old.
      yield* crash
      assert.deepInclude(yield* ada.View(), { points: 125, seq: 122 })
      yield* sql`DELETE FROM outbox_batch`
      yield* age("eu_ada", 45)
      yield* Retention.sweep(customers)
      assert.deepStrictEqual(yield* seqs("eu_ada"), { journal: [], archive: upTo(122), all: upTo(122) })
      assert.deepInclude(yield* ada.MovePoints(move("later", 5)), { points: 125, seq: 122 })
    })
  )

  it.effect("rebuilds a history from the archive when there is no snapshot", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const bob = yield* customer("eu_bob", 30)
      yield* age("eu_bob", 60)
      const before = yield* bob.View()
      yield* Retention.sweep(customers)
      yield* sql`DELETE FROM snapshot WHERE entity_id = 'eu_bob'`
      yield* crash
      assert.deepInclude(yield* bob.MovePoints(move("x", 1)), { points: before.points + 1, seq: before.seq + 1 })
      assert.deepStrictEqual((yield* seqs("eu_bob")).all, upTo(32))
    })
  )

  it.effect("answers a repeat that is archived and older than the entity remembers, and writes nothing", () =>
    Effect.gen(function* () {
      const cy = yield* customer("eu_cy", 400)
      yield* age("eu_cy", 60)
      yield* Retention.sweep(customers)
      assert.strictEqual((yield* seqs("eu_cy")).archive.length, 401)
      yield* crash
      assert.deepInclude(yield* cy.MovePoints(move("m0", 1)), { points: 400, seq: 401 })
      assert.deepInclude(yield* cy.MovePoints(move("new", 1)), { points: 401, seq: 402 })
      assert.deepStrictEqual((yield* seqs("eu_cy")).all, upTo(402))
    })
  )

  it.effect("leaves what is recent, has a timer, or is not published", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const ids = ["eu_recent", "eu_timer", "eu_owed"]
      yield* Effect.forEach(ids, (id) => customer(id, 3))
      yield* age("eu_timer", 60)
      yield* age("eu_owed", 60)
      yield* sql`UPDATE journal SET at = now() - interval '60 days' WHERE entity_id = 'eu_recent' AND seq < 4`
      yield* sql`
        INSERT INTO timer (entity_type, entity_id, shard, due_at)
        VALUES ('Customer', 'eu_timer', 1, now() + interval '1 day')`
      yield* sql`
        INSERT INTO outbox_batch (runner, first_position, last_position)
        SELECT 'dead', position, position FROM journal WHERE entity_id = 'eu_owed' AND seq = 2`
      yield* Retention.sweep(customers)
      for (const id of ids) assert.deepStrictEqual((yield* seqs(id)).journal, upTo(4), id)

      yield* sql`DELETE FROM outbox_batch`
      yield* sql`DELETE FROM timer`
      yield* Retention.sweep(customers)
      for (const id of ids.slice(1)) assert.deepStrictEqual((yield* seqs(id)).archive, upTo(4), id)
    })
  )

  it.effect("the invariants hold over both tables", () =>
    Effect.gen(function* () {
      const { found, rows, violations } = yield* Invariants.check({ running: true })
      assert.deepStrictEqual([violations, found], [0, []])
      const sql = yield* SqlClient.SqlClient
      const [counted] = yield* sql<{ n: bigint }>`
        SELECT (SELECT count(*) FROM journal) + (SELECT count(*) FROM events_archive) AS n`
      assert.strictEqual(rows, Number(counted!.n))
    })
  )

  it.effect("never archives SKUs", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* Effect.flip(sql`SELECT * FROM journal_archive(ARRAY['Sku'], now(), 1)`)
    })
  )

  it.effect("drops old alarms, and whole histories of carts that nothing else tells of", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const row = (type: string, id: string, seq: number, tag: string, days: number) => sql`
        INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
        VALUES (${type}, ${id}, ${seq}, ${`c${seq}`}, jsonb_build_array(jsonb_build_object('_tag', ${tag}::text)), '{"v":1}', 1, 1,
          now() - make_interval(days => ${days}))`
      for (const id of ["eu_gone", "eu_bought", "eu_merged", "eu_young"]) {
        yield* row("Cart", id, 1, "CartOpened", 200)
        yield* row("Cart", id, 2, id === "eu_merged" ? "HandedOver" : "CartExpired", id === "eu_young" ? 50 : 170)
      }
      yield* row("Order", "eu_bought", 1, "Placed", 170)
      yield* sql`INSERT INTO alarm (kind, detail, at) VALUES ('old', '{}', now() - interval '91 days'), ('new', '{}', now())`
      assert.deepStrictEqual(yield* Retention.sweep(retention), [
        { what: "archived Cart", entities: 4, rows: 8 },
        { what: "dropped Cart", entities: 1, rows: 2 },
        { what: "dropped alarms", entities: 0, rows: 1 }
      ])
      assert.deepStrictEqual((yield* seqs("eu_gone")).all, [])
      for (const id of ["eu_merged", "eu_young"]) assert.deepStrictEqual((yield* seqs(id)).archive, [1, 2], id)

      assert.deepStrictEqual((yield* seqs("eu_bought")).all, [1, 1, 2])

      // After ten years the order goes, and its cart with it.
      yield* row("Cart", "eu_ancient", 1, "CartOpened", 4_000)
      yield* row("Order", "eu_ancient", 1, "Placed", 4_000)
      assert.deepStrictEqual(yield* Retention.sweep(retention), [
        { what: "archived Cart", entities: 1, rows: 1 },
        { what: "archived Order", entities: 1, rows: 1 },
        { what: "dropped Order", entities: 1, rows: 2 }
      ])
      assert.deepStrictEqual((yield* seqs("eu_bought")).all, [1, 1, 2])

      // Of a cart with several orders all go together, once the last of them is old.
      const attempt = (id: string, number: number, days: number) => sql`
        INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
        VALUES ('Order', ${id}, 1, 'c1', ${JSON.stringify([{ _tag: "Placed", draft: { attempt: number } }])}::text::jsonb,
          '{"v":1}', 1, 1, now() - make_interval(days => ${days}))`
      for (const [cart, last] of [["eu_again", 3_700] as const, ["eu_still", 3_600] as const]) {
        yield* row("Cart", cart, 1, "CartOpened", 4_000)
        yield* attempt(cart, 1, 4_000)
        yield* attempt(`${cart}-2`, 2, 4_000)
        yield* row("Payment", `${cart}-2`, 1, "AuthoriseRequested", 4_000)
        yield* attempt(`${cart}-3`, 3, last)
      }
      // Payments move after orders are looked at, so these go with the sweep after.
      const swept = [...(yield* Retention.sweep(retention)), ...(yield* Retention.sweep(retention))]
      const dropped = swept.find(({ what }) => what === "dropped Order")
      assert.deepStrictEqual(dropped, { what: "dropped Order", entities: 3, rows: 5 })
      for (const id of ["eu_again", "eu_again-2", "eu_again-3"]) assert.deepStrictEqual((yield* seqs(id)).all, [], id)
      assert.deepStrictEqual((yield* seqs("eu_still")).all, [1, 1])
      assert.deepStrictEqual((yield* seqs("eu_still-2")).all, [1, 1])
    })
  )
})
