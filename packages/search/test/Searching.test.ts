import { assert, layer } from "@effect/vitest"
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import * as RegionTables from "@halles/engine/RegionTables"
import * as Projection from "@halles/engine/projections/Projection"
import * as ProjectionTables from "@halles/engine/projections/ProjectionTables"
import { ProductTable } from "@halles/entities/catalogue/ProductTable"
import { CategoryTable } from "@halles/entities/category/CategoryTable"
import { CategoryTreeTable } from "@halles/entities/category/CategoryTreeTable"
import { StockTable } from "@halles/entities/inventory/StockTable"
import { OrderTable } from "@halles/entities/order/OrderTable"
import { ProductModelTable } from "@halles/entities/productmodel/ProductModelTable"
import { ProductTypeTable } from "@halles/entities/producttype/ProductTypeTable"
import * as SearchCounts from "@halles/entities/searchrule/SearchCounts"
import { SearchRuleTable } from "@halles/entities/searchrule/SearchRuleTable"
import { UnitCostTable } from "@halles/entities/unitcost/UnitCostTable"
import { SkuCode } from "@halles/shared/Ids"
import { Nats } from "@halles/shared/clients/Nats"
import * as Subject from "@halles/shared/Subject"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { PgTest } from "@halles/shared/testing/PgTest"
import { SearchClient } from "@halles/search/contract/SearchClient"
import { Click, Recommend, Search, Suggest } from "@halles/search/contract/SearchMessages"
import * as Answering from "@halles/search/process/Answering"
import { Counting } from "@halles/search/process/Counting"
import { Following } from "@halles/search/process/Following"
import { Recommending } from "@halles/search/process/Recommending"
import { Clock, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { copyFileSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "halles-search-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const followed = [
  CategoryTable,
  CategoryTreeTable,
  ProductModelTable,
  ProductTypeTable,
  SearchRuleTable,
  UnitCostTable
] as const
const Tables = Layer.effectDiscard(
  Effect.andThen(
    Effect.andThen(RegionTables.create(["Sku"]), SearchCounts.create),
    ProjectionTables.ensure([ProductTable, OrderTable, ...followed, StockTable])
  )
)
const Servers = SearchClient.layer.pipe(
  Layer.provideMerge(NatsTest.layerConnection("search")),
  Layer.provideMerge(NatsTest.layer),
  Layer.provideMerge(Layer.provideMerge(Tables, PgTest.layer("search"))),
  Layer.orDie
)

const listed = (id: string, title: string, seq: number) => ({
  type: "Product",
  id: `eu_${id}`,
  seq,
  at: 1_000,
  events: [
    {
      _tag: "ProductListed",
      sku: id,
      title,
      description: "",
      price: { amount: 500, currency: "GBP", taxRate: 2000 },
      at: 1
    }
  ]
})

const stream = Effect.gen(function* () {
  const nats = yield* Nats
  yield* Effect.promise(async () => {
    const name = Subject.eventStream("eu")
    const manager = await jetstreamManager(nats)
    await manager.streams.delete(name).catch(() => false)
    await manager.streams.add({ name, subjects: [Subject.events("eu")] })
  })
})
const publish = Effect.fnUntraced(function* (...entries: ReadonlyArray<{ readonly type: string }>) {
  const client = jetstream(yield* Nats)
  for (const one of entries)
    yield* Effect.promise(() => client.publish(Subject.eventMessage("eu", [one.type]), JSON.stringify(one)))
})
/** The row as the projection would have it. */
const written = Effect.fnUntraced(function* (id: string, title: string, seq: number) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    INSERT INTO product_view (id, seq, sku, title, description, price_amount, currency, tax_rate, listed, details, draft, translations)
    VALUES (${`eu_${id}`}, ${seq}, ${id}, ${title}, '', 500, 'GBP', 2000, true, '{}', false, '[]')
    ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, title = excluded.title`
})

const told = (type: string, id: string, seq: number, ...events: ReadonlyArray<object>) => ({
  type,
  id: `eu_${id}`,
  seq,
  at: 1_000,
  events
})
const pinned = (seq: number, ...skus: ReadonlyArray<string>) => {
  const effect = { kind: "pins", queries: ["tea"], skus, badge: "pick" }
  return {
    type: "SearchRule",
    id: "eu_teas",
    seq,
    at: 1_000,
    events: [{ _tag: "SearchRulePut", title: "Teas", effect, at: 1 }]
  }
}
const stocked = Effect.fnUntraced(function* (id: string, available: number) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    INSERT INTO stock_view (id, seq, on_hand, held, reserved, available, shipped, back_ordered, back_order_allowed, warehouses, waiting, updated_at)
    VALUES (${`eu_${id}`}, 1, ${available}, 0, 0, ${available}, 0, 0, false, '[]', '{}', now())
    ON CONFLICT (id) DO UPDATE SET available = excluded.available, updated_at = now()`
})

