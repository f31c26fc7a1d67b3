import type { Badge } from "@halles/entities/searchrule/SearchRule"
import { type Applied, nothing } from "../rules/Applied.ts"
import { brand, category, FacetValues, type Facet, type Filters, type } from "./FacetValues.ts"
import { ranges, type Range } from "./Highlight.ts"
import { InvertedIndex } from "./InvertedIndex.ts"
import type { Language } from "./Language.ts"
import { Matcher } from "./Matching.ts"
import type { ProductDocument } from "./ProductDocument.ts"
import { plan, type QueryPlan } from "./QueryPlan.ts"
import { Spelling } from "./Spelling.ts"
import { namesBeginningWith, Suggestions } from "./Suggestions.ts"
import { type Arranged, first, type Sort } from "./Sort.ts"
import { Vocabulary } from "./Vocabulary.ts"

/** How many documents must have each word of a query, so that those that lack some are not shown. */
const completeMin = 10
const suggestionsMax = 8
/** Of a title so much says what is like it. */
const similarTextMax = 100

export interface Query {
  readonly text: string
  readonly language: Language
  readonly filters: Filters
  readonly priceFrom: number | null
  readonly priceTo: number | null
  readonly facets: ReadonlyArray<string>
  readonly sort: Sort
  readonly offset: number
  readonly limit: number
  /** What merchants say of the query, if anything. */
  readonly applied?: Applied
}

export interface Hit {
  readonly document: ProductDocument
  readonly title: ReadonlyArray<Range>
  readonly description: ReadonlyArray<Range>
  /** Whether a merchant has put it there, and what is to be said of that. */
  readonly isPinned: boolean
  readonly badge: Badge | null
}

export interface Found {
  readonly hits: ReadonlyArray<Hit>
  readonly total: number
  /** Whether what was found lacks some of the words. */
  readonly isPartial: boolean
  /** What the query was taken for. */
  readonly corrected: string | null
  readonly facets: ReadonlyMap<string, Facet>
}

export interface Suggested {
  readonly queries: ReadonlyArray<string>
  readonly products: ReadonlyArray<ProductDocument>
  readonly categories: ReadonlyArray<string>
  readonly brands: ReadonlyArray<string>
}

/** A catalogue in memory, to be searched. */
export class SearchIndex {
  readonly #index = new InvertedIndex()
  readonly #facets = new FacetValues()
  readonly #vocabulary = new Vocabulary(this.#index)
  readonly #spelling = new Spelling(this.#index)
  readonly #matcher = new Matcher(this.#index)
  readonly #suggestions = new Suggestions()

  get size(): number {
    return this.#index.live
  }

  put(document: ProductDocument): void {
    const known = this.#index.words.length
    this.#forgetFacets(document.id)
    this.#index.put(document)
    this.#facets.put(document)
    for (const word of this.#index.words.slice(known)) this.#spelling.add(word)
  }

  remove(id: string): void {
    this.#forgetFacets(id)
    this.#index.remove(id)
  }

  #forgetFacets(id: string): void {
    const number = this.#index.byId.get(id)
    if (number !== undefined) this.#facets.forget(number)
  }

