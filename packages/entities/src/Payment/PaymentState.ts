import type { Origin } from "@halles/shared/Command"
import { type CommandId, OrderId } from "@halles/shared/Ids"
import { Amount, Currency } from "@halles/shared/Money"
import { Result, Schema } from "effect"
import { NotFound } from "../EntityErrors.ts"
import {
  type Authorise,
  type Capture,
  entriesMax,
  type GatewayNotice,
  LedgerEntry,
  type Outcome,
  PaymentView,
  type Refund,
  type Void
} from "../Payment.ts"
import type { Wake } from "../Wake.ts"

export const type = "Payment"
export const version = 1

/** Chargebacks and contradicting notices are the gateway's doing and cannot be refused: so many are kept in the state. */
const noticesMax = 100
/** What is still owed after this is looked at again, on whatever runner the shard then is. */
const redriveMs = 5_000

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
  /** The gateway says something that does not go with our ledger; operators look at it, the ledger stays. */
  Schema.TaggedStruct("NoticeContradicts", { ...money, eventId: Schema.String, type: Schema.String })
])
export type Event = typeof Event.Type

export const Entry = LedgerEntry
export type Entry = typeof Entry.Type
type Kind = Entry["kind"]

export const State = Schema.Struct({
  /** `null` until it was asked for; a void may come before. */
  request: Schema.NullOr(Schema.Struct({ orderId: OrderId, currency: Currency, token: Schema.String })),
  authorisationId: Schema.NullOr(Schema.String),
  /** Append-only but for the status of an entry, which goes from `requested` to its outcome once. */
  ledger: Schema.Array(Entry),
  /** Events of the gateway that were taken down as chargebacks or contradictions, the last `noticesMax` of them. */
  notices: Schema.Array(Schema.String)
})
export type State = typeof State.Type

export const initial: State = { request: null, authorisationId: null, ledger: [], notices: [] }

/** What the gateway answered to the operation that was owed; made by `PaymentLive`. */
export interface RecordOutcome {
  readonly _tag: "RecordOutcome"
  readonly commandId: CommandId
  readonly origin?: Origin
  readonly reference: string
  readonly answer: Answer
}
export type Answer =
  | { readonly _tag: "Done"; readonly authorisationId: string | null }
  | { readonly _tag: "Refused"; readonly reason: string }

export type Command = Authorise | Capture | Void | Refund | GatewayNotice | RecordOutcome | Wake
export type Refusal = NotFound

/** One operation at the gateway, under its own reference. */
export type Owed =
  | {
      readonly _tag: "Authorise"
      readonly key: string
      readonly orderId: OrderId
      readonly amount: number
      readonly currency: Currency
      readonly token: string
    }
  | {
      readonly _tag: "Capture" | "Refund" | "Void"
      readonly key: string
      readonly authorisationId: string
      readonly amount: number
    }

/** Of the one authorisation that a payment has. */
export const authoriseReference = (orderId: OrderId): string => `${orderId}:authorise`

type Decided = Result.Result<ReadonlyArray<Event>, Refusal>

export const decide = (state: State, command: Command, now: number): Decided => {
  switch (command._tag) {
    case "Authorise":
      return Result.succeed(authorise(state, command, now))
    case "Capture":
    case "Void":
    case "Refund":
      return Result.succeed(operate(state, command, now))
    case "RecordOutcome": {
      const entry = state.ledger.find(({ reference, status }) => status === "requested" && reference === command.reference)
      return Result.succeed(entry === undefined ? [] : answered(state, entry, command.answer, now))
    }
    case "GatewayNotice":
      if (state.ledger.length === 0) return Result.fail(new NotFound({ entity: type, id: "" }))
      return Result.succeed(state.notices.includes(command.eventId) ? [] : noticed(state, command, now))
    case "Wake":
      return Result.succeed([])
  }
}

/** A payment has one authorisation: asked again, for whatever amount, it answers with the one it has. */
const authorise = (state: State, { amount, currency, orderId, token }: Authorise, now: number): ReadonlyArray<Event> => {
  if (state.request !== null) return []
  const reference = authoriseReference(orderId)
  const requested: Event = { _tag: "AuthoriseRequested", reference, orderId, amount, currency, token, at: now }
  if (hasVoid(state)) return [requested, { _tag: "Declined", reference, reason: "voided", at: now }]
  if (amount > 0) return [requested]
  return [requested, { _tag: "Authorised", reference, amount, authorisationId: null, at: now }]
}

const operate = (state: State, command: Capture | Void | Refund, now: number): ReadonlyArray<Event> => {
  const { _tag, reference } = command
  const kind = kindOf[_tag]
  if (entryOf(state, kind, reference) !== undefined) return []
  const amount = command._tag === "Void" ? outstanding(state) : command.amount
  const about = { reference, amount, at: now }
  const reason = objection(state, kind, about)
  if (reason !== null) return [{ _tag: `${_tag}Refused`, ...about, reason }]
  const requested: Event = { _tag: `${_tag}Requested`, ...about }
  const silent = command._tag === "Void" ? isVoidedByItself(state) : amount === 0 || state.authorisationId === null
  return silent ? [requested, { _tag: doneTag[_tag], ...about }] : [requested]
}

const kindOf = { Capture: "capture", Void: "void", Refund: "refund" } as const
const doneTag = { Capture: "Captured", Void: "Voided", Refund: "Refunded" } as const

/** Why we refuse an operation ourselves: money laws first of all, `captured <= authorised` and `refunded <= captured`. */
const objection = (
  state: State,
  kind: "capture" | "void" | "refund",
  { amount, reference }: { readonly amount: number; readonly reference: string }
): string | null => {
  if (operations(state) >= entriesMax) return "ledger_full"
  if (state.ledger.some((entry) => entry.kind !== "chargeback" && entry.reference === reference)) return "reference_reused"
  switch (kind) {
    case "capture":
      if (hasVoid(state)) return "voided"
      if (total(state, "authorise") === null) return "not_authorised"
      return total(state, "capture", true)! + amount > total(state, "authorise")! ? "exceeds_authorised" : null
    case "void":
      return hasOpen(state, "capture") ? "captured" : null
    case "refund": {
      const gone = sum(state, "refund", true) + sum(state, "chargeback", true)
      return gone + amount > sum(state, "capture", false) ? "exceeds_captured" : null
    }
  }
}
