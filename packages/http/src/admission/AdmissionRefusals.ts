import * as ListenerRefusal from "@halles/shared/listener/ListenerRefusal"
import * as Problem from "@halles/shared/wire/Problem"

const refusal = (options: {
  readonly code: string
  readonly status: number
  readonly title: string
  readonly detail: string
}): ListenerRefusal.Refusal => {
  Problem.make(options)
  return ListenerRefusal.make(options)
}

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
  detail: "Wait as long as Retry-After says."
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