  get(id: string): ProductDocument | undefined {
    const number = this.#index.byId.get(id)
    return number === undefined ? undefined : (this.#index.documents[number] ?? undefined)
  }

  /** Takes what is known of a product on which no word of its document depends. */
  note(
    id: string,
    known: Partial<Pick<ProductDocument, "available" | "counted" | "margin" | "sold" | "standsIn">>
  ): void {
    const number = this.#index.byId.get(id)
    const document = number === undefined ? null : this.#index.documents[number]!
    if (number === undefined || document === null) return
    const next = { ...document, ...known }
    this.#index.documents[number] = next
    const isTold = known.standsIn !== undefined || known.counted !== undefined
    if (isTold || next.available !== document.available) this.#facets.replace(number, next)
  }

  /** Products like one, by the words of its title; of its first category if it has one, or else of its type. */
  similar(id: string, language: Language, max: number): ReadonlyArray<ProductDocument> {
    const document = this.get(id)
    if (document === undefined) return []
    const { units } = this.#plan(document.title.slice(0, similarTextMax), language, false)
    const matching = this.#matcher.match(units)
    const { productType, standsIn } = document
    const [main] = standsIn
    const ofType: Filters = new Map(productType === null ? [] : [[type, [productType]]])
    const filters = main === undefined ? ofType : new Map([[category, [main]]])
    const { passing } = this.#facets.select(matching.found, language, filters, [])
    return this.#best(passing, matching.scores, "relevance", max + 1)
      .map((number) => this.#index.documents[number]!)
      .filter((other) => other.id !== id)
      .slice(0, max)
  }

  /** Whether so much of it is dead that it had better be made anew. */
  get isStale(): boolean {
    return this.#index.isStale
  }

  /** Makes the list of suggested queries anew: what is put afterwards is in it the next time. */
  buildSuggestions(): void {
    this.#suggestions.build(this.#index)
  }

  search(query: Query): Found {
    const { applied = nothing } = query
    const { units, corrected } = this.#plan(query.text, query.language, false, applied)
    const arranged = query.sort === "relevance" ? this.#arranged(applied) : asItIs
    const matching = this.#matcher.match(units)
    const isPartial = matching.complete < completeMin && matching.complete < matching.found.length
    const matched = (units.length === 0 ? [...this.#index.byId.values()] : matching.found).filter(
      (document) => units.length === 0 || isPartial || matching.units[document] === units.length
    )
    const priced = withAll(matched, arranged.places).filter((document) =>
      isPricedWithin(this.#index.documents[document]!, query)
    )
    const { facets, passing } = this.#facets.select(priced, query.language, query.filters, query.facets)
    const scores = units.length === 0 ? null : matching.scores
    const best = this.#best(passing, scores, query.sort, query.offset + query.limit, arranged).slice(query.offset)
    const looked = new Set(
      units.flatMap(({ alternatives }) =>
        alternatives.flatMap(({ any, beside = [] }) => [...any, ...beside.flat()].map(({ word }) => word))
      )
    )
    const hits = best.map((number): Hit => {
      const document = this.#index.documents[number]!
      return {
        document,
        title: ranges(document.title, looked),
        description: ranges(document.description, looked),
        isPinned: arranged.places.has(number),
        badge: arranged.places.has(number) ? (applied.pins.get(document.id) ?? null) : null
      }
    })
    return { hits, total: passing.length, isPartial, corrected, facets }
  }

  /** What somebody may be about to type, and products, categories and brands that it would find. */
  suggest(typed: string, language: Language): Suggested {
    const { units } = this.#plan(typed, language, true)
    const matching = this.#matcher.match(units)
    const complete = matching.found.filter((number) => matching.units[number] === units.length)
    const products = this.#best(complete, matching.scores, "relevance", suggestionsMax).map(
      (number) => this.#index.documents[number]!
    )
    const names = (facet: string) => namesBeginningWith(this.#facets.valuesOf(facet), typed, suggestionsMax)
    return {
      queries: this.#suggestions.beginningWith(typed, suggestionsMax),
      products,
      categories: names(category),
      brands: names(brand)
    }
  }

  #plan(text: string, language: Language, isPrefix: boolean, { expand }: Applied = nothing): QueryPlan {
    const words = { index: this.#index, vocabulary: this.#vocabulary, spelling: this.#spelling }
    return plan(words, language, text, expand, isPrefix)
  }

  /** Of products that are on sale: others have no number. */
  #arranged({ factors, pins }: Applied): Arranged {
    const numbered = <A>(entries: Iterable<readonly [id: string, value: A]>) =>
      new Map(
        [...entries].flatMap(([id, value]) => {
          const number = this.#index.byId.get(id)
          return number === undefined ? [] : [[number, value] as const]
        })
      )
    return { places: numbered([...pins.keys()].map((id, at) => [id, at])), factors: numbered(factors) }
  }

  #best(
    found: ReadonlyArray<number>,
    scores: Float32Array | null,
    sort: Sort,
    max: number,
    arranged: Arranged = asItIs
  ): ReadonlyArray<number> {
    return first(found, this.#index.documents, scores, sort, max, arranged)
  }
}

const asItIs: Arranged = { places: new Map(), factors: new Map() }

/** What was found, and what is to be shown though the words of the query do not find it. */
const withAll = (found: ReadonlyArray<number>, places: Arranged["places"]): ReadonlyArray<number> => {
  if (places.size === 0) return found
  const known = new Set(found)
  return [...found, ...[...places.keys()].filter((number) => !known.has(number))]
}

const isPricedWithin = ({ price }: ProductDocument, { priceFrom, priceTo }: Query): boolean =>
  (priceFrom === null || (price !== null && price >= priceFrom)) &&
  (priceTo === null || (price !== null && price <= priceTo))