/** An order as journal and projection have it. */
const ordered = Effect.fnUntraced(function* (id: string, ...skus: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  const lines = skus.map((sku) => ({ sku, quantity: 1 }))
  const draft = { customerId: null, currency: "GBP", totals: { total: 5 }, lines }
  const events = [{ _tag: "Placed", at: 1_000, draft }]
  yield* sql`
    INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
    VALUES ('Order', ${id}, 1, ${id}, ${JSON.stringify(events)}::text::jsonb, '{}', 0, 1, now())`
  yield* (yield* Projection.make(OrderTable)).apply([{ id, seq: 1, at: 1_000, events }])
})

const ask = Effect.fnUntraced(function* (text: string, facets: ReadonlyArray<string> = []) {
  const { search } = yield* SearchClient
  const common = { filters: [], priceFrom: null, priceTo: null, facets, offset: 0, limit: 10 }
  return yield* search(new Search({ region: "eu", text, language: "en", sort: "relevance", ...common }))
})
const titles = (text: string) => Effect.map(ask(text), ({ hits }) => hits.map(({ product }) => product.title))
const until = (text: string, wanted: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    while (JSON.stringify(yield* titles(text)) !== JSON.stringify(wanted)) yield* Effect.sleep("20 millis")
  }).pipe(Effect.timeout("30 seconds"))

/** Runs a process on that snapshot for as long as the body lasts. */
const searching = <A, E, R>(file: string, body: Effect.Effect<A, E, R>) =>
  Effect.provide(
    body,
    Answering.layer("eu").pipe(
      Layer.provide([Recommending.layer, Counting.layer]),
      Layer.provide(Following.layer({ region: "eu", file }))
    ),
    {
      local: true
    }
  )

const reported = Effect.fnUntraced(function* (which: SearchCounts.Report) {
  const today = new Date(yield* Clock.currentTimeMillis).toISOString().slice(0, 10)
  return (yield* SearchCounts.report(which, { today, days: 7, limit: 10 }).run).items
})

const recommended = Effect.fnUntraced(function* (kind: Recommend["kind"], ...skus: ReadonlyArray<string>) {
  const { recommend } = yield* SearchClient
  const of = skus.map((sku) => SkuCode.make(sku))
  const { items } = yield* recommend(
    new Recommend({ region: "eu", kind, skus: of, language: "en", category: null, limit: 5 })
  )
  return items.map(({ because, orders, product }): ReadonlyArray<unknown> => [product.sku, because, orders])
})
const untilRecommended = Effect.gen(function* () {
  while ((yield* recommended("popular")).length === 0) yield* Effect.sleep("20 millis")
}).pipe(Effect.timeout("30 seconds"))

