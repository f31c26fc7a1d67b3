import * as Chance from "@halles/harness/Chance"
import { brand, category, type Filters } from "@halles/search/index/FacetValues"
import type { ProductDocument } from "@halles/search/index/ProductDocument"
import { type Query, SearchIndex } from "@halles/search/index/SearchIndex"
import { setTimeout } from "node:timers/promises"
import { type Judged, ndcg10, withTypo } from "./Judgements.ts"

/** Each query is tried with so many typos. */
const typosEach = 25
const perSecond = 100

const none: Filters = new Map()
const usual: Omit<Query, "text"> = {
  language: "en",
  filters: none,
  priceFrom: null,
  priceTo: null,
  facets: [brand, category, "price"],
  sort: "relevance",
  offset: 0,
  limit: 10
}

const mean = (all: ReadonlyArray<number>): number => all.reduce((sum, one) => sum + one, 0) / all.length
const p99 = (all: ReadonlyArray<number>): number => all.toSorted((a, b) => a - b)[Math.floor(0.99 * all.length)] ?? 0

export const build = (documents: ReadonlyArray<ProductDocument>) => {
  const from = performance.now()
  const index = new SearchIndex()
  for (const document of documents) index.put(document)
  index.buildSuggestions()
  return { index, buildMs: performance.now() - from }
}

const ids = (index: SearchIndex, text: string): ReadonlyArray<string> =>
  index.search({ ...usual, text }).hits.map(({ document }) => document.id)

/** How well the index answers: as the queries are, with one typo in each, and of every other query, which must not differ much. */
export const quality = (index: SearchIndex, queries: ReadonlyArray<Judged>) => {
  const each = queries.map(({ grades, query }) => ndcg10(ids(index, query), grades))
  const chance = Chance.make("typos")
  const typos = queries.flatMap(({ grades, query }) =>
    Array.from({ length: typosEach }, () => ndcg10(ids(index, withTypo(query, chance)), grades))
  )
  const half = (rest: number) => mean(each.filter((_, at) => at % 2 === rest))
  return { ndcg10: mean(each), ndcg10Typo: mean(typos), even: half(0), odd: half(1) }
}

/** Facets whose counts are not what counting the documents of the whole answer gives. */
export const wrongFacets = (index: SearchIndex, queries: ReadonlyArray<Judged>): ReadonlyArray<string> =>
  queries.flatMap(({ query }) => {
    const all = index.search({ ...usual, text: query, limit: index.size })
    const counted = Map.groupBy(all.hits, ({ document }) => document.brand)
    const told = all.facets.get(brand)?.values ?? []
    const wrong = told.filter(({ count, value }) => counted.get(value)?.length !== count)
    const [first] = told
    const chosen = first && index.search({ ...usual, text: query, filters: new Map([[brand, [first.value]]]) })
    const isKept =
      chosen === undefined || (chosen.total === first!.count && chosen.facets.get(brand)!.values.length === told.length)
    return wrong.length === 0 && isKept && all.hits.length === all.total ? [] : [query]
  })

/** Queries that come at a fixed rate, whether or not the last one is answered; measured from when each was due. */
export const atRate = async (index: SearchIndex, queries: ReadonlyArray<Judged>, seconds: number): Promise<number> => {
  const from = performance.now()
  const latencies: Array<number> = []
  for (let at = 0; at < seconds * perSecond; at++) {
    const due = from + (at * 1_000) / perSecond
    const earlyMs = due - performance.now()
    if (earlyMs > 0) await setTimeout(earlyMs)
    // A query that had to wait for the one before has waited since it was due; that a timer is late is no fault of the index.
    const begun = earlyMs > 0 ? performance.now() : due
    ids(index, queries[at % queries.length]!.query)
    latencies.push(performance.now() - begun)
  }
  return p99(latencies)
}

/** One query after the other: how many in a second, and in a second of processor time, whatever else the machine does. */
export const rate = (index: SearchIndex, queries: ReadonlyArray<Judged>, seconds: number) => {
  const before = process.cpuUsage()
  const from = performance.now()
  let done = 0
  while (performance.now() - from < seconds * 1_000) ids(index, queries[done++ % queries.length]!.query)
  const { system, user } = process.cpuUsage(before)
  return { perSecond: (1_000 * done) / (performance.now() - from), perCore: (1_000_000 * done) / (user + system) }
}

/** Every beginning of every query, from its first letter on. */
export const suggestions = (index: SearchIndex, queries: ReadonlyArray<Judged>): number => {
  const typed = queries.flatMap(({ query }) => Array.from(query, (_, at) => query.slice(0, at + 1)))
  const latencies = typed.map((text) => {
    const from = performance.now()
    index.suggest(text, "en")
    return performance.now() - from
  })
  return p99(latencies)
}
