import { errors as natsErrors } from "@nats-io/transport-node"
import { Nats } from "@halles/shared/clients/Nats"
import * as Subject from "@halles/shared/Subject"
import { Context, Effect, Layer, Option, Schema } from "effect"
import {
  type Answer,
  decodeAnswer,
  encodeQuestion,
  type Question,
  SearchAnswer,
  SuggestAnswer,
  type Search,
  type Suggest
} from "./SearchMessages.ts"

/** A query that takes longer is given up: somebody waits for each letter that they type. */
export const answerMsMax = 1_000

/** No process searches that region, or none answered in time; trying again may help. */
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
      const unreadable = Effect.fail(new SearchUnavailable({ reason: "unreadable" }))
      return SearchClient.of({
        search: (question) =>
          Effect.flatMap(ask(question), (answer) =>
            answer instanceof SearchAnswer ? Effect.succeed(answer) : unreadable
          ),
        suggest: (question) =>
          Effect.flatMap(ask(question), (answer) =>
            answer instanceof SuggestAnswer ? Effect.succeed(answer) : unreadable
          )
      })
    })
  )
}
