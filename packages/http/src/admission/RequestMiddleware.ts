import { JsonRefused } from "@halles/shared/JsonText"
import { Cause, Clock, Context, Effect, Metric } from "effect"
import { HttpRouter, HttpServerError, HttpServerRequest, type HttpServerResponse } from "effect/http"
import * as Deadlines from "./Deadlines.ts"
import {
  InternalError,
  MalformedId,
  PayloadTooLarge,
  Unavailable,
  UnsupportedMediaType
} from "@halles/shared/wire/EdgeErrors"
import * as Problem from "@halles/shared/wire/Problem"
import { documentOf } from "@halles/shared/wire/Refusal"
import { methodsOf } from "../openapi/RouteTable.ts"

/** Requests that are being answered at a time; the next one is turned away at once. Streams count until they begin. */
const inFlightMax = 2_000
/** Longer than the longest wait that a client may ask for, and than a slow upload of the largest body. */
const requestMsMax = 45_000

const requests = Metric.counter("halles_http_requests_total", {
  description: "Requests answered, by method and status.",
  incremental: true
})
const inFlight = Metric.gauge("halles_http_requests_in_flight", { description: "Requests that are being answered." })
const duration = Metric.histogram("halles_http_request_duration_seconds", {
  description: "From the headers of a request to the headers of its answer.",
  boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
})

const unavailable = Problem.response(documentOf(new Unavailable()), Problem.retryAfter)
const internal = Problem.response(documentOf(new InternalError()))
const tooLarge = Problem.response(documentOf(new PayloadTooLarge()), { connection: "close" })
const unsupported = Problem.response(documentOf(new UnsupportedMediaType()))
/** A path with the right method is not routed when its id is longer than the router reads. */
const longId = Problem.response(documentOf(new MalformedId({ parameter: "id" })))
const unread = Problem.make({
  code: "invalid_request",
  status: 400,
  title: "The request does not follow the contract",
  detail: "The body could not be read."
})
const unreadable = (cause: unknown): HttpServerResponse.HttpServerResponse =>
  Problem.response(
    cause instanceof JsonRefused ? { ...unread, errors: [{ pointer: cause.pointer, detail: cause.detail }] } : unread
  )
const noRoute = Problem.response(
  Problem.make({
    code: "not_found",
    status: 404,
    title: "There is no such thing",
    detail: "No resource has this path."
  })
)
const methodNotAllowed = Problem.kind({ code: "method_not_allowed", status: 405, title: "Not with this method" })
const otherMethod = (allowed: ReadonlyArray<string>): HttpServerResponse.HttpServerResponse =>
  Problem.response(methodNotAllowed(`This resource takes ${allowed.join(", ")}.`), { allow: allowed.join(", ") })

const notRouted = ({ method, url }: HttpServerRequest.HttpServerRequest): HttpServerResponse.HttpServerResponse => {
  const allowed = [...methodsOf(url).keys()]
  if (allowed.length === 0) return noRoute
  return allowed.includes(method) ? longId : otherMethod(allowed)
}

/** What a request ends in that no endpoint declares. A defect is logged with its trace, and answered without. */
const ofCause = (
  request: HttpServerRequest.HttpServerRequest,
  cause: Cause.Cause<unknown>
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  for (const reason of cause.reasons) {
    const error = reason._tag === "Fail" ? reason.error : reason._tag === "Die" ? reason.defect : undefined
    if (!HttpServerError.isHttpServerError(error)) continue
    if (error.reason._tag === "RouteNotFound") return Effect.succeed(notRouted(request))
    if (error.reason._tag !== "RequestParseError") continue
    return Effect.succeed(error.reason.reason === "BodyTooLarge" ? tooLarge : unreadable(error.reason.cause))
  }
  return Effect.logError(`${request.method} failed`, cause).pipe(
    Effect.annotateLogs("requestId", request.headers["request-id"]),
    Effect.as(internal)
  )
}

/** The builder's own answers carry plain text or nothing; ours are problems. */
const asProblem = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse => {
  if (response.status === 415) return unsupported
  if (response.status === 413 && response.body._tag === "Empty") return tooLarge
  return response
}

/** Once round all routes: the bound on requests, the deadline, the metrics, and problems for what nobody declared. */
export const RequestMiddleware = HttpRouter.middleware(
  Effect.map(Clock.Clock, (clock) => {
    let count = 0
    /** One for each method and status that there is: looking a metric up by its attributes costs more than counting. */
    const counters = new Map<string, Metric.Counter<number>>()
    const counterOf = (method: string, status: number): Metric.Counter<number> => {
      const key = `${method} ${status}`
      const known = counters.get(key)
      if (known !== undefined) return known
      const made = Metric.withAttributes(requests, { method, status: String(status) })
      counters.set(key, made)
      return made
    }
    return (answered: Effect.Effect<HttpServerResponse.HttpServerResponse, unknown, HttpRouter.GlobalProvided>) =>
      Effect.withFiber<HttpServerResponse.HttpServerResponse, unknown, HttpRouter.GlobalProvided>((fiber) => {
        if (count >= inFlightMax) return Effect.succeed(unavailable)
        const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
        const startedAt = clock.currentTimeNanosUnsafe()
        count += 1
        let isLate = false
        // Only the route below can be interrupted, so that this fiber still answers.
        const met = Deadlines.add(clock, requestMsMax, () => {
          isLate = true
          fiber.interruptUnsafe()
        })
        const done = (response: HttpServerResponse.HttpServerResponse) => {
          const { context } = fiber
          counterOf(request.method, response.status).updateUnsafe(1, context)
          inFlight.updateUnsafe(count, context)
          duration.updateUnsafe(Number(clock.currentTimeNanosUnsafe() - startedAt) / 1e9, context)
          return response
        }
        return Effect.matchCauseEffect(answered, {
          onSuccess: (response) => {
            met()
            count -= 1
            return Effect.succeed(done(asProblem(response)))
          },
          onFailure: (cause) => {
            met()
            count -= 1
            if (isLate) return Effect.succeed(done(unavailable))
            return Cause.hasInterrupts(cause) ? Effect.failCause(cause) : Effect.map(ofCause(request, cause), done)
          }
        })
      })
  }),
  { global: true }
)
