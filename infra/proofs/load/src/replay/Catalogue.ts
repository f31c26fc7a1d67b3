import { Effect } from "effect"
import * as Article from "./Article.ts"
import { Edge } from "./Edge.ts"
import { type ImportLine, money, Stock } from "./EdgeSchema.ts"
import { Refused } from "./LoadErrors.ts"
import { Progress } from "./Progress.ts"

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
  const progress = yield* Progress
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

/** A row of `POST /v1/catalog/import`. Tax is in the invoiced prices, so the rate is zero. */
const row = (article: Article.Article): string =>
  JSON.stringify({
    region: article.region,
    sku: article.sku,
    title: article.title,
    price: money(article.pence),
    taxRate: 0,
    warehouse: `${article.region}-main`,
    stock: article.stock
  })

/** A row that found its runner away is refused as `unavailable`; the whole import is sent again so many times. */
const passesMax = 8

/** Lists the articles and receives their stock, once for an import id however often it is called. */
export const load = Effect.fn("Catalogue.load")(function* (importId: string, articles: ReadonlyArray<Article.Article>) {
  const edge = yield* Edge
  const progress = yield* Progress
  const ndjson = `${articles.map(row).join("\n")}\n`
  yield* progress.phase("catalogue", articles.length)
  let seen = 0
  const onLine = (line: ImportLine) =>
    Effect.suspend(() => {
      if (line.type === "error" || line.type === "failed") return Effect.void
      const more = Math.max(0, line.rows - seen)
      seen += more
      return progress.advance(more)
    })
  for (let pass = 1; ; pass++) {
    const { accepted, errors } = yield* edge.importCatalog(importId, ndjson, onLine)
    if (accepted === articles.length) return
    if (pass === passesMax || errors.some(({ code }) => code !== "unavailable")) {
      const first = errors.slice(0, 5).map(({ code, detail, row }) => `row ${row}: ${code}: ${detail}`)
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
