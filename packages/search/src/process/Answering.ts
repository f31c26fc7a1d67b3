import type { Msg } from "@nats-io/transport-node"
import { Nats } from "@halles/shared/clients/Nats"
import type { Region } from "@halles/shared/Region"
import * as Subject from "@halles/shared/Subject"
import { Effect, Layer, Metric, Option } from "effect"
import {
  type Answer,
  decodeQuestion,
  encodeAnswer,
  type Question,
  type Recommend,
  RecommendAnswer,
  SearchAnswer,
  SuggestAnswer
} from "../contract/SearchMessages.ts"
import { SkuCode } from "@halles/shared/Ids"
import type { Catalogue } from "./Catalogue.ts"
import { Following } from "./Following.ts"
import { Recommending } from "./Recommending.ts"

/** Recommendations that are looked through for those on sale. */
const candidatesMax = 200
import { viewOf } from "@halles/entities/catalogue/ProductTable"

export const answered = Metric.counter("halles_search_answers_total", {
  description: "Questions that this process has answered",
  incremental: true
})
export const refused = Metric.counter("halles_search_unreadable_total", {
  description: "Questions that were none",
  incremental: true
})

/** What is recommended, of what is on sale. */
const recommender = (region: Region, catalogue: Catalogue, current: Recommending["Service"]["current"]) => {
  const viewOfSku = (sku: string) => {
    const row = catalogue.rows.get(`${region}_${sku}`)
    return row?.listed === true ? viewOf(row, region) : null
  }
  const isOf = (category: string | null, sku: string) =>
    category === null || catalogue.index.get(`${region}_${sku}`)?.categories.includes(category) === true
  return ({ category, kind, limit, skus }: Recommend) => {
    const { madeAt, model } = current()
    const [of] = skus
    const candidates: Array<readonly [sku: string, because: string | null, orders: number | null]> = []
    if (kind === "together") {
      for (const { because, item, together } of model.for(skus, candidatesMax))
        candidates.push([item, because, together])
    } else if (kind === "alternatives" && of !== undefined) {
      for (const { id } of catalogue.index.similar(`${region}_${of}`, "en", candidatesMax))
        candidates.push([catalogue.rows.get(id)!.sku, of, null])
    } else if (kind === "popular") {
      for (const [item, orders] of model.popular) candidates.push([item, null, orders])
    }
    const items: Array<(typeof RecommendAnswer.Type)["items"][number]> = []
    for (const [sku, because, orders] of candidates) {
      if (items.length === limit) break
      const product = isOf(category, sku) ? viewOfSku(sku) : null
      if (product !== null) items.push({ product, because: because === null ? null : SkuCode.make(because), orders })
    }
    return { orders: model.baskets, madeAt, items }
  }
}

/** Answers questions about the products of a region, one after the other, since each takes the whole of one core. */
export const layer = (region: Region) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const nats = yield* Nats
      const { asOf, catalogue } = yield* Following
      const product = (id: string) => viewOf(catalogue.rows.get(id)!, region)

      const { current } = yield* Recommending
      const recommend = recommender(region, catalogue, current)

      const answer = (question: Question): Answer => {
        const { index } = catalogue
        const fresh = { asOf: asOf(), products: index.size }
        if (question._tag === "Recommend") return new RecommendAnswer({ ...fresh, ...recommend(question) })
        if (question._tag === "Suggest") {
          const { products, ...rest } = index.suggest(question.text, question.language)
          return new SuggestAnswer({ ...fresh, ...rest, products: products.map(({ id }) => product(id)) })
        }
        const filters = new Map(question.filters.map(({ name, values }) => [name, values]))
        const { facets, hits, ...rest } = index.search({ ...question, filters })
        return new SearchAnswer({
          ...fresh,
          ...rest,
          hits: hits.map(({ description, document, title }) => ({ product: product(document.id), title, description })),
          facets: [...facets].map(([name, values]) => ({ name, values }))
        })
      }

      const context = yield* Effect.context<never>()
      const count = (metric: typeof answered) => Effect.runForkWith(context)(Metric.update(metric, 1))
      const onQuestion = (error: Error | null, message: Msg) => {
        if (error !== null) return
        const question = Option.getOrNull(decodeQuestion(message.string()))
        if (question === null) return void count(refused)
        message.respond(encodeAnswer(answer(question)))
        count(answered)
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => nats.subscribe(Subject.search(region), { queue: Subject.searchers, callback: onQuestion })),
        (subscription) => Effect.promise(() => subscription.drain())
      )
      // It serves once the server knows of it: who asks by another connection may be faster.
      yield* Effect.ignore(Effect.tryPromise(() => nats.flush()))
    })
  )
