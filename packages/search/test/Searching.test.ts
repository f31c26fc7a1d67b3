import { assert, layer } from "@effect/vitest"
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import * as ProjectionTables from "@halles/engine/projections/ProjectionTables"
import { ProductTable } from "@halles/entities/catalogue/ProductTable"
import { Nats } from "@halles/shared/clients/Nats"
import * as Subject from "@halles/shared/Subject"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { PgTest } from "@halles/shared/testing/PgTest"
import { SearchClient } from "@halles/search/contract/SearchClient"
import { Search, Suggest } from "@halles/search/contract/SearchMessages"
import * as Answering from "@halles/search/process/Answering"
import { Following } from "@halles/search/process/Following"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "halles-search-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const Tables = Layer.effectDiscard(Effect.andThen(ProjectionTables.create, ProjectionTables.ensure([ProductTable])))
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
    await (await jetstreamManager(nats)).streams.add({ name, subjects: [Subject.events("eu")] })
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

const ask = Effect.fnUntraced(function* (text: string) {
  const { search } = yield* SearchClient
  const common = { filters: [], priceFrom: null, priceTo: null, facets: [], offset: 0, limit: 10 }
  return yield* search(new Search({ region: "eu", text, language: "en", sort: "relevance", ...common }))
})
const titles = (text: string) => Effect.map(ask(text), ({ hits }) => hits.map(({ product }) => product.title))
const until = (text: string, wanted: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    while (JSON.stringify(yield* titles(text)) !== JSON.stringify(wanted)) yield* Effect.sleep("20 millis")
  }).pipe(Effect.timeout("30 seconds"))

/** Runs a process on that snapshot for as long as the body lasts. */
const searching = <A, E, R>(file: string, body: Effect.Effect<A, E, R>) =>
  Effect.provide(body, Answering.layer("eu").pipe(Layer.provide(Following.layer({ region: "eu", file }))), {
    local: true
  })

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
      })
    )
  )
})
