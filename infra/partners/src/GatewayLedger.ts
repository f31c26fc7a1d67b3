import { Schema } from "effect"

/** What every request and ledger entry carries; `reference` is the merchant's idempotency reference. */
const Reference = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9:_-]{1,160}$/))
const Id = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,100}$/))
/** Minor units, zero or more. */
const Amount = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Currency = Schema.String.check(Schema.isPattern(/^[A-Z]{3}$/))

export const AuthoriseBody = Schema.Struct({
  reference: Reference,
  orderId: Id,
  amount: Amount,
  currency: Currency,
  token: Schema.String.check(Schema.isMaxLength(70))
})
export const MoneyBody = Schema.Struct({ reference: Reference, amount: Amount })
export const VoidBody = Schema.Struct({ reference: Reference })
/** Of a chargeback that the bank takes back, by its reference. */
export const WinBody = Schema.Struct({ reference: Reference, chargeback: Reference })

export type Operation =
  | ({ readonly _tag: "Authorise" } & typeof AuthoriseBody.Type)
  | ({
      readonly _tag: "Capture" | "Refund" | "Chargeback"
      readonly authorisationId: string
    } & typeof MoneyBody.Type)
  | ({ readonly _tag: "Void"; readonly authorisationId: string } & typeof VoidBody.Type)
  | ({ readonly _tag: "WinDispute"; readonly authorisationId: string } & typeof WinBody.Type)

/** Why an operation was refused with 409; kept under its reference, so a repeat is refused too. */
export const RefusalCode = Schema.Literals([
  "not_authorised",
  "voided",
  "captured",
  "exceeds_authorised",
  "exceeds_captured",
  "too_many_changes",
  "authorisation_expired",
  "not_voidable",
  "account_closed",
  "no_such_chargeback"
])
export type RefusalCode = typeof RefusalCode.Type

const about = {
  authorisationId: Id,
  reference: Reference,
  /** The request in one line: a repeated reference with another request is an error of the merchant's. */
  request: Schema.String,
  /** Milliseconds since 1970. */
  at: Schema.Int
}
const change = { ...about, eventId: Schema.String, amount: Amount }
const opened = { ...change, orderId: Id, currency: Currency, token: Schema.String }

export const Change = Schema.Union([
  Schema.TaggedStruct("Authorised", opened),
  Schema.TaggedStruct("Declined", { ...opened, reason: Schema.String }),
  Schema.TaggedStruct("Captured", change),
  Schema.TaggedStruct("Voided", change),
  Schema.TaggedStruct("Refunded", change),
  Schema.TaggedStruct("ChargedBack", change),
  Schema.TaggedStruct("DisputeWon", { ...change, chargeback: Reference })
])
export type Change = typeof Change.Type
const Refused = Schema.TaggedStruct("Refused", { ...about, operation: Schema.String, code: RefusalCode })
/** The answer of one request, and what it changed. */
export type Answered = Change | typeof Refused.Type
/** A webhook needs no more sending: the merchant took it, or all attempts are used up. */
export const Settled = Schema.TaggedStruct("Settled", { eventId: Schema.String, delivered: Schema.Boolean })
export const Entry = Schema.Union([...Change.members, Refused, Settled])
export type Entry = typeof Entry.Type

/** One authorisation and all that became of it. `captured <= authorised`, `refunded + chargedBack <= captured`, and `voided > 0` only if nothing was captured. */
export interface Authorisation {
  readonly id: string
  readonly reference: string
  readonly orderId: string
  readonly currency: string
  readonly token: string
  readonly status: "authorised" | "declined" | "voided"
  readonly authorised: number
  readonly captured: number
  readonly voided: number
  readonly refunded: number
  readonly chargedBack: number
  readonly changes: ReadonlyArray<Change>
  /** Operations that were refused, each kind once. */
  readonly refused: ReadonlyArray<string>
}

/** What `decide` may not make up itself. */
export interface Chance {
  readonly authorisationId: string
  readonly eventId: string
  readonly at: number
}

