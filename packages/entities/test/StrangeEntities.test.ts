import { assert, layer } from "@effect/vitest"
import * as EntityClient from "@halles/engine/activation/EntityClient"
import * as Shard from "@halles/shared/Shard"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Exit, Fiber, Layer, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import * as Alarms from "../src/inspector/Alarms.ts"
import * as Domains from "../src/Domains.ts"
import { JournalStore } from "@halles/engine/journal/JournalStore"
import { migrateControl, migrateRegion } from "../src/Migrations.ts"
import { Product } from "../src/catalogue/Product.ts"
import { product as productDomain } from "../src/catalogue/ProductDomain.ts"
import { sku as skuDomain } from "../src/inventory/SkuDomain.ts"
import { RegionDatabases } from "../src/routes/Reads.ts"
import * as TestCluster from "@halles/engine/testing/TestCluster"
import * as Timers from "@halles/engine/eventsourced/Timers"

const Test = Layer.mergeAll(productDomain.live, skuDomain.live, RegionDatabases.layerOne).pipe(
  Layer.provideMerge(TestCluster.layer()),
  // One after the other: they change the same tables of the catalogue.
  Layer.provideMerge(Layer.effectDiscard(Effect.andThen(migrateRegion, migrateControl))),
  Layer.provideMerge(PgTest.layer("strange_entities"))
)

const listed = (seq: number, more: object = {}) => ({
  _tag: "ProductListed",
  sku: "TEA",
  title: `Tea ${seq}`,
  description: "",
  price: { amount: 100, currency: "EUR", taxRate: 0 },
  at: seq,
  ...more
})
const write = (id: string, seq: number, events: unknown, meta: unknown = { v: 1 }) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`
      INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
      VALUES ('Product', ${id}, ${seq}, ${`c${seq}`}, ${JSON.stringify(events)}::text::jsonb,
        ${JSON.stringify(meta)}::text::jsonb, ${Shard.shardOf(id)}, 1, now())`
  )
const snapshot = (id: string, state: string, options: { seq?: number; version?: number; commands?: string } = {}) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`
      INSERT INTO snapshot (entity_type, entity_id, seq, version, state, commands)
      VALUES ('Product', ${id}, ${options.seq ?? 2}, ${options.version ?? 1}, ${sql.literal(state)},
        ${options.commands ?? "{}"}::text::text[])`
  )
const timer = (type: string, id: string, shard: number) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`
      INSERT INTO timer (entity_type, entity_id, shard, due_at)
      VALUES (${type}, ${id}, ${shard}, now() - interval '1 hour')`
  )
const parked = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(
    sql<{ name: string; cause: string }>`SELECT entity_type || '/' || entity_id AS name, cause FROM parked_entity`,
    (rows) => new Map(rows.map(({ cause, name }) => [name, cause]))
  )
)
const until = <A, E, R>(effect: Effect.Effect<A, E, R>, holds: (value: A) => boolean) =>
  Effect.repeat(effect, { until: holds, schedule: Schedule.spaced("50 millis") }).pipe(Effect.timeout("30 seconds"))

