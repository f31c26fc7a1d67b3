import { type Answer, problemOf, type Request } from "@halles/harness/EdgeClient"
import { Clock, Data, Effect, Random, Result } from "effect"
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

/** `Retry-After` in seconds; the edge does not send dates. */
const pauseOf = ({ headers }: Answer): number => {
  const seconds = Number(headers["retry-after"] ?? "0")
  return Number.isFinite(seconds) ? Math.min(Math.max(0, seconds * 1000), retryAfterMsMax) : 0
}

/** The text of an answer; fails with `Later` if sending again makes sense, else with `Refused`. */
export const check = ({ method, path }: Request, answer: Answer): Effect.Effect<string, Later | Refused> => {
  const { status, text } = answer
  if (status >= 200 && status < 300) return Effect.succeed(text)
  const { code, detail: given, title = "" } = problemOf(text)
  const detail = given ?? title
  // The first try of a request that was given up by us is still running there.
  if ([408, 425, 429, 502, 503, 504].includes(status) || code === "request_in_progress")
    return Effect.fail(later(`${status} ${code}: ${detail}`, pauseOf(answer)))
  if (status >= 500) return Effect.fail(fault(`${status} ${code}: ${detail}`, pauseOf(answer)))
  return Effect.fail(new Refused({ request: `${method} ${path}`, status, code, detail }))
}

/** Sends a request again until it is answered or refused; gives up when the outage outlasts its patience. */
export const insist = Effect.fnUntraced(function* <A, E>(
  { method, path }: Pick<Request, "method" | "path">,
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
      return yield* new EdgeLost({ request: `${method} ${path}`, seconds: Math.round(silentMs / 1000), last: reason })
    yield* onRetry
    const backoffMs = Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(attempts, 10))
    yield* Effect.sleep(Math.max(pauseMs, backoffMs) * (0.5 + (yield* Random.next)))
  }
})
