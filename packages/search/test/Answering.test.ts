import { assert, layer } from "@effect/vitest"
import { SearchClient, type SearchUnavailable } from "@halles/search/contract/SearchClient"
import { Search } from "@halles/search/contract/SearchMessages"
import * as Answering from "@halles/search/process/Answering"
import { Catalogue } from "@halles/search/process/Catalogue"
import { Counting } from "@halles/search/process/Counting"
import { Following } from "@halles/search/process/Following"
import { Recommending } from "@halles/search/process/Recommending"
import { BasketModel } from "@halles/search/recommend/BasketModel"
import { learn } from "@halles/search/recommend/Lessons"
import { RuleBook } from "@halles/search/rules/RuleBook"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { Effect, Layer } from "effect"
import { productRow } from "./Sample.ts"

const answering = (catalogue: Catalogue) =>
  Answering.layer("eu").pipe(
    Layer.provide(Counting.layerNoop),
    Layer.provide(Layer.succeed(Recommending, { current: () => ({ model: new BasketModel(learn([])), madeAt: 0 }) })),
    Layer.provide(Layer.succeed(Following, { catalogue, rules: new RuleBook(), asOf: () => 1_000 }))
  )

/** A busy machine may take longer than people wait for an answer. */
const patient = <A>(asked: Effect.Effect<A, SearchUnavailable>) =>
  Effect.retry(asked, { times: 60, while: ({ reason }) => reason === "no_answer" })
const ask = Effect.fnUntraced(function* (limit: number) {
  const { search } = yield* SearchClient
  const common = { filters: [], priceFrom: null, priceTo: null, facets: [], offset: 0, sort: "title" } as const
  return yield* patient(search(new Search({ region: "eu", text: "", language: "en", ...common, limit })))
})

const Servers = SearchClient.layer.pipe(
  Layer.provideMerge(NatsTest.layerConnection("search")),
  Layer.provideMerge(NatsTest.layer)
)

layer(Servers, { excludeTestServices: true, timeout: "30 seconds" })("Answering", (it) => {
  it.effect("a question that cannot be answered is refused, and those after it are answered", () =>
    Effect.gen(function* () {
      const catalogue = new Catalogue()
      catalogue.put(productRow("A", "Tea"))
      yield* Effect.gen(function* () {
        assert.strictEqual((yield* ask(10)).total, 1)
        const known = catalogue.rows.get("eu_A")!
        catalogue.rows.delete("eu_A")
        assert.strictEqual((yield* Effect.flip(ask(10))).reason, "unreadable")
        catalogue.rows.set("eu_A", known)
        assert.strictEqual((yield* ask(10)).total, 1)
      }).pipe(Effect.provide(answering(catalogue)))
    })
  )

  it.effect("a page that is too large for a message has fewer hits", () =>
    Effect.gen(function* () {
      const catalogue = new Catalogue()
      for (let at = 0; at < 100; at++) catalogue.put(productRow(`T${at}`, "Tea", "leaf ".repeat(4_000)))
      const { hits, total } = yield* Effect.provide(ask(100), answering(catalogue))
      assert.strictEqual(total, 100)
      assert.isAbove(hits.length, 0)
      assert.isBelow(hits.length, 100)
    })
  )

  it.effect("facets with many long values are cut, and say how much", () =>
    Effect.gen(function* () {
      const catalogue = new Catalogue()
      const names = Array.from({ length: 20 }, (_, at) => `facet_${at}`)
      for (let at = 0; at < 40; at++) {
        const attributes = names.map((code) => ({ code, text: `${at} ${"é".repeat(1_500)}` }))
        const row = productRow(`T${at}`, "Tea")
        catalogue.put({ ...row, details: { attributes } })
      }
      const { search } = yield* SearchClient
      const common = { filters: [], priceFrom: null, priceTo: null, offset: 0, limit: 5, sort: "title" } as const
      const asked = new Search({ region: "eu", text: "", language: "en", ...common, facets: names })
      const { facets } = yield* Effect.provide(patient(search(asked)), answering(catalogue))
      assert.lengthOf(facets, 20)
      for (const { more, values } of facets) {
        assert.isAbove(values.length, 0)
        assert.isAbove(more, 0)
        assert.strictEqual(values.length + more, 40)
      }
    })
  )
})
