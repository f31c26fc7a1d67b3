import { CartClosed, CartEmpty, CartFull, MergeRefused, NotSold, PricingMismatch } from "@halles/entities/cart/Cart"
import { NotEnoughPoints, TooManyAddresses } from "@halles/entities/customer/Customer"
import { AlreadyExists, NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { NotShipped, ReturnExceeds, TooLateToCancel, TooManyReturns } from "@halles/entities/order/Order"
import { StockBound, StockChanged, StockPromised } from "@halles/entities/inventory/Sku"
import { EntityParked } from "@halles/engine/activation/Parking"
import { TooLarge } from "@halles/engine/activation/Undeclared"
import { TooManyEndpoints } from "../webhooks/Subscriptions.ts"
import { TargetRefused } from "../webhooks/Targets.ts"
import * as EdgeErrors from "./EdgeErrors.ts"
import { TooManyKeys } from "../access/PartnerKeys.ts"
import { invalidRequestOf } from "./RequestProblems.ts"
import * as Problem from "./Problem.ts"

// Every problem that the contract names, once: what a person reads beside the stable code.

export { forbidden, strongerSignInRequired, unauthorized } from "../access/AccessProblems.ts"

export const notFound = Problem.of(NotFound, {
  title: "There is no such thing",
  sample: { entity: "Cart", id: "eu_Qm3vXr8Kd0ZtWbYp5nLc2A" },
  detail: ({ entity, id }) => `No ${entity} has the id ${id}.`
})
export const alreadyExists = Problem.of(AlreadyExists, {
  title: "The id is taken",
  sample: { entity: "Cart", id: "eu_Qm3vXr8Kd0ZtWbYp5nLc2A" },
  detail: ({ entity, id }) => `Another ${entity} has the id ${id}.`
})
export const idempotencyKeyReused = Problem.of(EdgeErrors.IdempotencyKeyReused, {
  title: "The idempotency key was used for another request",
  detail: () => "Repeat a request with its key unchanged, and use a new key for another one."
})
export const weakIdempotencyKey = Problem.of(EdgeErrors.WeakIdempotencyKey, {
  title: "Anybody could guess the idempotency key",
  detail: () => "Without a token, send a random UUID or another key of 128 random bits, or none.",
  help: "Send a key that nobody else can have come upon: a random UUID, a ULID, 32 hexadecimal digits, or 22 random characters of base64url. With a token, any key is your own."
})
export const preconditionFailed = Problem.of(PreconditionFailed, {
  title: "The resource has changed",
  detail: ({ seq }) => `If-Match names another version than "${seq}", which it is now. Nothing was written.`
})
export const preconditionRequired = Problem.of(EdgeErrors.PreconditionRequired, {
  title: "The version is required",
  detail: () => "Send the ETag of what you read in If-Match."
})
export const requestInProgress = Problem.of(EdgeErrors.RequestInProgress, {
  title: "The first request with this key is still running",
  detail: () => "Send the same request again after a moment to hear what it came to.",
  help: "Send the same request with the same idempotency key again, after as long as Retry-After says.",
  headers: { "retry-after": String(Problem.retryAfterSeconds) }
})
export const cartClosed = Problem.of(CartClosed, {
  title: "The cart takes no more changes",
  sample: { status: "checked_out" },
  detail: ({ status }) => `The cart is ${status}.`
})
export const cartEmpty = Problem.of(CartEmpty, {
  title: "The cart is empty",
  detail: () => "Put a line into the cart before checking it out."
})
export const cartFull = Problem.of(CartFull, {
  title: "The cart is full",
  sample: { bound: "lines", max: 2_000 },
  detail: ({ bound, max }) => `The most of ${bound} is ${max}.`
})
export const notSold = Problem.of(NotSold, {
  title: "Not sold",
  sample: { skus: ["TEA-09"] },
  detail: ({ skus }) => `Not on sale here in the cart's currency: ${skus.join(", ")}.`
})
export const totalChanged = Problem.of(EdgeErrors.TotalChanged, {
  title: "The total has changed",
  sample: { expected: { amount: "1495", currency: "GBP" }, actual: { amount: "1995", currency: "GBP" } },
  detail: ({ actual, expected }) =>
    `The customer agreed to ${expected.amount} ${expected.currency} (in minor units), the cart comes to ${actual.amount} ${actual.currency}. Nothing was ordered.`,
  help: "Show the cart anew: it has the prices of now. Check out with the new total in `expectedTotal` and a new idempotency key once the customer agrees to it."
})
export const pricingMismatch = Problem.of(PricingMismatch, {
  title: "Prices of another kind",
  sample: { pricing: "shop" },
  detail: ({ pricing }) => `The cart has ${pricing} pricing.`
})
export const mergeRefused = Problem.of(MergeRefused, {
  title: "The carts cannot be merged",
  sample: { reason: "other_currency" },
  detail: ({ reason }) => `Reason: ${reason}.`
})
export const tooLateToCancel = Problem.of(TooLateToCancel, {
  title: "Too late to cancel",
  sample: { status: "shipped" },
  detail: ({ status }) => `The order is ${status}.`
})
export const notShipped = Problem.of(NotShipped, {
  title: "Nothing was shipped that could come back",
  sample: { status: "confirmed" },
  detail: ({ status }) => `The order is ${status}.`
})
export const returnExceeds = Problem.of(ReturnExceeds, {
  title: "More than can be returned",
  sample: { sku: "TEA-01", returnable: 1 },
  detail: ({ returnable, sku }) => `Of ${sku}, ${returnable} can be returned.`
})
export const tooManyReturns = Problem.of(TooManyReturns, {
  title: "Too many returns",
  sample: { bound: "returns", max: 100 },
  detail: ({ bound, max }) =>
    `An order takes at most ${max} ${bound === "returns" ? "returns" : "lines in all its returns"}.`
})
export const tooManyAddresses = Problem.of(TooManyAddresses, {
  title: "Too many addresses",
  sample: { max: 50 },
  detail: ({ max }) => `A customer has at most ${max} addresses.`
})
export const emailNeedsProof = Problem.of(EdgeErrors.EmailNeedsProof, {
  title: "The address needs proof",
  sample: { changeAt: "http://localhost:4407/account/email" },
  detail: ({ changeAt }) =>
    `The address of an account is changed at ${changeAt}, by a link that is sent to the new one.`,
  help: "Send the person to the page that the detail names, and leave the member email out here."
})
export const notEnoughPoints = Problem.of(NotEnoughPoints, {
  title: "Not enough points",
  detail: ({ points }) => `The customer has ${points}.`
})
export const targetRefused = Problem.of(TargetRefused, {
  title: "Webhooks are not sent there",
  detail: ({ reason }) => `The URL is refused: ${reason}.`,
  help: "Use an https URL whose host has public addresses only, on port 443 or 8443, without credentials in it."
})
export const tooManyEndpoints = Problem.of(TooManyEndpoints, {
  title: "Too many webhook endpoints",
  detail: ({ max }) => `There are at most ${max}. Delete one first.`
})
export const stockChanged = Problem.of(StockChanged, {
  title: "The stock has changed",
  sample: { onHand: 497 },
  detail: ({ onHand }) => `On hand now: ${onHand}. Count again.`
})
export const stockPromised = Problem.of(StockPromised, {
  title: "The stock is promised",
  sample: { promised: 10 },
  detail: ({ promised }) => `Held and reserved: ${promised}.`
})
export const stockBound = Problem.of(StockBound, {
  title: "More than can be counted",
  sample: { bound: "on hand", max: 1_000_000_000 },
  detail: ({ bound, max }) => `The most of ${bound} is ${max}.`
})
export const unavailable = Problem.of(EdgeErrors.Unavailable, {
  title: "Not available at the moment",
  detail: () => "Try again after a moment, with the same idempotency key.",
  headers: { "retry-after": String(Problem.retryAfterSeconds) }
})
export const entityParked = Problem.of(EntityParked, {
  title: "Out of order until somebody has looked at it",
  sample: { entity: "Cart/eu_Qm3vXr8Kd0ZtWbYp5nLc2A" },
  detail: ({ entity }) => `${entity} failed again and again. Nothing was done, and our operators know of it.`,
  help: "Trying again at once does not help: an operator has to let it go on. The same request with the same idempotency key is safe at any time.",
  headers: { "retry-after": "60" }
})
export const tooLarge = Problem.of(TooLarge, {
  title: "More than can be kept in one piece",
  sample: { entity: "Cart/eu_Qm3vXr8Kd0ZtWbYp5nLc2A" },
  detail: ({ entity }) => `What ${entity} would come to is too large. Nothing was changed.`,
  help: "Send less at a time: fewer lines, or shorter texts. The same request will be refused again."
})
export const invalidRequest = invalidRequestOf("/quantity", "Expected a value between 1 and 1000000")
export { malformedId } from "./RequestProblems.ts"
export const idempotencyKeyRequired = Problem.of(EdgeErrors.IdempotencyKeyRequired, {
  title: "An idempotency key is required",
  detail: () => "Send an Idempotency-Key header: 1 to 100 visible ASCII characters, new for each intent."
})
export const currencyMismatch = Problem.of(EdgeErrors.CurrencyMismatch, {
  title: "Another currency",
  sample: { expected: "GBP" },
  detail: ({ expected }) => `The cart's currency is ${expected}.`
})
export const badSignature = Problem.of(EdgeErrors.BadSignature, {
  title: "The signature does not match",
  detail: () => "Sign the exact body by Standard Webhooks, with a fresh timestamp."
})
export const payloadTooLarge = Problem.of(EdgeErrors.PayloadTooLarge, {
  title: "The body is too large",
  detail: () => "A body has at most 256 KiB, but for catalogue imports."
})
export const unsupportedMediaType = Problem.of(EdgeErrors.UnsupportedMediaType, {
  title: "A media type that is not taken here",
  detail: () => "Send the media type that the contract names."
})
export const internalError = Problem.of(EdgeErrors.InternalError, {
  title: "Something is broken on our side",
  detail: () => "It was logged. Repeating the request with the same idempotency key is safe."
})
export const tooManyKeys = Problem.of(TooManyKeys, {
  title: "Too many keys",
  sample: { max: 20 },
  detail: ({ max }) => `A partner has at most ${max} keys that are good at a time. Revoke one first.`
})
export const malformedRequest = Problem.of(EdgeErrors.MalformedRequest, {
  title: "The request is no clear HTTP",
  detail: () => "Host stands twice.",
  help: "The detail says what is wrong: a path that begins with a slash, one Host, and one of each header that may stand once."
})
export const requestTimeout = Problem.of(EdgeErrors.RequestTimeout, {
  title: "The request took too long to arrive",
  detail: () => "Send headers within ten seconds and the body without pauses.",
  help: "Send the same request with the same idempotency key again, over a faster connection or in smaller parts."
})
export const targetTooLong = Problem.of(EdgeErrors.TargetTooLong, {
  title: "The path and query are too long",
  detail: () => "They have at most 8192 bytes.",
  help: "Ask for less at a time."
})
export const headersTooLarge = Problem.of(EdgeErrors.HeadersTooLarge, {
  title: "The headers are too large",
  detail: () => "Headers have at most 16 KiB and are at most 100.",
  help: "Leave out headers that are not needed; browsers often send cookies that other pages have set."
})
export const tooManyAtOnce = Problem.of(EdgeErrors.TooManyAtOnce, {
  title: "Too many requests of one connection are under way",
  detail: () => "Wait for answers before you send more, or open another connection.",
  headers: { "retry-after": String(Problem.retryAfterSeconds) }
})
export const addressDenied = Problem.of(EdgeErrors.AddressDenied, {
  title: "Not from this address",
  detail: () => "Requests from this network are not taken."
})
export const rateLimited = Problem.of(EdgeErrors.RateLimited, {
  title: "Too many requests",
  detail: () => "Wait as long as Retry-After says; RateLimit names the bucket that is empty.",
  headers: { "retry-after": String(Problem.retryAfterSeconds) }
})
export const challengeRequired = Problem.of(EdgeErrors.ChallengeRequired, {
  title: "Too many requests of a kind that people do not make",
  detail: () => "Wait as long as Retry-After says.",
  headers: { "retry-after": String(Problem.retryAfterSeconds) }
})
export const overloaded = Problem.of(EdgeErrors.Overloaded, {
  title: "Too much to do at the moment",
  detail: () => "Nothing was done. Try again after a moment, with the same idempotency key.",
  headers: { "retry-after": String(Problem.retryAfterSeconds) }
})
export const faultInjected = Problem.of(EdgeErrors.FaultInjected, {
  title: "An operator lets this fail on purpose",
  detail: () => "A fault is switched on for this route. Try again later, with the same idempotency key.",
  headers: { "retry-after": String(Problem.retryAfterSeconds) }
})