layer(Test, { excludeTestServices: true, timeout: "120 seconds" })(
  "entities of a journal with anything in it",
  (it) => {
    it.effect("are rebuilt from their histories when a snapshot cannot be used, whatever is in it", () =>
      Effect.gen(function* () {
        const products = yield* EntityClient.make(Product)
        const states: Readonly<Record<string, string>> = {
          garbage: `'{"garbage": true}'`,
          list: `'[]'`,
          nothing: `'null'`,
          word: `'"listed"'`,
          // Within what the table takes, beyond what a runner reads.
          huge: `to_jsonb(repeat('s', 17 * 1024 * 1024))`
        }
        for (const [id, state] of Object.entries(states)) {
          for (let seq = 1; seq <= 3; seq++) yield* write(`eu_${id}`, seq, [listed(seq)])
          yield* snapshot(`eu_${id}`, state)
        }
        for (let seq = 1; seq <= 3; seq++) yield* write("eu_commands", seq, [listed(seq)])
        yield* snapshot("eu_commands", `'{}'`, { commands: "{NULL,c1}" })
        for (const id of [...Object.keys(states), "commands"]) {
          const seen = yield* Effect.timeout(products(`eu_${id}`).View(), "20 seconds")
          assert.deepInclude(seen, { title: "Tea 3", seq: 3, listed: true }, id)
        }
        assert.strictEqual((yield* parked).size, 0)
      })
    )

    it.effect("that cannot be rebuilt are parked, alarm, and hold up no other one", () =>
      Effect.gen(function* () {
        const products = yield* EntityClient.make(Product)
        const rows: Readonly<Record<string, readonly [unknown, unknown]>> = {
          eu_version: [[listed(1)], { v: "one" }],
          eu_later: [[listed(1)], { v: 1e30 }],
          eu_versionless: [[{ _tag: "Painted" }], []],
          eu_tag: [[{ _tag: "toString" }], { v: 1 }],
          eu_shape: [[{ _tag: "ProductListed" }], { v: 1 }],
          eu_null: [null, { v: 1 }],
          eu_object: [{ _tag: "ProductListed" }, { v: 1 }],
          eu_number: [7, { v: 1 }]
        }
        for (const [id, [events, meta]] of Object.entries(rows)) yield* write(id, 1, events, meta)
        for (let n = 0; n < 20; n++) yield* write(`eu_good${n}`, 1, [listed(1)])
        const calls = yield* Effect.forkChild(
          Effect.forEach(Object.keys(rows), (id) => Effect.exit(products(id).View()), { concurrency: "unbounded" })
        )
        const good = Array.from({ length: 20 }, (_, n) => products(`eu_good${n}`).View())
        const seen = yield* Effect.timeout(Effect.all(good, { concurrency: "unbounded" }), "20 seconds")
        assert.isTrue(seen.every(({ title }) => title === "Tea 1"))

        // Of a version that nobody knows the events may be read all the same.
        const readable = new Set(["eu_version", "eu_later"])
        const bad = Object.keys(rows).filter((id) => !readable.has(id))
        const found = yield* until(parked, (all) => bad.every((id) => all.has(`Product/${id}`)))
        assert.deepStrictEqual([...found.keys()].toSorted(), bad.map((id) => `Product/${id}`).toSorted())
        const exits = yield* Effect.timeout(Fiber.join(calls), "20 seconds")
        assert.strictEqual(exits.filter(Exit.isSuccess).length, readable.size)
        const alarms = (yield* Alarms.alarms({}, ["eu"])).filter(({ code }) => code === "entity_parked")
        assert.deepStrictEqual(
          alarms.map(({ command }) => command).toSorted(),
          bad.map((id) => `halles events Product/${id}`).toSorted()
        )
      })
    )

    it.effect("fire though there are many timers before theirs of entities that nobody can reach", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        for (let n = 0; n < 300; n++) yield* timer("Ghost", `eu_ghost${n}`, 1 + (n % 64))
        yield* timer("constructor", "eu_c", 3)
        yield* timer("ProductType", "eu_timeless", 4)
        yield* timer("Sku", "am_elsewhere", 4)
        yield* timer("Sku", "nowhere", 4)
        yield* sql`
        INSERT INTO timer (entity_type, entity_id, shard, due_at)
        VALUES ('Sku', 'eu_behind', ${Shard.shardOf("eu_behind")}, now() - interval '1 second')`
        const fire = yield* Domains.makeTimers("eu")
        yield* Effect.forkChild(Timers.run(fire))
        const left = sql<{ name: string }>`
        SELECT entity_type || '/' || entity_id AS name FROM timer t
        WHERE NOT EXISTS (SELECT FROM parked_entity p WHERE p.entity_type = t.entity_type AND p.entity_id = t.entity_id)`
        yield* until(left, (rows) => rows.length === 0)
        const found = yield* parked
        assert.match(found.get("Ghost/eu_ghost7")!, /knows no such type/)
        assert.match(found.get("constructor/eu_c")!, /knows no such type/)
        assert.match(found.get("ProductType/eu_timeless")!, /none with timers/)
        assert.match(found.get("Sku/am_elsewhere")!, /none of eu/)
        assert.match(found.get("Sku/nowhere")!, /none of eu/)
        assert.isFalse(found.has("Sku/eu_behind"))
        const codes = new Set((yield* Alarms.alarms({}, ["eu"])).map(({ code }) => code))
        assert.isFalse(codes.has("timer_overdue"), "the alarm of parked entities says it")
        assert.isTrue(codes.has("entity_parked"))
      })
    )

    it.effect("fire in turns: what stays due for whatever reason holds up nothing behind it", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`DELETE FROM timer`
        for (let n = 0; n < 500; n++) yield* timer("Product", `eu_deaf${n}`, 1 + (n % 64))
        yield* sql`
        INSERT INTO timer (entity_type, entity_id, shard, due_at) VALUES ('Product', 'eu_last', 1, now())`
        const woken = new Set<string>()
        const deaf: Timers.TriggerTimer = (_, id) =>
          Effect.andThen(
            Effect.sync(() => woken.add(id)),
            Effect.fail("deaf")
          )
        yield* Effect.forkChild(Timers.run(deaf))
        yield* until(
          Effect.sync(() => woken.size),
          (size) => size === 501
        )
        assert.isTrue(woken.has("eu_last"))
      })
    )

    it.effect("are loaded together as far as their bytes go, and all of them in the end", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const store = yield* JournalStore
        const ids = Array.from({ length: 30 }, (_, n) => `eu_wide${n}`)
        for (const id of ids) {
          yield* write(id, 1, [listed(1)])
          yield* snapshot(id, `jsonb_build_object('note', repeat('w', 4000000))`, { seq: 1 })
          yield* write(id, 2, [listed(2, { note: "x".repeat(600_000) })])
        }
        const [row] = yield* sql<{ count: number }>`
        SELECT count(*)::int AS count
        FROM journal_load(array_fill('Product'::text, ARRAY[30]), ${ids}::text[], 1000, 1048576, 16777216, 33554432)`
        assert.isAtMost(row!.count, 8)
        assert.isAtLeast(row!.count, 6)
        const all = yield* Effect.forEach(ids, (id) => store.load("Product", id), { concurrency: "unbounded" })
        assert.isTrue(all.every(({ snapshot, tail }) => snapshot?.seq === 1 && tail.length === 1 && tail[0]!.seq === 2))
      })
    )
  }
)
