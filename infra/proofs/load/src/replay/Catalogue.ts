import { Effect } from "effect"
import * as Article from "./Article.ts"
import { Edge } from "./Edge.ts"
import { Stock } from "./EdgeSchema.ts"
import { Refused } from "./LoadErrors.ts"
import { Phases } from "./Phases.ts"

const readsMax = 16

/** The stock of an article; undefined if the region does not know the SKU. */
export const stockOf = Effect.fnUntraced(function* (article: Article.Article) {
  const edge = yield* Edge
  const found = yield* edge.find({
    method: "GET",
    path: `/v1/skus/${article.region}/${encodeURIComponent(article.sku)}`,
    answer: Stock
  })
  return found?.totals
})

/** On hand and shipped of every article, by region and SKU; zero for one that is not there yet. */
export const stock = Effect.fn("Catalogue.stock")(function* (articles: ReadonlyArray<Article.Article>) {
  const progress = yield* Phases
  yield* progress.phase("stock", articles.length)
  const found = yield* Effect.forEach(
    articles,
    Effect.fnUntraced(function* (article) {
      const totals = yield* stockOf(article)
      yield* progress.advance(1)
      const counts = { onHand: totals?.onHand ?? 0, shipped: totals?.shipped ?? 0 }
      return [Article.key(article.region, article.sku), counts] as const
    }),
    { concurrency: readsMax }
  )
  return Object.fromEntries(found)
})

/** A row that found its runner away is refused as `unavailable`; the whole import is sent again so many times. */
const passesMax = 8

/** Lists the articles and receives their stock, once for an import id however often it is called. */
export const load = Effect.fn("Catalogue.load")(function* (importId: string, articles: ReadonlyArray<Article.Article>) {
  const edge = yield* Edge
  const progress = yield* Phases
  yield* progress.phase("catalogue", articles.length)
  // Tax is in the invoiced prices, so the rate is zero.
  const rows = articles.map((article) => ({ ...article, taxRate: 0 }))
  for (let pass = 1; ; pass++) {
    const { accepted, refused } = yield* edge.importCatalogue(importId, rows)
    if (accepted === articles.length) return yield* progress.advance(articles.length)
    if (pass === passesMax || refused.some(({ code }) => code !== "unavailable")) {
      const first = refused.slice(0, 5).map(({ code, detail, row }) => `row ${row}: ${code}: ${detail}`)
      return yield* new Refused({
        request: "POST /v1/catalog/import",
        status: 200,
        code: "rows_rejected",
        detail: `${accepted} of ${articles.length} rows accepted; ${first.join("; ")}`
      })
    }
    yield* progress.retried
  }
})