export const request = (operation: Operation): string => {
  switch (operation._tag) {
    case "Authorise":
      return ["authorise", operation.orderId, operation.amount, operation.currency, operation.token].join(" ")
    case "Void":
      return `void ${operation.authorisationId}`
    case "WinDispute":
      return `win ${operation.authorisationId} ${operation.chargeback}`
    case "Capture":
    case "Refund":
    case "Chargeback":
      return `${operation._tag.toLowerCase()} ${operation.authorisationId} ${operation.amount}`
  }
}

/** Changes of one authorisation; the next operation is refused. */
const changesMax = 600

/**
 * Operations that a card's account does not take though the card was accepted: `tok_refund_refused` for ever,
 * `tok_refund_refused_once` for the first reference only.
 */
const closed = {
  Capture: { token: "tok_capture_refused", code: "authorisation_expired" },
  Void: { token: "tok_void_refused", code: "not_voidable" },
  Refund: { token: "tok_refund_refused", code: "account_closed" }
} as const
const closedTokens = Object.values(closed).flatMap(({ token }) => [token, `${token}_once`])

/** Tokens of cards that pay; how the answer or the webhook misbehaves is the matter of `GatewayRoutes.ts` and `GatewayBook.ts`. */
const accepted = new Set([
  "tok_ok",
  "tok_timeout_after_success",
  "tok_slow",
  "tok_duplicate_webhook",
  "tok_late_webhook",
  "tok_error_then_ok",
  ...closedTokens
])
const declineReason = (token: string): string => {
  if (token === "tok_declined") return "declined"
  if (token === "tok_insufficient_funds") return "insufficient_funds"
  return "invalid_token"
}

const refusal = (
  state: Authorisation,
  operation: Exclude<Operation, { _tag: "Authorise" }>
): typeof RefusalCode.Type | null => {
  if (state.status === "declined") return "not_authorised"
  if (state.status === "voided") return "voided"
  if (state.changes.length >= changesMax) return "too_many_changes"
  const beyond = beyondBounds(state, operation)
  if (beyond !== null || operation._tag === "Chargeback" || operation._tag === "WinDispute") return beyond
  const { code, token } = closed[operation._tag]
  const isClosed = state.token === token || (state.token === `${token}_once` && !state.refused.includes(operation._tag))
  return isClosed ? code : null
}

const beyondBounds = (
  state: Authorisation,
  operation: Exclude<Operation, { _tag: "Authorise" }>
): typeof RefusalCode.Type | null => {
  switch (operation._tag) {
    case "Capture":
      return state.captured + operation.amount > state.authorised ? "exceeds_authorised" : null
    case "Void":
      return state.captured > 0 ? "captured" : null
    case "Refund":
    case "Chargeback":
      return state.refunded + state.chargedBack + operation.amount > state.captured ? "exceeds_captured" : null
    case "WinDispute":
      return disputed(state, operation.chargeback) === 0 ? "no_such_chargeback" : null
  }
}

/** What is left of a chargeback. */
const disputed = ({ changes }: Authorisation, chargeback: string): number =>
  changes.reduce((sum, change) => {
    if (change._tag === "ChargedBack" && change.reference === chargeback) return sum + change.amount
    return change._tag === "DisputeWon" && change.chargeback === chargeback ? sum - change.amount : sum
  }, 0)

const changeTag = { Capture: "Captured", Refund: "Refunded", Chargeback: "ChargedBack" } as const

/** The entry that answers an operation whose reference is new; `state` is null for `Authorise` only. */
export const decide = (state: Authorisation | null, operation: Operation, chance: Chance): Answered => {
  const common = { reference: operation.reference, request: request(operation), at: chance.at }
  if (operation._tag === "Authorise") {
    const { amount, currency, orderId, token } = operation
    const opened = { ...common, ...chance, amount, currency, orderId, token }
    return accepted.has(token)
      ? { _tag: "Authorised", ...opened }
      : { _tag: "Declined", ...opened, reason: declineReason(token) }
  }
  const about = { ...common, authorisationId: operation.authorisationId }
  const code = state === null ? "not_authorised" : refusal(state, operation)
  if (state === null || code !== null) {
    return { _tag: "Refused", ...about, operation: operation._tag, code: code ?? "not_authorised" }
  }
  const { eventId } = chance
  switch (operation._tag) {
    case "Void":
      return { _tag: "Voided", ...about, eventId, amount: state.authorised }
    case "WinDispute": {
      const { chargeback } = operation
      return { _tag: "DisputeWon", ...about, eventId, chargeback, amount: disputed(state, chargeback) }
    }
    case "Capture":
    case "Refund":
    case "Chargeback":
      return { _tag: changeTag[operation._tag], ...about, eventId, amount: operation.amount }
  }
}

