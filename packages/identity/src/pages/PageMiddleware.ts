import { Cause, Clock, Effect, Metric } from "effect"
import { HttpRouter, HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Refused } from "./Forms.ts"
import { html } from "./Html.ts"
import { nodeOf } from "../signin/Interactions.ts"
import * as Page from "./HtmlPage.ts"

/** Requests that are being answered at a time; the next one is turned away at once. */
const inFlightMax = 500
const requestMax = "20 seconds"

const requests = Metric.counter("halles_identity_requests_total", {
  description: "Requests answered, by method and status.",
  incremental: true
})
const duration = Metric.histogram("halles_identity_request_duration_seconds", {
  description: "From the headers of a request to the end of its answer.",
  boundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
})

const say = ({ detail, retryAfterSeconds, status, title }: Refused): HttpServerResponse.HttpServerResponse => {
  const response = Page.page({
    title,
    status,
    body: html`<p role="alert">${detail}</p>
      <p class="links"><a href="/account">Your account</a></p>`
  })
  return retryAfterSeconds === undefined
    ? response
    : HttpServerResponse.setHeader(response, "retry-after", String(retryAfterSeconds))
}
const busy = say(
  new Refused({ status: 503, title: "Too much at once", detail: "Try again in a moment.", retryAfterSeconds: 1 })
)
const broken = say(
  new Refused({ status: 500, title: "Something broke on our side", detail: "It was written down. Try again later." })
)
const missing = say(new Refused({ status: 404, title: "There is no such page", detail: "Look at the address again." }))

const ofCause = (request: HttpServerRequest.HttpServerRequest, cause: Cause.Cause<unknown>) => {
  for (const reason of cause.reasons) {
    const error = reason._tag === "Fail" ? reason.error : reason._tag === "Die" ? reason.defect : undefined
    if (error instanceof Refused) return Effect.succeed(say(error))
    if (HttpServerError.isHttpServerError(error) && error.reason._tag === "RouteNotFound")
      return Effect.succeed(missing)
  }
  // The path without its query: links in mails carry their secret there.
  return Effect.logError(`${request.method} ${request.url.split("?", 1)[0]} failed`, cause).pipe(
    Effect.annotateLogs("requestId", request.headers["request-id"]),
    Effect.as(broken)
  )
}

/** Once round all routes: the bound on requests, the deadline, the metrics, and a page for what went wrong. */
export const PageMiddleware = HttpRouter.middleware(
  Effect.sync(() => {
    let count = 0
    return (answered: Effect.Effect<HttpServerResponse.HttpServerResponse, unknown, HttpRouter.GlobalProvided>) =>
      Effect.gen(function* () {
        if (count >= inFlightMax) return busy
        const request = yield* HttpServerRequest.HttpServerRequest
        const clock = yield* Clock.Clock
        const startedAt = clock.currentTimeNanosUnsafe()
        count += 1
        const response = yield* answered.pipe(
          Effect.timeoutOrElse({ duration: requestMax, orElse: () => Effect.succeed(busy) }),
          Effect.catchCause((cause) =>
            Cause.hasInterrupts(cause) ? Effect.failCause(cause) : ofCause(request, cause)
          ),
          Effect.ensuring(
            Effect.sync(() => {
              count -= 1
            })
          )
        )
        const { res } = nodeOf(request)
        const status = res.headersSent ? res.statusCode : response.status
        yield* Metric.update(Metric.withAttributes(requests, { method: request.method, status: String(status) }), 1)
        yield* Metric.update(duration, Number(clock.currentTimeNanosUnsafe() - startedAt) / 1e9)
        return response
      })
  }),
  { global: true }
)
