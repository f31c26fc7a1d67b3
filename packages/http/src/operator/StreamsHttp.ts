import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { OperatorApi } from "./OperatorApi.ts"
import { replayMax } from "./OperatorJson.ts"
import { NotPossible } from "./OperatorProblems.ts"
import { changing } from "./Changes.ts"
import { DeadLetters } from "./views/DeadLetters.ts"
import { Streams } from "./views/Streams.ts"

const limitDefault = 50

/** Streams, those who read them, and what was given up. */
export const StreamsHttp = HttpApiBuilder.group(
  OperatorApi,
  "streams",
  Effect.fnUntraced(function* (handlers) {
    const streams = yield* Streams
    const letters = yield* DeadLetters
    return handlers.handleAll({
      streams: () => streams.all,
      deadLetters: ({ query }) => letters.page(query.cursor, query.limit ?? limitDefault),
      replayDeadLetters: ({ payload: { ids, limit, reason, stream } }) =>
        Effect.gen(function* () {
          if ((ids === undefined) === (stream === undefined)) {
            return yield* new NotPossible({ reason: "Name either ids or a stream." })
          }
          return ids === undefined
            ? yield* letters.replayStream(stream ?? "", limit ?? replayMax)
            : yield* letters.replay(ids)
        }).pipe(
          changing({
            action: "ops.dead_letters.replay",
            subject: stream ?? `${ids?.length ?? 0} letters`,
            reason,
            ...(ids === undefined ? {} : { details: { first: ids[0] ?? "" } })
          })
        ),
      resolveDeadLetters: ({ payload: { ids, reason } }) =>
        letters.resolve(ids).pipe(
          changing({
            action: "ops.dead_letters.resolve",
            subject: `${ids.length} letters`,
            reason,
            details: { first: ids[0] ?? "" }
          })
        )
    })
  })
)
