import { viewOf } from "@halles/entities/catalogue/ProductTable"
import { SkuCode } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import {
  type Answer,
  type Question,
  type Recommend,
  RecommendAnswer,
  type Search,
  SearchAnswer,
  type Suggest,
  SuggestAnswer
} from "../contract/SearchMessages.ts"
import type { Following } from "./Following.ts"
import type { Recommending } from "./Recommending.ts"

/** Recommendations that are looked through for those on sale. */
const candidatesMax = 200

/** An article that may be recommended, as `RecommendAnswer` has it. */
type Candidate = readonly [sku: string, because: string | null, orders: number | null]

/** What a search process answers to each question about the products of its region. */
export const make = (
  region: Region,
  { asOf, catalogue }: Following["Service"],
  { current }: Recommending["Service"]
): ((question: Question) => Answer) => {
  const idOf = (sku: string) => `${region}_${sku}`
  const product = (id: string) => viewOf(catalogue.rows.get(id)!, region)
  const freshness = () => ({ asOf: asOf(), products: catalogue.index.size })

  const search = (question: Search): SearchAnswer => {
    const filters = new Map(question.filters.map(({ name, values }) => [name, values]))
    const { facets, hits, ...rest } = catalogue.index.search({ ...question, filters })
    return new SearchAnswer({
      ...freshness(),
      ...rest,
      hits: hits.map(({ description, document, title }) => ({ product: product(document.id), title, description })),
      facets: [...facets].map(([name, values]) => ({ name, values }))
    })
  }

  const suggest = ({ language, text }: Suggest): SuggestAnswer => {
    const { products, ...rest } = catalogue.index.suggest(text, language)
    return new SuggestAnswer({ ...freshness(), ...rest, products: products.map(({ id }) => product(id)) })
  }

  const candidatesOf = ({ kind, skus }: Recommend): ReadonlyArray<Candidate> => {
    const { model } = current()
    switch (kind) {
      case "together":
        return model.for(skus, candidatesMax).map(({ because, item, together }) => [item, because, together])
      case "popular":
        return model.popular.map(([item, orders]) => [item, null, orders])
      case "alternatives": {
        const [of] = skus
        if (of === undefined) return []
        const similar = catalogue.index.similar(idOf(of), "en", candidatesMax)
        return similar.map(({ id }) => [catalogue.rows.get(id)!.sku, of, null])
      }
    }
  }

  const recommend = (question: Recommend): RecommendAnswer => {
    const { category, limit } = question
    const items: Array<(typeof RecommendAnswer.Type)["items"][number]> = []
    for (const [sku, because, orders] of candidatesOf(question)) {
      if (items.length === limit) break
      // The index has what is on sale.
      const document = catalogue.index.get(idOf(sku))
      if (document === undefined || (category !== null && !document.categories.includes(category))) continue
      items.push({ product: product(document.id), because: because === null ? null : SkuCode.make(because), orders })
    }
    const { madeAt, model } = current()
    return new RecommendAnswer({ ...freshness(), orders: model.baskets, madeAt, items })
  }

  return (question) => {
    switch (question._tag) {
      case "Search":
        return search(question)
      case "Suggest":
        return suggest(question)
      case "Recommend":
        return recommend(question)
    }
  }
}

const half = <A>(all: ReadonlyArray<A>): ReadonlyArray<A> => all.slice(0, all.length >> 1)

/** The answer with the first half of its products; `null` if that has none. A shorter page of hits is gone on with by its cursor. */
export const halved = (answer: Answer): Answer | null => {
  switch (answer._tag) {
    case "SearchAnswer":
      return answer.hits.length < 2 ? null : new SearchAnswer({ ...answer, hits: half(answer.hits) })
    case "SuggestAnswer":
      return answer.products.length === 0 ? null : new SuggestAnswer({ ...answer, products: half(answer.products) })
    case "RecommendAnswer":
      return answer.items.length < 2 ? null : new RecommendAnswer({ ...answer, items: half(answer.items) })
  }
}
