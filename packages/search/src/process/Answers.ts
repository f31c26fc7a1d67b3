import { Channel } from "@halles/entities/catalogue/Channel"
import { viewOf } from "@halles/entities/catalogue/ProductTable"
import { SkuCode } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import { Schema } from "effect"
import {
  type Answer,
  type Click,
  ClickAnswer,
  type Question,
  type Recommend,
  RecommendAnswer,
  type Search,
  SearchAnswer,
  type Suggest,
  SuggestAnswer
} from "../contract/SearchMessages.ts"
import { channel as channelFacet } from "../index/FacetValues.ts"
import { type Candidate, candidatesOf } from "../recommend/Candidates.ts"
import type { Counting } from "./Counting.ts"
import type { Following } from "./Following.ts"
import type { Recommending } from "./Recommending.ts"

const isChannel = Schema.is(Channel)
/** The channel that a question names, if it names one. */
const channelOf = ({ filters }: Search): Channel | null => {
  const [named, ...others] = filters.find(({ name }) => name === channelFacet)?.values ?? []
  return others.length === 0 && isChannel(named) ? named : null
}

/** What a search process answers to each question about the products of its region. */
export const make = (
  region: Region,
  { asOf, catalogue, rules }: Following["Service"],
  { current }: Recommending["Service"],
  counting: Counting["Service"],
  now: () => number
): ((question: Question) => Answer) => {
  const idOf = (sku: string) => `${region}_${sku}`
  const product = (id: string) => viewOf(catalogue.rows.get(id)!, region)
  const freshness = () => ({ asOf: asOf(), products: catalogue.index.size })

  const found = (question: Search) => {
    const { language, text } = question
    const filters = new Map(question.filters.map(({ name, values }) => [name, values]))
    const about = { language, channel: channelOf(question), now: now() }
    const applied = rules.for({ text, ...about })
    const first = { applied, ...catalogue.index.search({ ...question, filters, applied }) }
    if (first.corrected === null) return first
    // What a misspelt query was taken for may have rules of its own.
    const meant = rules.for({ text: first.corrected, ...about })
    if (applied.isForQuery || !meant.isForQuery) return first
    return { applied: meant, ...catalogue.index.search({ ...question, filters, applied: meant }) }
  }

  const search = (question: Search): SearchAnswer => {
    const { applied, facets, hits, ...rest } = found(question)
    if (isFirst(question)) counting.asked(question.text, rest.total > 0)
    return new SearchAnswer({
      ...freshness(),
      ...rest,
      hits: hits.map(({ document, ...hit }) => ({
        product: product(document.id),
        available: document.available,
        ...hit
      })),
      facets: [...facets].map(([name, facet]) => ({ name, ...facet })),
      redirect: applied.redirect
    })
  }

  const suggest = ({ language, text }: Suggest): SuggestAnswer => {
    const { products, ...rest } = catalogue.index.suggest(text, language)
    return new SuggestAnswer({ ...freshness(), ...rest, products: products.map(({ id }) => product(id)) })
  }

  const recommend = (question: Recommend): RecommendAnswer => {
    const { category, limit } = question
    const { madeAt, model } = current()
    const similar = (sku: string, max: number) =>
      catalogue.index.similar(idOf(sku), question.language, max).map(({ id }) => catalogue.rows.get(id)!.sku)
    const items: Array<(typeof RecommendAnswer.Type)["items"][number]> = []
    const add = ([sku, because, orders]: Candidate) => {
      // The index has what is on sale.
      const document = catalogue.index.get(idOf(sku))
      if (document === undefined || (category !== null && !document.standsIn.includes(category))) return
      items.push({ product: product(document.id), because: because === null ? null : SkuCode.make(because), orders })
    }
    for (const candidate of candidatesOf(question, model, similar)) {
      if (items.length === limit) break
      add(candidate)
    }
    return new RecommendAnswer({ ...freshness(), orders: model.baskets, madeAt, items })
  }

  const click = ({ position, sku, text }: Click): ClickAnswer => {
    const isOnSale = catalogue.index.get(idOf(sku)) !== undefined
    return new ClickAnswer({ isCounted: isOnSale && counting.clicked(text, position) })
  }

  return (question) => {
    switch (question._tag) {
      case "Search":
        return search(question)
      case "Suggest":
        return suggest(question)
      case "Recommend":
        return recommend(question)
      case "Click":
        return click(question)
    }
  }
}

/** Whether somebody asks for the first time: pages and filters that follow are of the same search. */
const isFirst = ({ filters, offset, priceFrom, priceTo }: Search): boolean =>
  offset === 0 && priceFrom === null && priceTo === null && filters.every(({ name }) => name === channelFacet)

const half = <A>(all: ReadonlyArray<A>): ReadonlyArray<A> => all.slice(0, all.length >> 1)

const withHalfOfFacets = (answer: SearchAnswer): SearchAnswer | null =>
  answer.facets.every(({ values }) => values.length === 0)
    ? null
    : new SearchAnswer({
        ...answer,
        facets: answer.facets.map(({ more, name, values }) => ({
          name,
          values: half(values),
          more: more + values.length - half(values).length
        }))
      })

/**
 * The answer with the first half of its products, or of the values of its facets; `null` if that has none. A shorter page of hits is
 * gone on with by its cursor.
 */
export const halved = (answer: Answer): Answer | null => {
  switch (answer._tag) {
    case "SearchAnswer":
      return answer.hits.length < 2
        ? withHalfOfFacets(answer)
        : new SearchAnswer({ ...answer, hits: half(answer.hits) })
    case "SuggestAnswer":
      return answer.products.length === 0 ? null : new SuggestAnswer({ ...answer, products: half(answer.products) })
    case "RecommendAnswer":
      return answer.items.length < 2 ? null : new RecommendAnswer({ ...answer, items: half(answer.items) })
    case "ClickAnswer":
      return null
  }
}
