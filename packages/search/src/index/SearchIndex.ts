import { brand, category, FacetValues, type FacetCount, type Filters } from "./FacetValues.ts"
import { ranges, type Range } from "./Highlight.ts"
import { InvertedIndex } from "./InvertedIndex.ts"
import type { Language } from "./Language.ts"
import { Matcher, type Matching } from "./Matching.ts"
import type { ProductDocument } from "./ProductDocument.ts"
import { plan, type QueryPlan } from "./QueryPlan.ts"
import { Spelling } from "./Spelling.ts"
import { namesBeginningWith, Suggestions } from "./Suggestions.ts"
import { first, type Sort } from "./Sort.ts"
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
}

export interface Hit {
  readonly document: ProductDocument
  readonly title: ReadonlyArray<Range>
  readonly description: ReadonlyArray<Range>
}

export interface Found {
  readonly hits: ReadonlyArray<Hit>
  readonly total: number
  /** Whether what was found lacks some of the words. */
  readonly isPartial: boolean
  /** What the query was taken for. */
  readonly corrected: string | null
  readonly facets: ReadonlyMap<string, ReadonlyArray<FacetCount>>
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
    this.#index.put(document)
    this.#facets.put(document)
    for (const word of this.#index.words.slice(known)) this.#spelling.add(word)
  }

  remove(id: string): void {
    this.#index.remove(id)
  }

  get(id: string): ProductDocument | undefined {
    const number = this.#index.byId.get(id)
    return number === undefined ? undefined : (this.#index.documents[number] ?? undefined)
  }

  /** How much of a product was sold lately, which its ranking uses. */
  noteSold(id: string, sold: number): void {
    const number = this.#index.byId.get(id)
    const document = number === undefined ? null : this.#index.documents[number]!
    if (number !== undefined && document !== null) this.#index.documents[number] = { ...document, sold }
  }

  /** Products like one, by the words of its title; of its first category, if it has one. */
  similar(id: string, language: Language, max: number): ReadonlyArray<ProductDocument> {
    const document = this.get(id)
    if (document === undefined) return []
    const { units } = this.#plan(document.title.slice(0, similarTextMax), language, false)
    const matching = this.#matcher.match(units)
    const [main] = document.categories
    const filters: Filters = new Map(main === undefined ? [] : [[category, [main]]])
    const { passing } = this.#facets.select(matching.found, filters, [])
    return this.#best(passing, matching, "relevance", max + 1)
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
    const { units, corrected } = this.#plan(query.text, query.language, false)
    const matching = this.#matcher.match(units)
    const isPartial = matching.complete < completeMin && matching.complete < matching.found.length
    const matched = (units.length === 0 ? [...this.#index.byId.values()] : matching.found).filter(
      (document) =>
        (units.length === 0 || isPartial || matching.units[document] === units.length) &&
        isPricedWithin(this.#index.documents[document]!, query)
    )
    const { facets, passing } = this.#facets.select(matched, query.filters, query.facets)
    const best = this.#best(passing, matching, query.sort, query.offset + query.limit).slice(query.offset)
    const looked = new Set(
      units.flatMap(({ alternatives }) =>
        alternatives.flatMap(({ any, both }) => [...any, ...(both === undefined ? [] : [both])].map(({ word }) => word))
      )
    )
    const hits = best.map((number): Hit => {
      const document = this.#index.documents[number]!
      return {
        document,
        title: ranges(document.title, looked),
        description: ranges(document.description, looked)
      }
    })
    return { hits, total: passing.length, isPartial, corrected, facets }
  }

  /** What somebody may be about to type, and products, categories and brands that it would find. */
  suggest(typed: string, language: Language): Suggested {
    const { units } = this.#plan(typed, language, true)
    const matching = this.#matcher.match(units)
    const complete = matching.found.filter((number) => matching.units[number] === units.length)
    const products = this.#best(complete, matching, "relevance", suggestionsMax).map(
      (number) => this.#index.documents[number]!
    )
    return {
      queries: this.#suggestions.beginningWith(typed, suggestionsMax),
      products,
      categories: namesBeginningWith(this.#facets.valuesOf(category), typed, suggestionsMax),
      brands: namesBeginningWith(this.#facets.valuesOf(brand), typed, suggestionsMax)
    }
  }

  #plan(text: string, language: Language, isPrefix: boolean): QueryPlan {
    const words = { index: this.#index, vocabulary: this.#vocabulary, spelling: this.#spelling }
    return plan(words, language, text, isPrefix)
  }

  #best(found: ReadonlyArray<number>, { scores }: Matching, sort: Sort, max: number): ReadonlyArray<number> {
    return first(found, this.#index.documents, scores, sort, max)
  }
}

const isPricedWithin = ({ price }: ProductDocument, { priceFrom, priceTo }: Query): boolean =>
  (priceFrom === null || (price !== null && price >= priceFrom)) &&
  (priceTo === null || (price !== null && price <= priceTo))
