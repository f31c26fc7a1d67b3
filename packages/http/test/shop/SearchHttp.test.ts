import { assert, layer } from "@effect/vitest"
import type { ProductRow } from "@halles/entities/catalogue/ProductTable"
import * as Answering from "@halles/search/process/Answering"
import { Catalogue } from "@halles/search/process/Catalogue"
import { Counting } from "@halles/search/process/Counting"
import { Following } from "@halles/search/process/Following"
import { Recommending } from "@halles/search/process/Recommending"
import { BasketModel } from "@halles/search/recommend/BasketModel"
import { learn } from "@halles/search/recommend/Lessons"
import { RuleBook } from "@halles/search/rules/RuleBook"
import { SkuCode } from "@halles/shared/Ids"
import { Currency } from "@halles/shared/Money"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { Effect, Layer } from "effect"
import { EdgeTest } from "../EdgeTest.ts"

const row = (sku: string, title: string, amount: number): ProductRow => ({
  id: `eu_${sku}`,
  seq: 3,
  sku: SkuCode.make(sku),
  title,
  description: "Loose <b>tea</b>",
  price_amount: amount,
  currency: Currency.make("GBP"),
  tax_rate: 2_000,
  listed: true,
  draft: false,
  slug: null,
  translations: title === "Tea pot" ? [{ language: "de", title: "Teekanne" }] : [],
  details: {
    channels: amount > 500 ? ["web"] : ["pos"],
    attributes: [{ code: "leaf", options: [amount > 500 ? "whole" : "broken"] }]
  } as ProductRow["details"]
})

/** A process that searches, over products that nothing changes. */
const Searching = Answering.layer("eu").pipe(
  Layer.provide(Counting.layerNoop),
  Layer.provide(
    Layer.sync(Recommending, () => {
      const model = new BasketModel(learn([["A", "C"], ["A", "C"], ["B"]]))
      return Recommending.of({ current: () => ({ model, madeAt: 2_000 }) })
    })
  ),
  Layer.provide(
    Layer.sync(Following, () => {
      const catalogue = new Catalogue()
      for (const one of [row("A", "Black tea", 400), row("B", "Green tea", 600), row("C", "Tea pot", 900)])
        catalogue.put(one)
      const rules = new RuleBook()
      const pins = { kind: "pins", queries: ["green tea"], skus: [SkuCode.make("C")], badge: "sponsored" } as const
      const redirect = { kind: "redirect", queries: ["sale"], target: { path: "/sale" } } as const
      for (const effect of [pins, redirect])
        rules.put({
          id: `eu_${effect.kind}`,
          seq: 1,
          title: "Rule",
          kind: effect.kind,
          description: { title: "Rule", effect },
          removed: false
        })
      return Following.of({ catalogue, rules, asOf: () => 1_000 })
    })
  ),
  Layer.provide(NatsTest.layerConnection("search"))
)

const skus = ({ items }: { readonly items: ReadonlyArray<{ readonly product: { readonly sku: string } }> }) =>
  items.map(({ product }) => product.sku)

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("search", (it) => {
  it.effect("is not available where nobody searches, and says when to try again", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const click = yield* send("POST", "/v1/search/clicks", { q: "tea", sku: "A", position: 1 })
      const searches = yield* Effect.forEach(["/v1/search?q=tea", "/v1/search/suggest?q=t"], (path) =>
        send("GET", path)
      )
      for (const answer of [...searches, click]) {
        assert.strictEqual(answer.status, 503)
        assert.isNotNull(answer.headers.get("retry-after"))
      }
    })
  )

  it.effect("finds, filters, counts, pages and completes", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const get = (path: string) =>
        Effect.map(send("GET", path), ({ json, status, text }) => {
          assert.strictEqual(status, 200, text)
          return json
        })
      const first = yield* get("/v1/search?q=teas&facets=leaf,price&sort=-price&limit=2")
      assert.deepStrictEqual(skus(first), ["C", "B"])
      assert.deepInclude(first, { total: 3, partial: false, didYouMean: null, asOf: "1970-01-01T00:00:01.000Z" })
      assert.deepStrictEqual(first.facets[0], {
        name: "leaf",
        values: [
          { value: "whole", count: 2 },
          { value: "broken", count: 1 }
        ],
        more: 0
      })
      assert.deepStrictEqual(first.items[1].highlights, { title: [[6, 9]], description: [[9, 12]] })
      assert.deepInclude(first.items[1].product, {
        seq: 3,
        description: "Loose <b>tea</b>",
        attributes: { leaf: ["whole"] }
      })
      const second = yield* get(`/v1/search?q=teas&sort=-price&limit=2&cursor=${first.next}`)
      assert.deepStrictEqual([skus(second), second.next], [["A"], null])
      assert.deepStrictEqual(skus(yield* get("/v1/search?q=tea&filters=leaf:broken,none")), ["A"])
      assert.deepStrictEqual(skus(yield* get("/v1/search?priceFrom=700")), ["C"])
      assert.strictEqual((yield* get("/v1/search?q=grene%20tea")).didYouMean, "green tea")
      assert.deepStrictEqual(skus(yield* get("/v1/search?q=teekannen&language=de")), ["C"])
      assert.deepStrictEqual(skus(yield* get("/v1/search?q=tea&channel=pos")), ["A"])
      const { products } = yield* get("/v1/search/suggest?q=gre")
      assert.deepStrictEqual(
        products.map(({ sku }: { readonly sku: string }) => sku),
        ["B"]
      )
      const together = yield* get("/v1/recommendations?kind=together&skus=A")
      assert.deepInclude(together, { orders: 3, madeAt: "1970-01-01T00:00:02.000Z" })
      assert.deepInclude(together.items[0], { because: "A", orders: 2 })
      assert.strictEqual(together.items[0].product.sku, "C")
      const ruled = yield* get("/v1/search?q=grene%20teas&limit=1")
      assert.deepInclude(ruled.items[0], { pinned: true, badge: "sponsored", available: null })
      assert.deepStrictEqual([skus(ruled), ruled.redirect], [["C"], null])
      for (const [position, status] of [
        [1, 204],
        [0, 400]
      ] as const)
        assert.strictEqual(
          (yield* send("POST", "/v1/search/clicks", { q: "tea", sku: "A", position })).status,
          status,
          `${position}`
        )
      const report = yield* send("GET", "/v1/search/reports/queries?region=eu")
      assert.strictEqual(report.status, 401)
      assert.deepStrictEqual((yield* get("/v1/search?q=SALE")).redirect, { path: "/sale" })
      const seen = yield* get("/v1/recommendations?seen=A,B")
      assert.deepStrictEqual(skus(seen), ["C"])
      assert.deepInclude(seen.items[0], { because: "A", orders: 2 })
      assert.deepStrictEqual(skus(yield* get("/v1/recommendations")), ["A", "C", "B"])
      assert.deepStrictEqual(skus(yield* get("/v1/recommendations?category=")), ["A", "C", "B"])
    }).pipe(Effect.provide(Searching))
  )

  it.effect("refuses what is no filter, no page and no language", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      for (const query of [
        "filters=leaf",
        "filters=leaf:%25zz",
        "cursor=xyz",
        "language=tlh",
        "limit=1000",
        `q=${"a".repeat(300)}`
      ])
        assert.strictEqual((yield* send("GET", `/v1/search?${query}`)).status, 400, query)
    })
  )
})
