import { errors as natsErrors } from "@nats-io/transport-node"
import { Nats } from "@halles/shared/clients/Nats"
import * as Subject from "@halles/shared/Subject"
import { Context, Effect, Layer, Option, Schema } from "effect"
import {
  type Answer,
  type Click,
  ClickAnswer,
  decodeAnswer,
  encodeQuestion,
  type Question,
  type Recommend,
  RecommendAnswer,
  type Search,
  SearchAnswer,
  type Suggest,
  SuggestAnswer
} from "./SearchMessages.ts"

/** A query that takes longer is given up: somebody waits for each letter that they type. */
export const answerMsMax = 1_000

/**
 * No process searches that region, or none answered in time, or what came is no answer: a process that cannot answer sends an empty
 * reply. Trying again may help.
 */
export class SearchUnavailable extends Schema.TaggedError<SearchUnavailable>()("SearchUnavailable", {
  reason: Schema.Literals(["nobody_searches", "no_answer", "unreadable"])
}) {}

const reasonOf = (cause: unknown): SearchUnavailable["reason"] =>
  cause instanceof natsErrors.NoRespondersError || (cause instanceof natsErrors.RequestError && cause.isNoResponders())
    ? "nobody_searches"
    : "no_answer"

/** Asks the processes that search a region; any of them answers. */
export class SearchClient extends Context.Service<
  SearchClient,
  {
    readonly search: (question: Search) => Effect.Effect<SearchAnswer, SearchUnavailable>
    readonly suggest: (question: Suggest) => Effect.Effect<SuggestAnswer, SearchUnavailable>
    readonly recommend: (question: Recommend) => Effect.Effect<RecommendAnswer, SearchUnavailable>
    readonly click: (click: Click) => Effect.Effect<ClickAnswer, SearchUnavailable>
  }
>()("@halles/search/SearchClient") {
  static readonly layer = Layer.effect(
    SearchClient,
    Effect.gen(function* () {
      const nats = yield* Nats
      const ask = (question: Question): Effect.Effect<Answer, SearchUnavailable> =>
        Effect.tryPromise({
          try: () => nats.request(Subject.search(question.region), encodeQuestion(question), { timeout: answerMsMax }),
          catch: (cause) => new SearchUnavailable({ reason: reasonOf(cause) })
        }).pipe(
          Effect.map((reply) => decodeAnswer(reply.string())),
          Effect.flatMap(
            Option.match({
              onNone: () => Effect.fail(new SearchUnavailable({ reason: "unreadable" })),
              onSome: (answer) => Effect.succeed(answer)
            })
          )
        )
      const asked = <A extends Answer>(question: Question, isWanted: (answer: Answer) => answer is A) =>
        Effect.flatMap(ask(question), (answer) =>
          isWanted(answer) ? Effect.succeed(answer) : Effect.fail(new SearchUnavailable({ reason: "unreadable" }))
        )
      return SearchClient.of({
        search: (question) => asked(question, (answer) => answer instanceof SearchAnswer),
        suggest: (question) => asked(question, (answer) => answer instanceof SuggestAnswer),
        recommend: (question) => asked(question, (answer) => answer instanceof RecommendAnswer),
        click: (click) => asked(click, (answer) => answer instanceof ClickAnswer)
      })
    })
  )
}
