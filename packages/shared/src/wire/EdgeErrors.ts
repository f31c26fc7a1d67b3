import { twoFactors } from "../security/Authority.ts"
import * as Problem from "./Problem.ts"
import { Refusal } from "./Refusal.ts"
import { Schema } from "effect"

/** The cluster did not answer in time, or not at all. The command may still have run: repeat it with the same key. */
export class Unavailable extends Refusal<Unavailable>()("Unavailable", {
  status: 503,
  title: "Not available at the moment",
  detail: "Try again after a moment, with the same idempotency key.",
  headers: Problem.retryAfter
}) {}

/** Where in the request something is wrong: a JSON pointer into the body, or the name of a parameter or header. */
export const Fault = Schema.Struct({
  pointer: Schema.optionalKey(Schema.String),
  parameter: Schema.optionalKey(Schema.String),
  header: Schema.optionalKey(Schema.String),
  detail: Schema.String
})
export type Fault = typeof Fault.Type

export class InvalidRequest extends Refusal<InvalidRequest>()("InvalidRequest", {
  status: 400,
  title: "The request does not follow the contract",
  fields: { errors: Schema.Array(Fault) },
  sample: { errors: [{ pointer: "/quantity", detail: "Expected a value between 1 and 1000000" }] },
  detail: ({ errors }) =>
    errors
      .map(({ detail }) => detail)
      .join("; ")
      .slice(0, 500)
}) {}

/** A path that can name nothing: an id without a region, say. */
export class MalformedId extends Refusal<MalformedId>()("MalformedId", {
  status: 404,
  title: "There is no such thing",
  fields: { parameter: Schema.String },
  sample: { parameter: "id" },
  detail: ({ parameter }) => `The path has no valid ${parameter}.`
}) {}

export class IdempotencyKeyRequired extends Refusal<IdempotencyKeyRequired>()("IdempotencyKeyRequired", {
  status: 400,
  title: "An idempotency key is required",
  detail: "Send an Idempotency-Key header: 1 to 100 visible ASCII characters, new for each intent."
}) {}

/** The key came before, with another request of the same sender. */
export class IdempotencyKeyReused extends Refusal<IdempotencyKeyReused>()("IdempotencyKeyReused", {
  status: 422,
  title: "The idempotency key was used for another request",
  detail: "Repeat a request with its key unchanged, and use a new key for another one."
}) {}

/** Anybody may send the same key, and the sender has no token to be told apart by. */
export class WeakIdempotencyKey extends Refusal<WeakIdempotencyKey>()("WeakIdempotencyKey", {
  status: 400,
  title: "Anybody could guess the idempotency key",
  detail: "Without a token, send a random UUID or another key of 128 random bits, or none.",
  help: "Send a key that nobody else can have come upon: a random UUID, a ULID, 32 hexadecimal digits, or 22 random characters of base64url. With a token, any key is your own."
}) {}

/** The first request with this key is being answered: what it comes to is not known yet. */
export class RequestInProgress extends Refusal<RequestInProgress>()("RequestInProgress", {
  status: 409,
  title: "The first request with this key is still running",
  detail: "Send the same request again after a moment to hear what it came to.",
  help: "Send the same request with the same idempotency key again, after as long as Retry-After says.",
  headers: Problem.retryAfter
}) {}

/** A change that must name the version it is meant for does not. */
export class PreconditionRequired extends Refusal<PreconditionRequired>()("PreconditionRequired", {
  status: 428,
  title: "The version is required",
  detail: "Send the ETag of what you read in If-Match."
}) {}

/** The token is none of ours, or there is none where one is needed. */
export class Unauthorized extends Refusal<Unauthorized>()("Unauthorized", {
  status: 401,
  title: "Not authorised",
  detail: "Send a valid bearer token, or sign in.",
  headers: { "www-authenticate": "Bearer" }
}) {}

/** Staff that signed in with one factor wants what needs two. */
export class StrongerSignInRequired extends Refusal<StrongerSignInRequired>()("StrongerSignInRequired", {
  status: 401,
  title: "Sign in with two factors",
  detail: "This needs a token of somebody who signed in with two factors.",
  help: "Sign in again with the `acr_values` that WWW-Authenticate names (RFC 9470), and repeat the request with the new token.",
  headers: { "www-authenticate": `Bearer error="insufficient_user_authentication", acr_values="${twoFactors}"` }
}) {}

