import { Clock, Data, Effect, Random, Result, Schema } from "effect"
import type { HttpClientResponse } from "effect/http"
import { Problem } from "./EdgeSchema.ts"
import { EdgeLost, Refused } from "./LoadErrors.ts"

/** An outage (no connection, 429, 503 …) is sat out this long: a killed process is back well before. */
const outageMsMax = 180_000
/** A 500 may be the trace of a killed process; one that stays is a fault and is reported soon. */
const faultMsMax = 30_000
const backoffMsMin = 50
const backoffMsMax = 2_000
/** The edge may ask for a longer pause than our own, within reason. */
const retryAfterMsMax = 5_000

/** The answer did not come, or was "later"; the same request may be sent again. */
export class Later extends Data.TaggedError("Later")<{
  readonly reason: string
  readonly pauseMs: number
  readonly patienceMs: number
}> {}

export const later = (reason: string, pauseMs = 0) => new Later({ reason, pauseMs, patienceMs: outageMsMax })
/** As `later`, with the patience for what is more likely a fault than an outage. */
export const fault = (reason: string, pauseMs = 0) => new Later({ reason, pauseMs, patienceMs: faultMsMax })

/** A connection that failed, or a body that broke off. */
export const transport = (cause: unknown): Later => later(cause instanceof Error ? cause.message : String(cause))

/** `Retry-After` in seconds; the edge does not send dates. */
const pauseOf = (response: HttpClientResponse.HttpClientResponse): number => {
  const seconds = Number(response.headers["retry-after"] ?? "0")
  return Number.isFinite(seconds) ? Math.min(Math.max(0, seconds * 1000), retryAfterMsMax) : 0
}

const problemOf = Schema.decodeUnknownOption(Schema.fromJsonString(Problem))

/** Fails with `Later` if sending again makes sense, else with `Refused`. */
export const check = Effect.fnUntraced(function* (request: string, response: HttpClientResponse.HttpClientResponse) {
  const { status } = response
  if (status >= 200 && status < 300) return
  const text = yield* Effect.mapError(response.text, transport)
  const problem = problemOf(text)
  const code = problem._tag === "Some" ? problem.value.code : "no_problem_document"
  const detail = problem._tag === "Some" ? (problem.value.detail ?? problem.value.title ?? "") : text.slice(0, 300)
  // The first try of a request that was given up by us is still running there.
  if ([408, 425, 429, 502, 503, 504].includes(status) || code === "request_in_progress")
    return yield* later(`${status} ${code}: ${detail}`, pauseOf(response))
  if (status >= 500) return yield* fault(`${status} ${code}: ${detail}`, pauseOf(response))
  return yield* new Refused({ request, status, code, detail })
})

/** Sends a request again until it is answered or refused; gives up when the outage outlasts its patience. */
export const insist = Effect.fnUntraced(function* <A, E>(
  request: string,
  attempt: Effect.Effect<A, E | Later>,
  onRetry: Effect.Effect<void>,
  /** When a sign of life last came, for a request whose answer takes long. */
  aliveMs: () => number = () => 0
) {
  const startedMs = yield* Clock.currentTimeMillis
  for (let attempts = 0; ; attempts++) {
    const result = yield* Effect.result(attempt)
    if (Result.isSuccess(result)) return result.success
    if (!(result.failure instanceof Later)) return yield* Effect.fail(result.failure as Exclude<E, Later>)
    const { patienceMs, pauseMs, reason } = result.failure
    const silentMs = (yield* Clock.currentTimeMillis) - Math.max(startedMs, aliveMs())
    if (silentMs > patienceMs)
      return yield* new EdgeLost({ request, seconds: Math.round(silentMs / 1000), last: reason })
    yield* onRetry
    const backoffMs = Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(attempts, 10))
    yield* Effect.sleep(Math.max(pauseMs, backoffMs) * (0.5 + (yield* Random.next)))
  }
})