layer(Servers, { excludeTestServices: true, timeout: "60 seconds" })("a process that searches", (it) => {
  it.effect("begins with the table, follows the stream, and goes on from its snapshot", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const file = join(yield* folder, "eu.sqlite")
        assert.strictEqual((yield* Effect.flip(ask("tea"))).reason, "nobody_searches")
        yield* stream
        yield* written("A", "Black tea", 1)
        yield* searching(
          file,
          Effect.gen(function* () {
            assert.deepStrictEqual(yield* titles("tea"), ["Black tea"])
            yield* publish(listed("A", "Black tea", 1), listed("B", "Green tea", 1), listed("A", "White tea", 2))
            yield* until("tea", ["Green tea", "White tea"])
            const { asOf, products } = yield* ask("tea")
            assert.strictEqual(products, 2)
            assert.isTrue(asOf > 0)
            // Two of its messages never came: only the table knows.
            yield* written("B", "Oolong", 4)
            yield* publish(listed("B", "Oolong", 4))
            yield* until("oolong", ["Oolong"])
            // A product off sale is found no more.
            yield* publish({ ...listed("A", "", 3), events: [{ _tag: "ProductUnlisted", at: 1 }] } as {
              readonly type: string
            })
            yield* until("tea", [])
            const { suggest } = yield* SearchClient
            const suggested = yield* suggest(new Suggest({ region: "eu", text: "ool", language: "en" }))
            assert.deepStrictEqual(
              suggested.products.map(({ sku }) => sku),
              ["B"]
            )
          })
        )
        const sql = yield* SqlClient.SqlClient
        yield* sql`DELETE FROM product_view`
        yield* publish(listed("C", "Mate", 1))
        yield* searching(file, Effect.andThen(until("oolong", ["Oolong"]), until("mate", ["Mate"])))
        // A stream that was made anew knows nothing of what was: the table does.
        yield* written("D", "Rooibos", 1)
        yield* stream
        yield* searching(file, Effect.andThen(until("rooibos", ["Rooibos"]), publish(listed("E", "Cocoa", 1))))
      })
    )
  )

  it.effect("follows the rules of merchants, and loses none when it is killed before it has saved them", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const path = yield* folder
        const file = join(path, "eu.sqlite")
        yield* stream
        yield* sql`DELETE FROM product_view`
        for (const id of ["A", "B", "C"]) yield* written(id, `Tea ${id}`, 1)
        yield* searching(file, until("tea", ["Tea A", "Tea B", "Tea C"]))
        // What is on the disk of a process that was killed: all that it learns now is not there.
        const killed = join(path, "killed.sqlite")
        copyFileSync(file, killed)
        yield* searching(
          file,
          Effect.gen(function* () {
            yield* publish(pinned(1, "C"))
            yield* until("tea", ["Tea C", "Tea A", "Tea B"])
            const { hits } = yield* ask("tea")
            assert.deepStrictEqual(
              hits.map(({ badge, isPinned }) => [isPinned, badge]),
              [
                [true, "pick"],
                [false, null],
                [false, null]
              ]
            )
            yield* publish(pinned(2, "B"))
            yield* until("tea", ["Tea B", "Tea A", "Tea C"])
          })
        )
        for (const one of [killed, file]) yield* searching(one, until("tea", ["Tea B", "Tea A", "Tea C"]))
        // A rule that is pinned to what goes off sale shows nothing of it.
        yield* publish({ ...listed("B", "", 2), events: [{ _tag: "ProductUnlisted", at: 1 }] } as {
          readonly type: string
        })
        yield* searching(file, until("tea", ["Tea A", "Tea C"]))
      })
    )
  )

  it.effect("follows the tree of categories, their rules, models and types, and keeps them", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const file = join(yield* folder, "eu.sqlite")
        yield* stream
        yield* sql`DELETE FROM product_view`
        const placed = (seq: number, category: string, parent: string | null) =>
          told("CategoryTree", "categories", seq, { _tag: "CategoryPlaced", category, parent, before: null, at: 1 })
        const described = (id: string, title: string, details: object) =>
          told("Product", id, 1, ...listed(id, title, 1).events, { _tag: "ProductDescribed", details, at: 1 })
        const category = (code: string, seq: number, more: object = {}) =>
          told("Category", code, seq, { _tag: "CategoryPut", title: code, description: "", ...more, at: 1 })
        const colours = (seq: number, red: string) =>
          told("ProductModel", "mug", seq, {
            _tag: "ProductModelPut",
            title: "Mug",
            description: "",
            productType: { code: "mug", version: 1 },
            attributes: [{ code: "material", text: "clay" }],
            axes: ["colour"],
            variants: [red, "blue"].map((colour, at) => ({
              sku: `M${at}`,
              attributes: [{ code: "colour", options: [colour] }]
            })),
            at: 1
          })
        const type = told("ProductType", "mug", 1, {
          _tag: "ProductTypePut",
          title: "Mug",
          attributes: [
            { kind: "choice", code: "colour", title: "Colour", perVariant: true, facetable: true, options: [] },
            { kind: "text", code: "material", title: "Material" }
          ],
          at: 1
        })
        const names = ["category", "colour", "material"]
        const shown = Effect.map(ask("", names), ({ facets }) =>
          facets.map(({ values }) => values.map(({ count, value }) => `${value} ${count}`).join(", "))
        )
        const untilShown = (...wanted: ReadonlyArray<string>) =>
          Effect.gen(function* () {
            while (JSON.stringify(yield* shown) !== JSON.stringify(wanted)) yield* Effect.sleep("20 millis")
          }).pipe(
            Effect.timeoutOrElse({
              duration: "20 seconds",
              orElse: () => Effect.andThen(shown, (last) => Effect.die(`${JSON.stringify(last)}, not ${wanted}`))
            })
          )
        yield* publish(placed(1, "drinks", null), placed(2, "tea", "drinks"), placed(3, "home", null))
        yield* publish(category("tea", 1), described("T1", "Assam", { categories: ["tea"] }))
        yield* searching(
          file,
          Effect.gen(function* () {
            yield* untilShown("drinks 1, tea 1", "", "")
            const productType = { code: "mug", version: 1 }
            for (const id of ["M0", "M1"]) yield* publish(described(id, "Mug", { productType, model: "mug" }))
            yield* publish(type, colours(1, "red"))
            const rule = { attributes: [{ code: "material", text: "clay" }] }
            yield* publish(placed(4, "clay", "home"), category("clay", 1, { rule }))
            yield* untilShown("clay 2, drinks 1, tea 1", "blue 1, red 1", "")
            // A subtree moves, a model changes, and a category is removed.
            yield* publish(placed(5, "tea", "home"), colours(2, "green"))
            yield* untilShown("clay 2, home 1, tea 1", "blue 1, green 1", "")
            yield* publish(told("Category", "tea", 2, { _tag: "CategoryRemoved", at: 1 }))
            yield* untilShown("clay 2, home 1", "blue 1, green 1", "")
          })
        )
        yield* searching(file, untilShown("clay 2, home 1", "blue 1, green 1", ""))
      })
    )
  )

  it.effect("counts what is asked and clicked, and several processes add it up", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* stream
        yield* sql`DELETE FROM product_view`
        yield* sql`DELETE FROM search_count`
        yield* written("A", "Tea", 1)
        const path = yield* folder
        const { click } = yield* SearchClient
        const clicked = (text: string, sku: string, position: number) =>
          Effect.map(
            click(new Click({ region: "eu", text, sku: SkuCode.make(sku), position })),
            ({ isCounted }) => isCounted
          )
        // Each counts for itself: one was asked often enough, and the other one only clicked.
        yield* searching(
          join(path, "one.sqlite"),
          Effect.gen(function* () {
            for (let times = 0; times < 12; times++) yield* ask("Teas")
            yield* ask("ada@example.org")
            for (let times = 0; times < 4; times++) yield* ask("cofee")
          })
        )
        yield* searching(
          join(path, "two.sqlite"),
          Effect.gen(function* () {
            assert.isTrue(yield* clicked("teas", "A", 1))
            assert.isTrue(yield* clicked("teas", "A", 4))
            assert.isFalse(yield* clicked("teas", "GONE", 1))
          })
        )
        const teas = { query: "teas", asked: 12, withoutResult: 0, clicks: 2, clickThrough: 0.1667, meanPosition: 2.5 }
        const coffee = { query: "cofee", asked: 4, withoutResult: 4, clicks: 0, clickThrough: 0, meanPosition: null }
        assert.deepStrictEqual(yield* reported("queries"), [teas, coffee])
        assert.deepStrictEqual(yield* reported("without-results"), [coffee])
        assert.deepStrictEqual(yield* reported("click-through"), [teas])
        yield* SearchCounts.dropOld("2100-01-01")
        assert.deepStrictEqual(yield* reported("queries"), [])
      })
    )
  )

  it.effect("ranks lower what is sold out, and says so", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* stream
        yield* sql`DELETE FROM product_view`
        for (const id of ["A", "B", "C"]) yield* written(id, "Tea", 1)
        yield* stocked("A", 5)
        yield* stocked("B", 5)
        const shown = Effect.map(ask("tea", ["availability"]), ({ facets, hits }) => ({
          hits: hits.map(({ available, product }): ReadonlyArray<unknown> => [product.sku, available]),
          values: facets[0]?.values.map(({ count, value }): ReadonlyArray<unknown> => [value, count])
        }))
        yield* searching(
          join(yield* folder, "eu.sqlite"),
          Effect.gen(function* () {
            assert.deepStrictEqual((yield* shown).hits, [
              ["A", true],
              ["B", true],
              ["C", null]
            ])
            yield* stocked("A", 0)
            yield* publish({ type: "Sku" })
            while ((yield* shown).hits[0]?.[0] === "A") yield* Effect.sleep("50 millis")
            assert.deepStrictEqual(yield* shown, {
              hits: [
                ["B", true],
                ["C", null],
                ["A", false]
              ],
              values: [
                ["in_stock", 1],
                ["out_of_stock", 1]
              ]
            })
          })
        )
      })
    )
  )

  it.effect("recommends what orders had together, and says why", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* stream
        yield* sql`DELETE FROM product_view`
        for (const [id, title] of [
          ["TEA", "Black tea"],
          ["POT", "Tea pot"],
          ["PEN", "Pen"],
          ["MATE", "Green tea"]
        ] as const)
          yield* written(id, title, 1)
        for (let at = 0; at < 4; at++) yield* ordered(`eu_o${at}`, "TEA", "POT", "GONE")
        yield* ordered("eu_x", "PEN", "MATE")
        yield* searching(
          join(yield* folder, "eu.sqlite"),
          Effect.gen(function* () {
            yield* untilRecommended
            // What nobody sells any more is not recommended.
            assert.deepStrictEqual(yield* recommended("together", "TEA"), [["POT", "TEA", 4]])
            assert.deepStrictEqual((yield* recommended("popular")).slice(0, 1), [["TEA", null, 4]])
            const alternatives = (yield* recommended("alternatives", "TEA")).map(([sku]) => sku)
            assert.sameMembers(alternatives, ["MATE", "POT"])
          })
        )
      })
    )
  )
})
