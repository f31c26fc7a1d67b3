import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http"
import { ProblemDetails } from "effect/http"
import * as Problem from "./Problem.ts"
import { always } from "./SecurityHeaders.ts"

/** An answer that is known before the request is: its document is made once. */
export interface Refusal {
  readonly status: number
  readonly code: string
  readonly body: Buffer
}

const refusal = (options: {
  readonly code: string
  readonly status: number
  readonly title: string
  readonly detail: string
}): Refusal => ({
  status: options.status,
  code: options.code,
  body: Buffer.from(JSON.stringify(Problem.make(options)))
})

export const addressDenied = refusal({
  code: "address_denied",
  status: 403,
  title: "Not from this address",
  detail: "Requests from this network are not taken."
})
export const rateLimited = refusal({
  code: "rate_limited",
  status: 429,
  title: "Too many requests",
  detail: "Wait as long as Retry-After says; RateLimit names the bucket that is empty."
})
export const challengeRequired = refusal({
  code: "challenge_required",
  status: 429,
  title: "Too many requests of a kind that people do not make",
  detail: "Wait as long as Retry-After says, or pass the challenge if one is offered."
})
export const overloaded = refusal({
  code: "overloaded",
  status: 503,
  title: "Too much to do at the moment",
  detail: "Nothing was done. Try again after a moment, with the same idempotency key."
})
export const faultInjected = refusal({
  code: "fault_injected",
  status: 503,
  title: "An operator lets this fail on purpose",
  detail: "A fault is switched on for this route. Try again later, with the same idempotency key."
})
/** A body of more than this is not read to its end for the sake of the connection, in bytes. */
const unreadMax = 65_536

/** Ends the exchange without anything of the application having run. */
export const answer = (
  request: IncomingMessage,
  response: ServerResponse,
  { body, status }: Refusal,
  headers: OutgoingHttpHeaders = {}
): void => {
  const unread =
    request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"]) > unreadMax
  response.writeHead(status, {
    "content-type": ProblemDetails.contentType,
    "content-length": body.length,
    "cache-control": "no-store",
    ...always,
    ...headers,
    ...(unread && request.httpVersionMajor === 1 ? { connection: "close" } : {})
  })
  response.end(request.method === "HEAD" ? undefined : body)
}