const initial = (change: Extract<Change, { _tag: "Authorised" | "Declined" }>): Authorisation => ({
  id: change.authorisationId,
  reference: change.reference,
  orderId: change.orderId,
  currency: change.currency,
  token: change.token,
  status: change._tag === "Authorised" ? "authorised" : "declined",
  authorised: change._tag === "Authorised" ? change.amount : 0,
  captured: 0,
  voided: 0,
  refunded: 0,
  chargedBack: 0,
  changes: [change],
  refused: []
})

/** Throws when an answer comes before the authorisation it belongs to: then the file is not ours. */
export const evolve = (state: Authorisation | undefined, change: Answered): Authorisation => {
  if (change._tag === "Authorised" || change._tag === "Declined") return initial(change)
  if (state === undefined) throw new Error(`${change._tag} without authorisation ${change.authorisationId}`)
  if (change._tag === "Refused") {
    const { operation } = change
    return state.refused.includes(operation) ? state : { ...state, refused: [...state.refused, operation] }
  }
  const next = { ...state, changes: [...state.changes, change] }
  switch (change._tag) {
    case "Captured":
      return { ...next, captured: state.captured + change.amount }
    case "Voided":
      return { ...next, status: "voided", voided: change.amount }
    case "Refunded":
      return { ...next, refunded: state.refunded + change.amount }
    case "ChargedBack":
      return { ...next, chargedBack: state.chargedBack + change.amount }
    case "DisputeWon":
      return { ...next, chargedBack: state.chargedBack - change.amount }
  }
}

const types = {
  Authorised: "payment.authorised",
  Declined: "payment.declined",
  Captured: "payment.captured",
  Voided: "payment.voided",
  Refunded: "payment.refunded",
  ChargedBack: "payment.charged_back",
  DisputeWon: "payment.dispute_won"
} as const

/** The webhook that tells of a change; `@halles/entities/PaymentGateway` reads it as `GatewayWebhook`. */
export const webhook = (state: Authorisation, change: Change) => ({
  eventId: change.eventId,
  type: types[change._tag],
  // A dispute is known by its chargeback.
  reference: change._tag === "DisputeWon" ? change.chargeback : change.reference,
  orderId: state.orderId,
  authorisationId: state.id,
  amount: change.amount,
  currency: state.currency,
  ...(change._tag === "Declined" ? { reason: change.reason } : {}),
  occurredAt: new Date(change.at).toISOString()
})

/** Status and body of the answer, the same however often the reference is repeated. */
export const answer = (entry: Answered): { readonly status: number; readonly body: object } => {
  const id = entry.authorisationId
  switch (entry._tag) {
    case "Authorised":
      return { status: 201, body: { id, status: "authorised" } }
    case "Declined":
      return { status: 201, body: { id, status: "declined", reason: entry.reason } }
    case "Captured":
      return { status: 201, body: { id, status: "captured", amount: entry.amount } }
    case "Voided":
      return { status: 201, body: { id, status: "voided", amount: entry.amount } }
    case "Refunded":
      return { status: 201, body: { id, status: "refunded", amount: entry.amount } }
    case "ChargedBack":
      return { status: 201, body: { id, status: "charged_back", amount: entry.amount } }
    case "DisputeWon":
      return { status: 201, body: { id, status: "dispute_won", amount: entry.amount } }
    case "Refused":
      return { status: 409, body: { code: entry.code } }
  }
}

/** What `GET /authorisations/{id}` shows. */
export const view = (state: Authorisation) => ({
  id: state.id,
  reference: state.reference,
  orderId: state.orderId,
  currency: state.currency,
  status: state.status,
  authorised: state.authorised,
  captured: state.captured,
  voided: state.voided,
  refunded: state.refunded,
  chargedBack: state.chargedBack,
  changes: state.changes.map(({ amount, at, reference, _tag }) => ({
    type: types[_tag],
    reference,
    amount,
    occurredAt: new Date(at).toISOString()
  }))
})
