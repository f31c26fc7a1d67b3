import { commandFields } from "@halles/shared/Command"
import { OrderId } from "@halles/shared/Ids"
import { Amount, Currency } from "@halles/shared/Money"
import { Schema } from "effect"
import * as Contract from "@halles/engine/eventsourced/Contract"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"

/** Ledger entries of one payment; the next operation is refused. */
export const entriesMax = 500

/** The longest is `<orderId>:refund-<returnId>`, 131 characters. */
const Reference = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9:_-]{1,160}$/u))

const Authorisation = Schema.Struct({
  orderId: OrderId,
  amount: Amount,
  currency: Currency,
  token: Schema.String.check(Schema.isMaxLength(70))
})
/** Asks the gateway to set the amount aside. One payment has one authorisation. */
export class Authorise extends Schema.TaggedClass<Authorise>()("Authorise", {
  ...commandFields,
  ...Authorisation.fields
}) {}
/** The reference of a capture is the order's id and this key (`eu_x:capture`), and a number where an operator asked again (`eu_x:capture:2`). */
export const captureKey = "capture"
/** Takes the money; with the goods gone. `reference` is the idempotency reference at the gateway. */
export class Capture extends Schema.TaggedClass<Capture>()("Capture", {
  ...commandFields,
  reference: Reference,
  amount: Amount
}) {}
/**
 * Gives the authorisation back untouched. A payment that was declined or voided before is left as it is. With `authorisation`
 * the gateway may have been asked for it although this payment knows nothing of it: it is asked again, to learn what to void.
 */
export class Void extends Schema.TaggedClass<Void>()("Void", {
  ...commandFields,
  reference: Reference,
  authorisation: Schema.optionalKey(Authorisation)
}) {}
export class Refund extends Schema.TaggedClass<Refund>()("Refund", {
  ...commandFields,
  reference: Reference,
  amount: Amount
}) {}
/** A signed webhook of the gateway; of a won dispute `reference` is that of its chargeback. May come late, twice, or before the answer to the request itself. */
export class GatewayNotice extends Schema.TaggedClass<GatewayNotice>()("GatewayNotice", {
  ...commandFields,
  eventId: Schema.String.check(Schema.isMaxLength(100)),
  type: Schema.Literals([
    "payment.authorised",
    "payment.declined",
    "payment.captured",
    "payment.voided",
    "payment.refunded",
    "payment.charged_back",
    "payment.dispute_won"
  ]),
  reference: Reference,
  authorisationId: Schema.NullOr(Schema.String.check(Schema.isMaxLength(100))),
  amount: Amount,
  reason: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(100)))
}) {}

/** What became of one operation. */
export const Outcome = Schema.Union([
  Schema.TaggedStruct("Done", { amount: Amount }),
  /** For good. `refundable` is what could be refunded instead, if too much was asked for. */
  Schema.TaggedStruct("Refused", { reason: Schema.String, refundable: Schema.optionalKey(Amount) }),
  /** The gateway has not answered yet; the payment keeps asking, and the caller asks again later. */
  Schema.TaggedStruct("Pending", {})
])
export type Outcome = typeof Outcome.Type

export const EntryKind = Schema.Literals([
  "authorise",
  "capture",
  "void",
  "refund",
  "chargeback",
  /** The bank gave a chargeback back. */
  "chargeback_reversal"
])
/** One line of the ledger: what was asked, and the outcome once it is known. */
export const LedgerEntry = Schema.Struct({
  kind: EntryKind,
  reference: Reference,
  amount: Amount,
  status: Schema.Literals(["requested", "succeeded", "failed"]),
  reason: Schema.NullOr(Schema.String),
  at: Schema.Int
})

export class PaymentView extends Schema.Class<PaymentView>("PaymentView")({
  orderId: OrderId,
  currency: Currency,
  authorised: Amount,
  captured: Amount,
  refunded: Amount,
  /** What cardholders' banks took back and did not give again. */
  disputed: Amount,
  status: Schema.Literals(["pending", "authorised", "declined", "captured", "voided", "refunded"]),
  ledger: Schema.Array(LedgerEntry),
  seq: Schema.Int
}) {}

export const Payment = Contract.make("Payment", [
  Contract.command(Authorise, Outcome),
  Contract.command(Capture, Outcome),
  Contract.command(Void, Outcome),
  Contract.command(Refund, Outcome),
  Contract.command(GatewayNotice, Schema.Void, NotFound),
  Contract.command(TimerFired, Schema.Void),
  Contract.view(PaymentView)
])
