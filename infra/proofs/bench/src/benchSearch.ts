import * as Proof from "@halles/harness/Proof"
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Baskets from "./search/Baskets.ts"
import { judged, ndcg10, products } from "./search/Judgements.ts"
import * as PlainEngine from "./search/PlainEngine.ts"
import * as SearchFigures from "./search/SearchFigures.ts"

/** Where the data of benches lies beside the checkout. */
const beside = join(import.meta.dirname, "../../../../../shared/data")

const file = (name: string, path: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.withDefault(join(beside, path)))

const flags = {
  products: file("products", "product-search/products.ndjson.gz", "Products, a line of JSON each"),
  ratings: file("ratings", "product-search/ratings.csv", "Queries with graded answers: query, product id, grade"),
  baskets: file("baskets", "online-retail", "Directory of invoices, a CSV file a month"),
  seconds: Flag.Int("seconds").pipe(Flag.withDescription("How long each rate is measured"), Flag.withDefault(10)),
  json: Proof.json
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits))

const bench = Effect.fn("benchSearch")(function* (options: Command.Command.Config.Infer<typeof flags>) {
  const documents = products(options.products)
  const queries = judged(options.ratings)
  const { buildMs, index } = SearchFigures.build(documents)
  yield* Console.log(`${documents.length} products, ${queries.length} queries; index built in ${round(buildMs, 0)} ms`)
  const plain = PlainEngine.make(documents)
  const plainScore = queries.reduce((sum, { grades, query }) => sum + ndcg10(plain(query), grades), 0) / queries.length
  const { even, ndcg10: ndcg, ndcg10Typo, odd } = SearchFigures.quality(index, queries)
  yield* Console.log(
    `NDCG@10 ${ndcg.toFixed(4)} (every other query ${even.toFixed(4)} and ${odd.toFixed(4)}); FTS5 ${plainScore.toFixed(4)}`
  )
  yield* Console.log(`with a typo ${ndcg10Typo.toFixed(4)}, ${((100 * ndcg10Typo) / ndcg).toFixed(1)} %`)
  const wrong = SearchFigures.wrongFacets(index, queries)
  yield* Console.log(wrong.length === 0 ? "facets are exact" : `facets are wrong for ${wrong.join(", ")}`)
  // V8 compiles what is called often, after a while.
  SearchFigures.rate(index, queries, 2)
  SearchFigures.suggestions(index, queries)
  const p99ms = yield* Effect.promise(() => SearchFigures.atRate(index, queries, options.seconds))
  const { perCore, perSecond } = SearchFigures.rate(index, queries, options.seconds)
  const suggestP99ms = SearchFigures.suggestions(index, queries)
  yield* Console.log(
    `p99 ${p99ms.toFixed(2)} ms at 100 queries/s, ${perSecond.toFixed(0)} queries/s, ${perCore.toFixed(0)} in a second of processor time, suggestions p99 ${suggestP99ms.toFixed(2)} ms`
  )
  const recommended = Option.map(Option.liftPredicate(options.baskets, existsSync), Baskets.measure)
  if (Option.isSome(recommended)) {
    const { baskets, hr10, learnMs, popularity } = recommended.value
    yield* Console.log(
      `${baskets} baskets, model made in ${round(learnMs, 0)} ms; HR@10 ${hr10.toFixed(4)}, popularity ${popularity.toFixed(4)}`
    )
  }
  const last = {
    ndcg10: round(ndcg, 4),
    ndcg10Typo: round(ndcg10Typo, 4),
    p99ms: round(p99ms, 2),
    queriesPerSecond: round(perCore, 0),
    suggestP99ms: round(suggestP99ms, 2),
    hr10: Option.getOrNull(Option.map(recommended, ({ hr10 }) => round(hr10, 4)))
  }
  yield* Proof.end(last, wrong.length === 0, options.json)
})

const command = Command.make("benchSearch", flags, bench).pipe(
  Command.withDescription(
    "Measure search and recommendations on products, judged queries and invoices from files; prints what it saw, then one line of JSON"
  )
)

Proof.run(command)
