import type { OrderId } from "@halles/shared/Ids"
import { Data, Effect, Random, Schedule, Stream } from "effect"
import { HttpClient, HttpClientRequest, type HttpClientResponse } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import { randomUUID } from "node:crypto"
import { Api } from "./Api.ts"

/** Tries of one request, the first among them; the last answer stands, whatever it is. */
const triesMax = 5
/** The edge may ask for a longer pause, within reason. */
const pauseMsMax = 5_000
/** Over one try; longer than the edge waits for an order at a client's wish. */
const deadline = "45 seconds"

/** Nothing was done, or it may be repeated under its key. */
const isTransient = ({ status }: HttpClientResponse.HttpClientResponse): boolean =>
  [408, 425, 429, 503].includes(status)

const keyed = (request: HttpClientRequest.HttpClientRequest): HttpClientRequest.HttpClientRequest =>
  request.method === "GET" || request.method === "HEAD" || request.headers["idempotency-key"] !== undefined
    ? request
    : HttpClientRequest.setHeader(request, "idempotency-key", randomUUID())

const pauseOf = Effect.fnUntraced(function* (response: HttpClientResponse.HttpClientResponse) {
  const seconds = Number(response.headers["retry-after"] ?? "1")
  const waitMs = Number.isFinite(seconds) ? Math.min(Math.max(0, seconds * 1_000), pauseMsMax) : pauseMsMax
  return waitMs * (1 + (yield* Random.next) / 4)
})

/**
 * Sends a request again that was answered "later", after as long as `Retry-After` says, or that got no answer. What changes
 * something gets an idempotency key first, which all of its tries carry, so that it takes effect once.
 */
export const patient = (client: HttpClient.HttpClient): HttpClient.HttpClient =>
  client.pipe(
    HttpClient.transform((send) =>
      Effect.gen(function* () {
        const once = Effect.timeout(send, deadline).pipe(
          Effect.retry({ times: triesMax - 1, schedule: Schedule.exponential("100 millis") }),
          Effect.catchTag("TimeoutError", Effect.die)
        )
        let response = yield* once
        for (let tries = 1; tries < triesMax && isTransient(response); tries++) {
          yield* Effect.sleep(yield* pauseOf(response))
          response = yield* once
        }
        return response
      })
    ),
    HttpClient.mapRequest(keyed)
  )

/** Every route as a method, with values and refusals as they are inside; over the `HttpClient` that is given. */
export const make = (baseUrl: string) => HttpApiClient.make(Api, { baseUrl, transformClient: patient })

type Client = Effect.Success<ReturnType<typeof make>>

/** The edge ended the stream, as it does when it stops: what is left is asked for again. */
class Ended extends Data.TaggedError("Ended") {}

/** What passes by itself, beside what the entity or the policy refused. */
const passes = (error: { readonly _tag: string }): boolean =>
  ["Ended", "HttpClientError", "Unavailable", "TooManyRequests"].includes(error._tag)

/** Between tries without a step; it gives up after some five minutes. */
const again = Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("5 seconds")]).pipe(
  Schedule.jittered,
  Schedule.upTo({ times: 60 }),
  Schedule.while(({ input }) => passes(input as { readonly _tag: string }))
)

/**
 * The steps of an order, each once and in order, and then each new one: when the connection is lost, or the edge ends it, it is
 * taken up after the last step that was seen (`Last-Event-ID`), until the edge says that nothing can follow.
 */
export const watchOrder = (client: Client, id: OrderId, afterSeq = 0) => {
  let seen = afterSeq
  return Stream.suspend(() =>
    Stream.unwrap(
      Effect.map(
        client.orders.watchOrder({ params: { id }, headers: seen === 0 ? {} : { "last-event-id": seen } }),
        (steps) => (steps === undefined ? Stream.empty : Stream.concat(steps, Stream.fail(new Ended())))
      )
    ).pipe(
      Stream.filter(({ seq }) => {
        if (seq <= seen) return false
        seen = seq
        return true
      })
    )
  ).pipe(Stream.retry(again))
}
