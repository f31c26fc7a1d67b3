import type { Msg } from "@nats-io/transport-node"
import { isWithinBytes } from "@halles/shared/Bytes"
import { Nats } from "@halles/shared/clients/Nats"
import type { Region } from "@halles/shared/Region"
import * as Subject from "@halles/shared/Subject"
import { Clock, Effect, Layer, Metric, Option } from "effect"
import { type Answer, decodeQuestion, encodeAnswer } from "../contract/SearchMessages.ts"
import * as Answers from "./Answers.ts"
import { Counting } from "./Counting.ts"
import { Following } from "./Following.ts"
import { Recommending } from "./Recommending.ts"

const answered = Metric.counter("halles_search_answers_total", {
  description: "Questions that this process has answered",
  incremental: true
})
const unreadable = Metric.counter("halles_search_unreadable_total", {
  description: "Questions that were none",
  incremental: true
})
const failed = Metric.counter("halles_search_failed_total", {
  description: "Questions that this process could not answer; the edge says 503 to them",
  incremental: true
})

/** What NATS takes in one message, where its server has not said so yet. */
export const payloadBytesMax = 1_048_576

/** An answer that NATS does not take is sent with fewer products, or with fewer values of its facets. */
const encodedWithin = (answer: Answer, bytesMax: number): string => {
  const text = encodeAnswer(answer)
  if (isWithinBytes(text, bytesMax)) return text
  const shorter = Answers.halved(answer)
  if (shorter === null)
    throw new Error(`Even with one product the answer is larger than a message of ${bytesMax} bytes`)
  return encodedWithin(shorter, bytesMax)
}

/** Answers questions about the products of a region, one after the other, since each takes the whole of one core. */
export const layer = (region: Region) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const nats = yield* Nats
      const clock = yield* Clock.Clock
      const now = () => clock.currentTimeMillisUnsafe()
      const answerTo = Answers.make(region, yield* Following, yield* Recommending, yield* Counting, now)
      const fork = Effect.runForkWith(yield* Effect.context<never>())

      /** What cannot be answered gets an empty reply at once: who asks need not wait until its time is over. */
      const reply = (message: Msg) =>
        Effect.gen(function* () {
          const question = decodeQuestion(message.string())
          if (Option.isNone(question)) {
            message.respond()
            return yield* Metric.update(unreadable, 1)
          }
          message.respond(encodedWithin(answerTo(question.value), nats.info?.max_payload ?? payloadBytesMax))
          yield* Metric.update(answered, 1)
        }).pipe(
          // Thrown into the client's loop it would end the loop, and with it all that this process hears of NATS.
          Effect.catchCause((cause) => {
            message.respond()
            return Effect.andThen(
              Metric.update(failed, 1),
              Effect.logWarning(`A question about ${region} could not be answered`, cause)
            )
          })
        )
      const onQuestion = (error: Error | null, message: Msg) => {
        if (error === null) fork(reply(message))
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => nats.subscribe(Subject.search(region), { queue: Subject.searchers, callback: onQuestion })),
        (subscription) => Effect.promise(() => subscription.drain())
      )
      // It serves once the server knows of it: who asks by another connection may be faster.
      yield* Effect.ignore(Effect.tryPromise(() => nats.flush()))
    })
  )
