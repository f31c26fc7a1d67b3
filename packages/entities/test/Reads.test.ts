import { assert, layer } from "@effect/vitest"
import { CustomerId, SkuCode, SkuId } from "@halles/shared/Ids"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as Migrations from "../src/Migrations.ts"
import { tables } from "../src/Domains.ts"
import * as Projection from "@halles/engine/projections/Projection"
import { isIn } from "../src/catalogue/Channel.ts"
import * as CategoryRule from "../src/category/CategoryRule.ts"
import { ProductView } from "../src/catalogue/Product.ts"
import { products, productsIn, ProductTable } from "../src/catalogue/ProductTable.ts"
import { availability } from "../src/inventory/StockTable.ts"
import { mediaList } from "../src/media/MediaTable.ts"
import { customerOrders } from "../src/order/OrderTable.ts"
import { type ProductModelRow, valuesFor } from "../src/productmodel/ProductModelTable.ts"
import { Reads, RegionDatabases } from "../src/routes/Reads.ts"
import * as TableList from "../src/routes/TableList.ts"
import { address } from "./Carts.ts"

const skus = (some: ReadonlyArray<{ readonly sku: string }>): ReadonlyArray<string> => some.map(({ sku }) => sku)
const apply = Effect.fnUntraced(function* (name: string, entries: ReadonlyArray<Projection.Entry>) {
  yield* (yield* Projection.make(tables.find((table) => table.name === name)!)).apply(entries)
})
const listed = (sku: string, title: string, description = ""): Projection.Entry => ({
  id: `eu_${sku}`,
  seq: 1,
  at: 1,
  events: [
    {
      _tag: "ProductListed",
      sku,
      title,
      description,
      price: { amount: 1_995, currency: "GBP", taxRate: 2_000 },
      at: 1
    }
  ]
})
const declared = (id: string, at: number, ...events: ReadonlyArray<unknown>): Projection.Entry => ({
  id,
  seq: 1,
  at,
  events: [{ _tag: "MediaDeclared", owner: null, uploadedBy: "acc", alt: [], content: null, at }, ...events]
})
const modelled = (id: string, ...events: ReadonlyArray<object>) => ({ id: `eu_${id}`, seq: 1, at: 1, events })
const placed = (id: string, customerId: string, at: number): Projection.Entry => ({
  id,
  seq: 1,
  at,
  events: [
    {
      _tag: "Placed",
      at,
      draft: {
        cartId: id,
        attempt: 1,
        customerId,
        currency: "GBP",
        lines: [{ sku: "MUG", variant: "", title: "Mug", quantity: 2, unitPrice: 500, taxRate: 0 }],
        charges: [],
        discount: 0,
        totals: { goods: 1_000, charges: 0, tax: 0, total: 1_000 },
        email: "ada@example.org",
        shippingAddress: address,
        paymentToken: "tok_ok"
      }
    }
  ]
})

const Database = Migrations.layerRegion.pipe(Layer.provideMerge(PgTest.layer("reads")), Layer.orDie)
const ReadsLive = Reads.layer.pipe(Layer.provide(RegionDatabases.layerOne), Layer.provideMerge(Database))
const ada = CustomerId.make("eu_ada")

/** All pages, one after the other. */
const pages = Effect.fnUntraced(function* <A, E>(
  page: (
    cursor: string | undefined
  ) => Effect.Effect<{ readonly items: ReadonlyArray<A>; readonly next: string | null }, E>
) {
  const found: Array<ReadonlyArray<A>> = []
  let cursor: string | undefined
  do {
    const { items, next } = yield* page(cursor)
    found.push(items)
    cursor = next ?? undefined
  } while (cursor !== undefined)
  return found
})
const at = (cursor: string | undefined) => (cursor === undefined ? {} : { cursor })

