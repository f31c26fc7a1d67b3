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
  SearchAnswer,
  SuggestAnswer
} from "../contract/SearchMessages.ts"
import { Following } from "./Following.ts"
import { viewOf } from "@halles/entities/catalogue/ProductTable"

export const answered = Metric.counter("halles_search_answers_total", {
  description: "Questions that this process has answered",
  incremental: true
})
export const refused = Metric.counter("halles_search_unreadable_total", {
  description: "Questions that were none",
  incremental: true
})

/** Answers questions about the products of a region, one after the other, since each takes the whole of one core. */
export const layer = (region: Region) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const nats = yield* Nats
      const { asOf, catalogue } = yield* Following
      const product = (id: string) => viewOf(catalogue.rows.get(id)!, region)

      const answer = (question: Question): Answer => {
        const { index } = catalogue
        const fresh = { asOf: asOf(), products: index.size }
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
    })
  )
