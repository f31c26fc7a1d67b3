import { Currency } from "@halles/shared/Money"
import { Schema } from "effect"
import { Money } from "../shop/MoneyJson.ts"

/** The cluster did not answer in time, or not at all. The command may still have run: repeat it with the same key. */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", {}, { httpApiStatus: 503 }) {}

/** Where in the request something is wrong: a JSON pointer into the body, or the name of a parameter or header. */
export const Fault = Schema.Struct({
  pointer: Schema.optionalKey(Schema.String),
  parameter: Schema.optionalKey(Schema.String),
  header: Schema.optionalKey(Schema.String),
  detail: Schema.String
})
export type Fault = typeof Fault.Type

export class InvalidRequest extends Schema.TaggedError<InvalidRequest>()(
  "InvalidRequest",
  { errors: Schema.Array(Fault) },
  { httpApiStatus: 400 }
) {}

/** A path that can name nothing: an id without a region, say. */
export class MalformedId extends Schema.TaggedError<MalformedId>()(
  "MalformedId",
  { parameter: Schema.String },
  { httpApiStatus: 404 }
) {}

export class IdempotencyKeyRequired extends Schema.TaggedError<IdempotencyKeyRequired>()(
  "IdempotencyKeyRequired",
  {},
  { httpApiStatus: 400 }
) {}

/** The key came before, with another request of the same sender. */
export class IdempotencyKeyReused extends Schema.TaggedError<IdempotencyKeyReused>()(
  "IdempotencyKeyReused",
  {},
  { httpApiStatus: 422 }
) {}

/** Anybody may send the same key, and the sender has no token to be told apart by. */
export class WeakIdempotencyKey extends Schema.TaggedError<WeakIdempotencyKey>()(
  "WeakIdempotencyKey",
  {},
  { httpApiStatus: 400 }
) {}

/** The first request with this key is being answered: what it comes to is not known yet. */
export class RequestInProgress extends Schema.TaggedError<RequestInProgress>()(
  "RequestInProgress",
  {},
  { httpApiStatus: 409 }
) {}

/** A change that must name the version it is meant for does not. */
export class PreconditionRequired extends Schema.TaggedError<PreconditionRequired>()(
  "PreconditionRequired",
  {},
  { httpApiStatus: 428 }
) {}

/** The token is none of ours, or there is none where one is needed. */
export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", {}, { httpApiStatus: 401 }) {}

/** Staff that signed in with one factor wants what needs two. */
export class StrongerSignInRequired extends Schema.TaggedError<StrongerSignInRequired>()(
  "StrongerSignInRequired",
  {},
  { httpApiStatus: 401 }
) {}

/** The caller is known, but may not do this; `scopes` are those that the token lacks. */
export class Forbidden extends Schema.TaggedError<Forbidden>()(
  "Forbidden",
  {
    reason: Schema.Literals(["scope", "role", "owner", "region", "consent", "amount", "policy"]),
    scopes: Schema.Array(Schema.String)
  },
  { httpApiStatus: 403 }
) {}

/** The owner of an account gives it another address, which nobody has proved to read; at `changeAt` it is proved. */
export class EmailNeedsProof extends Schema.TaggedError<EmailNeedsProof>()(
  "EmailNeedsProof",
  { changeAt: Schema.String },
  { httpApiStatus: 422 }
) {}

/** An amount in another currency than the cart's. */
export class CurrencyMismatch extends Schema.TaggedError<CurrencyMismatch>()(
  "CurrencyMismatch",
  { expected: Currency },
  { httpApiStatus: 422 }
) {}

/** The total that the customer agreed to, and the one that the cart comes to. */
export class TotalChanged extends Schema.TaggedError<TotalChanged>()(
  "TotalChanged",
  { expected: Schema.toEncoded(Money), actual: Schema.toEncoded(Money) },
  { httpApiStatus: 409 }
) {}

/** The webhook's signature is missing, wrong or too old. */
export class BadSignature extends Schema.TaggedError<BadSignature>()("BadSignature", {}, { httpApiStatus: 401 }) {}

// What the gate and the guard round all routes answer; declared so that the document and the typed client know them.

export class PayloadTooLarge extends Schema.TaggedError<PayloadTooLarge>()(
  "PayloadTooLarge",
  {},
  { httpApiStatus: 413 }
) {}

export class UnsupportedMediaType extends Schema.TaggedError<UnsupportedMediaType>()(
  "UnsupportedMediaType",
  {},
  { httpApiStatus: 415 }
) {}

/** Whom it is for, where it ends or who sends it is left open: HTTP that two readers could take for two requests. */
export class MalformedRequest extends Schema.TaggedError<MalformedRequest>()(
  "MalformedRequest",
  {},
  { httpApiStatus: 400 }
) {}
export class RequestTimeout extends Schema.TaggedError<RequestTimeout>()(
  "RequestTimeout",
  {},
  { httpApiStatus: 408 }
) {}
export class TargetTooLong extends Schema.TaggedError<TargetTooLong>()("TargetTooLong", {}, { httpApiStatus: 414 }) {}
export class HeadersTooLarge extends Schema.TaggedError<HeadersTooLarge>()(
  "HeadersTooLarge",
  {},
  { httpApiStatus: 431 }
) {}
/** Of one connection, pipelined. */
export class TooManyAtOnce extends Schema.TaggedError<TooManyAtOnce>()("TooManyAtOnce", {}, { httpApiStatus: 503 }) {}

/** An address rule of the operators. */
export class AddressDenied extends Schema.TaggedError<AddressDenied>()("AddressDenied", {}, { httpApiStatus: 403 }) {}

/** A bucket is empty: the client's, the account's, the address's or the route's. */
export class RateLimited extends Schema.TaggedError<RateLimited>()("RateLimited", {}, { httpApiStatus: 429 }) {}

export class ChallengeRequired extends Schema.TaggedError<ChallengeRequired>()(
  "ChallengeRequired",
  {},
  { httpApiStatus: 429 }
) {}

/** Turned away before anything was done. */
export class Overloaded extends Schema.TaggedError<Overloaded>()("Overloaded", {}, { httpApiStatus: 503 }) {}

export class FaultInjected extends Schema.TaggedError<FaultInjected>()("FaultInjected", {}, { httpApiStatus: 503 }) {}

/** A defect of ours; it is logged with its cause, and answered without. */
export class InternalError extends Schema.TaggedError<InternalError>()("InternalError", {}, { httpApiStatus: 500 }) {}
