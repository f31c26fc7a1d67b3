import { OrderId } from "@halles/shared/Ids"
import { Amount, Currency } from "@halles/shared/Money"
import { Schema } from "effect"
import { entriesMax, LedgerEntry } from "./Payment.ts"

/** Chargebacks and contradicting notices are the gateway's doing and cannot be refused: so many are kept in the state. */
export const noticesMax = 100

const at = { at: Schema.Int }
const about = { reference: LedgerEntry.fields.reference, ...at }
const money = { ...about, amount: Amount }
/** An operation that we refused ourselves, and the gateway never saw. */
const refused = { ...money, reason: Schema.String }
/** An operation that the gateway refused. */
const failed = { ...about, reason: Schema.String }

export const Event = Schema.Union([
  Schema.TaggedStruct("AuthoriseRequested", { ...money, orderId: OrderId, currency: Currency, token: Schema.String }),
  Schema.TaggedStruct("Authorised", { ...money, authorisationId: Schema.NullOr(Schema.String) }),
  Schema.TaggedStruct("Declined", failed),
  Schema.TaggedStruct("CaptureRequested", money),
  Schema.TaggedStruct("CaptureRefused", refused),
  Schema.TaggedStruct("Captured", money),
  Schema.TaggedStruct("CaptureFailed", failed),
  Schema.TaggedStruct("VoidRequested", money),
  Schema.TaggedStruct("VoidRefused", refused),
  Schema.TaggedStruct("Voided", money),
  Schema.TaggedStruct("VoidFailed", failed),
  Schema.TaggedStruct("RefundRequested", money),
  Schema.TaggedStruct("RefundRefused", refused),
  Schema.TaggedStruct("Refunded", money),
  Schema.TaggedStruct("RefundFailed", failed),
  Schema.TaggedStruct("ChargedBack", { ...money, eventId: Schema.String }),
  Schema.TaggedStruct("DisputeWon", { ...money, eventId: Schema.String }),
  /** The order took the message with this key. */
  Schema.TaggedStruct("OrderTold", { key: Schema.String, ...at }),
  /** The gateway says something that does not go with our ledger; operators look at it, the ledger stays. */
  Schema.TaggedStruct("NoticeContradicts", { ...money, eventId: Schema.String, type: Schema.String })
])
export type Event = typeof Event.Type

export const Entry = LedgerEntry
export type Entry = typeof Entry.Type
export type Kind = Entry["kind"]

/** A message for the order that it has not taken yet. */
export const Message = Schema.Struct({
  key: Schema.String,
  what: Schema.Literals(["charged_back", "won"]),
  reference: LedgerEntry.fields.reference,
  amount: Amount,
  ...at
})
export type Message = typeof Message.Type

export const State = Schema.Struct({
  /** `null` until it was asked for; a void may come before. */
  request: Schema.NullOr(Schema.Struct({ orderId: OrderId, currency: Currency, token: Schema.String })),
  authorisationId: Schema.NullOr(Schema.String),
  /** Append-only but for the status of an entry, which goes from `requested` to its outcome once. */
  ledger: Schema.Array(Entry),
  /** Events of the gateway that were taken down as chargebacks or contradictions, the last `noticesMax` of them. */
  notices: Schema.Array(Schema.String),
  messages: Schema.Array(Message)
})
export type State = typeof State.Type

export const initial: State = { request: null, authorisationId: null, ledger: [], notices: [], messages: [] }

export const evolve = (state: State, event: Event): State => {
  switch (event._tag) {
    case "AuthoriseRequested": {
      const { currency, orderId, token } = event
      return { ...append(state, "authorise", event), request: { orderId, currency, token } }
    }
    case "CaptureRequested":
      return append(state, "capture", event)
    case "VoidRequested":
      return append(state, "void", event)
    case "RefundRequested":
      return append(state, "refund", event)
    case "CaptureRefused":
      return append(state, "capture", event, "failed", event.reason)
    case "VoidRefused":
      return append(state, "void", event, "failed", event.reason)
    case "RefundRefused":
      return append(state, "refund", event, "failed", event.reason)
    case "Authorised":
      return { ...settle(state, "authorise", event), authorisationId: event.authorisationId }
    case "Captured":
      return settle(state, "capture", event)
    case "Voided":
      return settle(state, "void", event)
    case "Refunded":
      return settle(state, "refund", event)
    case "Declined":
      return settle(state, "authorise", event, event.reason)
    case "CaptureFailed":
      return settle(state, "capture", event, event.reason)
    case "VoidFailed":
      return settle(state, "void", event, event.reason)
    case "RefundFailed":
      return settle(state, "refund", event, event.reason)
    case "ChargedBack":
      return tell(noted(append(state, "chargeback", event, "succeeded"), event.eventId), "charged_back", event)
    case "DisputeWon":
      return tell(noted(append(state, "chargeback_reversal", event, "succeeded"), event.eventId), "won", event)
    case "OrderTold":
      return { ...state, messages: state.messages.filter(({ key }) => key !== event.key) }
    case "NoticeContradicts":
      return noted(state, event.eventId)
  }
}

/** Numbered by the ledger, in which each dispute has a line of its own. */
const tell = (
  state: State,
  what: Message["what"],
  { amount, at, reference }: Pick<Message, "amount" | "at" | "reference">
): State => {
  if (state.request === null) return state
  const key = `${state.request.orderId}:payment:dispute-${state.ledger.length}`
  return { ...state, messages: [...state.messages, { key, what, reference, amount, at }] }
}

/** A refusal beyond `entriesMax` stands in the journal only. */
const append = (
  state: State,
  kind: Kind,
  { amount, at, reference }: { readonly amount: number; readonly at: number; readonly reference: string },
  status: Entry["status"] = "requested",
  reason: string | null = null
): State =>
  status === "failed" && state.ledger.length >= entriesMax
    ? state
    : { ...state, ledger: [...state.ledger, { kind, reference, amount, status, reason, at }] }

const settle = (state: State, kind: Kind, event: { readonly reference: string }, reason?: string): State => ({
  ...state,
  ledger: state.ledger.map((entry) => {
    if (entry.kind !== kind || entry.reference !== event.reference || entry.status !== "requested") return entry
    return reason === undefined ? { ...entry, status: "succeeded" } : { ...entry, status: "failed", reason }
  })
})
const noted = (state: State, eventId: string): State => ({
  ...state,
  notices: [...state.notices, eventId].slice(-noticesMax)
})