layer(ReadsLive, { excludeTestServices: true, timeout: "60 seconds" })("Reads", (it) => {
  it.effect("list what is on sale, page by page, each once", () =>
    Effect.gen(function* () {
      const reads = yield* Reads
      const codes = Array.from({ length: 25 }, (_, index) => `P${index + 10}`)
      yield* apply("product", [...codes.map((code) => listed(code, `Thing ${code}`)), listed("GONE", "Thing")])
      yield* apply("product", [{ id: "eu_GONE", seq: 2, at: 2, events: [{ _tag: "ProductUnlisted", at: 2 }] }])
      const found = yield* pages((cursor) =>
        reads.read("eu", products.page({ region: "eu", limit: 10, q: "thing", ...at(cursor) }))
      )
      assert.deepStrictEqual(
        found.map((items) => items.length),
        [10, 10, 5]
      )
      assert.deepStrictEqual(
        found.flat().map(({ sku }) => sku as string),
        codes
      )
      const [first] = found.flat()
      assert.deepStrictEqual(first!.price, { amount: 1_995, currency: "GBP", taxRate: 2_000 })
      assert.strictEqual(first!.region, "eu")
    })
  )

  it.effect("list media newest first: the refused with the reason, the removed not", () =>
    Effect.gen(function* () {
      const reads = yield* Reads
      yield* apply("media", [
        declared("eu_awaited", 1),
        declared("eu_refused", 2, { _tag: "ContentRefused", reason: "pixels", at: 2 }),
        declared("eu_removed", 3, { _tag: "MediaRemoved", reason: "asked", at: 3 })
      ])
      const { items } = yield* reads.read("eu", mediaList.page({ region: "eu", limit: 10 }))
      assert.deepStrictEqual(
        items.map(({ id, refusedFor, status }) => [id as string, status, refusedFor]),
        [
          ["eu_refused", "refused", "pixels"],
          ["eu_awaited", "declared", null]
        ]
      )
    })
  )

  it.effect("find what stands in a collection as its rule says", () =>
    Effect.gen(function* () {
      const reads = yield* Reads
      const details = [
        { productType: { code: "tea", version: 1 }, categories: ["hot"] },
        { productType: { code: "tea", version: 2 }, attributes: [{ code: "origin", text: "assam" }] },
        { attributes: [{ code: "flavours", options: ["malty", "nutty"] }], channels: ["web"] },
        { categories: ["cold", "hot"], attributes: [{ code: "origin", text: "ceylon" }] },
        {},
        { model: "pot", attributes: [{ code: "origin", text: "assam" }] },
        { productType: { code: "tea", version: 1 } },
        { model: "gone" }
      ]
      const put = {
        _tag: "ProductModelPut",
        title: "Pot",
        description: "",
        productType: { code: "tea", version: 1 },
        attributes: [{ code: "material", text: "clay" }],
        axes: ["colour"],
        variants: [
          { sku: "RULE6", attributes: [{ code: "colour", options: ["red"] }] },
          { sku: "RULE7", attributes: [{ code: "colour", options: ["blue"] }] }
        ],
        at: 1
      }
      yield* apply("product_model", [
        modelled("pot", put),
        modelled("gone", { ...put, variants: [] }, { _tag: "ProductModelRemoved", at: 1 })
      ])
      const models = yield* (yield* SqlClient.SqlClient)<ProductModelRow>`SELECT * FROM product_model_view`
      const withModel = (one: ProductView): ProductView => {
        const said = models.flatMap((row) =>
          row.id === `eu_${one.model}` || row.model.variants.some(({ sku }) => sku === one.sku)
            ? valuesFor(row, one)
            : []
        )
        return new ProductView({ ...one, attributes: [...(one.attributes ?? []), ...said] }, { disableChecks: true })
      }
      yield* apply(
        "product",
        details.map((one, index) => {
          const { events, ...entry } = listed(`RULE${index}`, "Rule")
          return { ...entry, events: [...events, { _tag: "ProductDescribed", details: one, at: 1 }] }
        })
      )
      const decode = Schema.decodeUnknownSync(CategoryRule.CategoryRule)
      const rules = [
        { productType: "tea" },
        { category: "hot" },
        { attributes: [{ code: "origin", text: "assam" }] },
        { attributes: [{ code: "flavours", options: ["nutty"] }] },
        { attributes: [{ code: "material", text: "clay" }] },
        { attributes: [{ code: "colour", options: ["red"] }] },
        { attributes: [{ code: "colour", options: ["blue"] }] },
        {
          attributes: [
            { code: "material", text: "clay" },
            { code: "origin", text: "assam" }
          ]
        },
        { productType: "tea", priceBelow: { amount: 1_995, currency: "GBP" } },
        { productType: "tea", priceFrom: { amount: 1_995, currency: "GBP" } },
        { priceFrom: { amount: 1, currency: "EUR" } }
      ]
      const page = (asked: object) =>
        Effect.map(
          reads.read("eu", products.page({ region: "eu", limit: 200, q: "rule", ...asked })),
          ({ items }) => items
        )
      const all = yield* page({})
      assert.lengthOf(all, details.length)
      for (const rule of rules) {
        for (const channel of [undefined, "web", "pos"] as const) {
          const asked = { categories: ["cold"], rule: { rule: decode(rule), within: ["hot"] } }
          const query = productsIn.page({ region: "eu", limit: 200, q: "rule", channel, ...asked })
          const { items } = yield* reads.read("eu", query)
          const wanted = all.filter((one) => CategoryRule.stands(withModel(one), asked) && isIn(one.channels, channel))
          assert.deepStrictEqual(skus(items), skus(wanted), JSON.stringify([rule, channel]))
        }
      }
      const clay = { rule: decode({ attributes: [{ code: "material", text: "clay" }] }), within: [] }
      const { items } = yield* reads.read(
        "eu",
        productsIn.page({ region: "eu", limit: 200, categories: [], rule: clay, channel: undefined })
      )
      assert.deepStrictEqual(skus(items), ["RULE5", "RULE6", "RULE7"])
    })
  )

  it.effect("find products by the beginnings of words, whatever is typed", () =>
    Effect.gen(function* () {
      const reads = yield* Reads
      yield* apply("product", [
        listed("85123A", "WHITE HANGING HEART T-LIGHT HOLDER", "for candles"),
        listed("71053", "White metal lantern"),
        listed("CAFE", "Café crème"),
        listed("CAFF", "Caffè corretto"),
        listed("HINDI", "हिन्दी किताब"),
        listed("HIM", "हिमालय चाय")
      ])
      const search = (q: string) =>
        Effect.map(reads.read("eu", products.page({ region: "eu", limit: 10, q })), ({ items }) =>
          items.map(({ sku }) => sku as string)
        )
      assert.deepStrictEqual(yield* search("whi"), ["71053", "85123A"])
      assert.deepStrictEqual(yield* search("hang WHITE"), ["85123A"])
      assert.deepStrictEqual(yield* search("candl"), ["85123A"])
      assert.deepStrictEqual(yield* search("85123a"), ["85123A"])
      for (const typed of ["café", "CAFÉ", "cafe\u0301", "cre\u0300m", "caf\u00e9 cre\u0300me"])
        assert.deepStrictEqual(yield* search(typed), ["CAFE"], typed)
      assert.deepStrictEqual(yield* search("caffe\u0300"), ["CAFF"])
      assert.deepStrictEqual(yield* search("हिन्दी"), ["HINDI"])
      assert.deepStrictEqual(yield* search("purple"), [])
      for (const odd of ["", "   ", "'", "a' | !b:*", "\\", "((", "<->", "🫖", "\u0000"]) {
        yield* reads.read("eu", products.page({ region: "eu", limit: 1, q: odd }))
      }
    })
  )

  it.effect("list a customer's orders, newest first, also those of one moment", () =>
    Effect.gen(function* () {
      const reads = yield* Reads
      const day = 1_700_000_000_000
      const ids = ["eu_o1", "eu_o2", "eu_o3", "eu_o4", "eu_o5"]
      yield* apply(
        "order",
        ids.map((id, index) => placed(id, ada, day + (index < 3 ? 0 : index)))
      )
      yield* apply("order", [placed("eu_other", "eu_bob", day)])
      const found = yield* pages((cursor) =>
        reads.read("eu", customerOrders.page({ region: "eu", customerId: ada, limit: 2, ...at(cursor) }))
      )
      assert.deepStrictEqual(
        found.map((items) => items.map(({ id }) => id as string)),
        [["eu_o5", "eu_o4"], ["eu_o3", "eu_o2"], ["eu_o1"]]
      )
      const [first] = found.flat()
      assert.deepStrictEqual([first!.status, first!.total, first!.placedAt], ["created", 1_000, day + 4])
    })
  )

  it.effect("go by any column, either way, where many rows have the same value", () =>
    Effect.gen(function* () {
      const reads = yield* Reads
      const dearest = TableList.make(ProductTable, {
        name: "dearest",
        by: ["price_amount", "id"],
        descending: true,
        reads: ["price_amount"],
        where: (sql, { below }: { readonly below: number }) =>
          sql`listed AND sku LIKE 'DEAR%' AND price_amount < ${below}`,
        item: ({ id, price_amount }) => ({ id, amount: price_amount }),
        key: ({ amount, id }) => [amount, id]
      })
      const amounts = [3_000_000_000, 5, 5, 3_000_000_000, 7, 9_000_000_000]
      yield* apply(
        "product",
        amounts.map((amount, index) => {
          const entry = listed(`DEAR${index}`, "Dear")
          return {
            ...entry,
            events: entry.events.map((event) => ({
              ...(event as object),
              price: { amount, currency: "GBP", taxRate: 0 }
            }))
          }
        })
      )
      const found = yield* pages((cursor) =>
        reads.read("eu", dearest.page({ region: "eu", below: 9_000_000_000, limit: 2, ...at(cursor) }))
      )
      assert.deepStrictEqual(
        found.map((items) => items.map(({ amount, id }) => [amount, id])),
        [
          [
            [3_000_000_000, "eu_DEAR3"],
            [3_000_000_000, "eu_DEAR0"]
          ],
          [
            [7, "eu_DEAR4"],
            [5, "eu_DEAR2"]
          ],
          [[5, "eu_DEAR1"]]
        ]
      )
      assert.deepStrictEqual(found.flat().toReversed().toSorted(dearest.compare), found.flat())
      assert.deepStrictEqual(found.flat().map(dearest.idOf), [
        "eu_DEAR3",
        "eu_DEAR0",
        "eu_DEAR4",
        "eu_DEAR2",
        "eu_DEAR1"
      ])
    })
  )

  it.effect("refuse a cursor that is not of their list", () =>
    Effect.gen(function* () {
      const reads = yield* Reads
      const { next } = yield* reads.read("eu", products.page({ region: "eu", limit: 1 }))
      assert.isNotNull(next)
      const refused = yield* Effect.flip(
        reads.read("eu", customerOrders.page({ region: "eu", customerId: ada, limit: 1, cursor: next! }))
      )
      assert.strictEqual(refused._tag, "BadCursor")
      for (const cursor of ["", "x", "e30", "%%%", Buffer.from('["products"]').toString("base64url")]) {
        assert.strictEqual(
          (yield* Effect.flip(reads.read("eu", products.page({ region: "eu", limit: 1, cursor }))))._tag,
          "BadCursor"
        )
      }
    })
  )

  it.effect("bound the page", () =>
    Effect.gen(function* () {
      const reads = yield* Reads
      yield* apply(
        "product",
        Array.from({ length: 210 }, (_, index) => listed(`BULK${index}`, "Bulk"))
      )
      const many = yield* reads.read("eu", products.page({ region: "eu", limit: 9_999, q: "bulk" }))
      assert.strictEqual(many.items.length, 200)
      assert.strictEqual((yield* reads.read("eu", products.page({ region: "eu", limit: 0 }))).items.length, 1)
    })
  )

  it.effect("tell stock levels, and that there are none", () =>
    Effect.gen(function* () {
      const reads = yield* Reads
      const id = SkuId.make("eu_MUG")
      yield* apply("stock", [
        {
          id,
          seq: 1,
          at: 1,
          events: [{ _tag: "Received", warehouse: "eu-main", quantity: 10 }]
        },
        {
          id,
          seq: 2,
          at: 2,
          events: [
            {
              _tag: "Held",
              orderId: "eu_o1",
              allocations: [{ warehouse: "eu-main", quantity: 3 }],
              backOrdered: 0,
              expiresAt: 9
            }
          ]
        }
      ])
      const sql = yield* SqlClient.SqlClient
      const [found] = yield* sql<{ readonly row: object }>`
        SELECT to_jsonb(v) - 'updated_at' AS row FROM stock_view v WHERE id = ${id}`
      const level = { held: 3, reserved: 0, available: 7 }
      assert.deepInclude(found?.row, { on_hand: 10, ...level, shipped: 0, back_ordered: 0, seq: 2 })
      assert.deepInclude(found?.row, { warehouses: [{ warehouse: "eu-main", onHand: 10, ...level }] })
      const [mug, none] = [SkuCode.make("MUG"), SkuCode.make("NONE")]
      const available = yield* reads.read("eu", availability("eu", [mug, none]))
      assert.deepStrictEqual([...available], [[mug, { units: 7, backOrder: false }]])
    })
  )
})
