import { Context, Effect, Tracer } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse, HttpTraceContext } from "effect/http"
import { randomBytes } from "node:crypto"

/** Random digits for some hundred traces: asking for them one by one made a tenth of the cost of a request. */
const storeBytes = 8_192
const store = { digits: "", used: 0 }
/** Hexadecimal. */
const digits = (count: number): string => {
  if (store.used + count > store.digits.length) {
    store.digits = randomBytes(storeBytes).toString("hex")
    store.used = 0
  }
  return store.digits.slice(store.used, (store.used += count))
}

const begun = (): Tracer.ExternalSpan =>
  Tracer.externalSpan({ traceId: digits(32), spanId: digits(16), sampled: false })

/**
 * One trace for all that a request causes: the caller's, by W3C `traceparent`, or one that begins here with each change.
 * It goes with the calls to entities and is kept beside their events, whether or not spans are exported; the answer names
 * it in `traceresponse`.
 */
export const TraceContext = HttpRouter.middleware(
  Effect.succeed((answered: Effect.Effect<HttpServerResponse.HttpServerResponse, unknown, HttpRouter.GlobalProvided>) =>
    Effect.withFiber<HttpServerResponse.HttpServerResponse, unknown, HttpRouter.GlobalProvided>((fiber) => {
      const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
      const named = HttpTraceContext.fromHeaders(request.headers)
      if (named._tag === "None" && request.method === "GET") return answered
      const exported = Context.getOrUndefined(fiber.context, Tracer.ParentSpan)
      const span = exported ?? (named._tag === "Some" ? named.value : begun())
      const response = `00-${span.traceId}-${span.spanId}-${span.sampled ? "01" : "00"}`
      return Effect.map(
        exported === undefined ? Effect.provideService(answered, Tracer.ParentSpan, span) : answered,
        HttpServerResponse.setHeader("traceresponse", response)
      )
    })
  ),
  { global: true }
)
