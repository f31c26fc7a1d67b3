import { Effect, Random, Schedule } from "effect"
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
  const asked = Number.isFinite(seconds) ? Math.min(Math.max(0, seconds * 1_000), pauseMsMax) : pauseMsMax
  return asked * (1 + (yield* Random.next) / 4)
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