/** The caller is known, but may not do this; `scopes` are those that the token lacks. */
export class Forbidden extends Refusal<Forbidden>()("Forbidden", {
  status: 403,
  title: "Not allowed",
  fields: {
    reason: Schema.Literals(["scope", "role", "owner", "region", "consent", "amount", "policy"]),
    scopes: Schema.Array(Schema.String)
  },
  sample: { reason: "scope", scopes: ["stock:write"] },
  detail: ({ reason, scopes }) =>
    ({
      scope: `The token lacks ${scopes.join(", ")}.`,
      role: "No role of yours may do this.",
      owner: "This belongs to somebody else.",
      region: "Your roles are limited to another region.",
      consent: "The customer has not consented to this.",
      amount: "The amount is more than your roles may move.",
      policy: "Nobody may do this."
    })[reason]
}) {}

/** The webhook's signature is missing, wrong or too old. */
export class BadSignature extends Refusal<BadSignature>()("BadSignature", {
  status: 401,
  title: "The signature does not match",
  detail: "Sign the exact body by Standard Webhooks, with a fresh timestamp."
}) {}

// Answers of admission control and of the middleware round all routes. Declared, so that the document and the typed client know them.

export class PayloadTooLarge extends Refusal<PayloadTooLarge>()("PayloadTooLarge", {
  status: 413,
  title: "The body is too large",
  detail: "A body has at most 256 KiB, but for catalogue imports."
}) {}

export class UnsupportedMediaType extends Refusal<UnsupportedMediaType>()("UnsupportedMediaType", {
  status: 415,
  title: "A media type that is not taken here",
  detail:
    "The reference names the `Content-Type` that each route takes: `application/json` of most, `application/octet-stream` or the type of the file of uploads."
}) {}

/** Two readers could take it for different requests: it leaves open whom it is for, where it ends or who sends it. */
export class MalformedRequest extends Refusal<MalformedRequest>()("MalformedRequest", {
  status: 400,
  title: "The request is no clear HTTP",
  detail: "Host stands twice.",
  help: "The detail says what is wrong: a path that begins with a slash, one Host, and one of each header that may stand once."
}) {}
export class RequestTimeout extends Refusal<RequestTimeout>()("RequestTimeout", {
  status: 408,
  title: "The request took too long to arrive",
  detail: "Send headers within ten seconds and the body without pauses.",
  help: "Send the same request with the same idempotency key again, over a faster connection or in smaller parts."
}) {}
export class TargetTooLong extends Refusal<TargetTooLong>()("TargetTooLong", {
  status: 414,
  title: "The path and query are too long",
  detail: "They have at most 8192 bytes.",
  help: "Ask for less at a time."
}) {}
export class HeadersTooLarge extends Refusal<HeadersTooLarge>()("HeadersTooLarge", {
  status: 431,
  title: "The headers are too large",
  detail: "Headers have at most 16 KiB and are at most 100.",
  help: "Leave out headers that are not needed; browsers often send cookies that other pages have set."
}) {}
/** One connection has more requests under way than it may. */
export class TooManyAtOnce extends Refusal<TooManyAtOnce>()("TooManyAtOnce", {
  status: 503,
  title: "Too many requests of one connection are under way",
  detail: "Wait for answers before you send more, or open another connection.",
  headers: Problem.retryAfter
}) {}

/** An address rule of the operators refuses the client. */
export class AddressDenied extends Refusal<AddressDenied>()("AddressDenied", {
  status: 403,
  title: "Not from this address",
  detail: "Requests from this network are not taken."
}) {}

/** A bucket is empty: the client's, the account's, the address's or the route's. */
export class RateLimited extends Refusal<RateLimited>()("RateLimited", {
  status: 429,
  title: "Too many requests",
  detail: "Wait as long as Retry-After says; RateLimit names the bucket that is empty.",
  headers: Problem.retryAfter
}) {}

/** The address asks as people do not (`Bots.ts`). */
export class ChallengeRequired extends Refusal<ChallengeRequired>()("ChallengeRequired", {
  status: 429,
  title: "Too many requests of a kind that people do not make",
  detail: "Wait as long as Retry-After says.",
  headers: Problem.retryAfter
}) {}

/** Load shedding has turned the request away, before anything was done. */
export class Overloaded extends Refusal<Overloaded>()("Overloaded", {
  status: 503,
  title: "Too much to do at the moment",
  detail: "Nothing was done. Try again after a moment, with the same idempotency key.",
  headers: Problem.retryAfter
}) {}

export class FaultInjected extends Refusal<FaultInjected>()("FaultInjected", {
  status: 503,
  title: "An operator lets this fail on purpose",
  detail: "A fault is switched on for this route. Try again later, with the same idempotency key.",
  headers: Problem.retryAfter
}) {}

/** A defect of ours; it is logged with its cause, and answered without. */
export class InternalError extends Refusal<InternalError>()("InternalError", {
  status: 500,
  title: "Something is broken on our side",
  detail: "It was logged. Repeating the request with the same idempotency key is safe."
}) {}
