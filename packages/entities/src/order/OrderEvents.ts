import { CartId, SkuCode } from "@halles/shared/Ids"
import { Amount } from "@halles/shared/Money"
import { Schema } from "effect"
import { FailureCode } from "../sale/Sale.ts"
import { Dispute, Disposition, OrderView, ReturnedLine, Sale, Step } from "./Order.ts"
import { Allocation, Shortage } from "../inventory/Sku.ts"
import { endSteps, Refused } from "./OrderRefusals.ts"

const At = { at: Schema.Int }
const ReturnKey = { returnId: Schema.String, ...At }

/** What was bought, for how much, by whom, to where, and the cart that it was bought with, at which of its checkouts. */
export const Draft = Schema.Struct({ cartId: CartId, attempt: Schema.Int, ...Sale.fields })
export type Draft = typeof Draft.Type

/** Which warehouses serve a SKU of the order. */
export const SkuAllocation = Schema.Struct({ sku: SkuCode, allocations: Schema.Array(Allocation) })
export type SkuAllocation = typeof SkuAllocation.Type

/** Codes under which an order ends cancelled: by itself, or as somebody wished. */
export const CancelCode = Schema.Literals([...FailureCode.literals, "requested"])
const Cancellation = Schema.Struct({
  code: CancelCode,
  detail: Schema.NullOr(Schema.String),
  missing: Schema.Array(Shortage)
})

export const Event = Schema.Union([
  Schema.TaggedStruct("Placed", { draft: Draft, ...At }),
  /**
   * The order was read back in the middle of its way: what it had asked for and not written is not known. It asks again, and is
   * given the same answers; if it is given up before, it undoes all that it may have asked for.
   */
  Schema.TaggedStruct("Resumed", {}),
  Schema.TaggedStruct("StockHeld", { stock: Schema.Array(SkuAllocation), ...At }),
  Schema.TaggedStruct("StockUnavailable", { missing: Schema.Array(Shortage), ...At }),
  Schema.TaggedStruct("PaymentAuthorised", { amount: Amount, ...At }),
  Schema.TaggedStruct("PaymentDeclined", { reason: Schema.String, ...At }),
  /** It is paid for, and all of it is there: what is held stays for it. With `stock` where that is not what was held at first. */
  Schema.TaggedStruct("StockReserved", { stock: Schema.optionalKey(Schema.Array(SkuAllocation)), ...At }),
  /** It is paid for, and some of it is still to come in; again when what is to come in has changed. */
  Schema.TaggedStruct("StockAwaited", { awaiting: OrderView.fields.awaiting, ...At }),
  /** It was not paid for in time. */
  Schema.TaggedStruct("HoldLost", { missing: Schema.Array(Shortage), ...At }),
  Schema.TaggedStruct("ShipmentBooked", { trackingNumbers: Schema.Array(Schema.String), ...At }),
  Schema.TaggedStruct("ShipmentRefused", { reason: Schema.String, ...At }),
  Schema.TaggedStruct("CustomerNoted", At),
  Schema.TaggedStruct("Dispatched", At),
  Schema.TaggedStruct("PaymentCaptured", { amount: Amount, ...At }),
  Schema.TaggedStruct("StockShipped", At),
  Schema.TaggedStruct("Delivered", At),
  /** With a note where an operator asked for it. */
  Schema.TaggedStruct("CancelRequested", { reason: Schema.String, note: Schema.optionalKey(Schema.String), ...At }),
  /** By an operator: the pending step is sent again at once. */
  Schema.TaggedStruct("RetryRequested", { step: Schema.String, note: Schema.String, ...At }),
  Schema.TaggedStruct("StepSkipped", { step: Schema.String, note: Schema.String, ...At }),
  Schema.TaggedStruct("ShipmentRecalled", At),
  Schema.TaggedStruct("RecallRefused", At),
  Schema.TaggedStruct("StockReleased", At),
  Schema.TaggedStruct("PaymentVoided", At),
  Schema.TaggedStruct("CartReopened", At),
  Schema.TaggedStruct("ReturnRequested", {
    returnId: Schema.String,
    lines: Schema.Array(ReturnedLine),
    outbound: Amount,
    amount: Amount,
    origins: Schema.Array(SkuAllocation),
    reason: Schema.String,
    disposition: Disposition,
    ...At
  }),
  Schema.TaggedStruct("ReturnLabelled", { label: Schema.String, ...ReturnKey }),
  Schema.TaggedStruct("ReturnRefused", { reason: Schema.String, ...ReturnKey }),
  Schema.TaggedStruct("ReturnReceived", ReturnKey),
  Schema.TaggedStruct("ReturnStocked", ReturnKey),
  Schema.TaggedStruct("ReturnRefunded", { amount: Amount, ...ReturnKey }),
  /** Less is left than was to be paid back: a bank has given some of it to the cardholder, or nothing was captured. */
  Schema.TaggedStruct("RefundReduced", { to: Amount, ...ReturnKey }),
  /** A refusal that no other try would change. Before the goods have left, what was done is undone; later, nothing waits for it. */
  Schema.TaggedStruct("StepRefused", {
    step: Schema.Literals(["hold", "authorise", "await", "book", ...endSteps]),
    reason: Schema.String,
    /** Of `stock` and `refund`. */
    returnId: Schema.NullOr(Schema.String),
    /** Of `ship` and `release`. */
    skus: Schema.optionalKey(Schema.Array(SkuCode)),
    /** Of `stock`: what no warehouse has taken. */
    parts: Schema.optionalKey(Schema.Array(SkuAllocation)),
    /** Of `recall`: the order is given up all the same. */
    givenUp: Schema.optionalKey(Schema.Literal(true)),
    ...At
  }),
  Schema.TaggedStruct("ChargedBack", { reference: Schema.String, amount: Amount, ...At }),
  Schema.TaggedStruct("DisputeWon", { reference: Schema.String, amount: Amount, ...At })
])
export type Event = typeof Event.Type

/**
 * What the order waits for. Forward: `holding → authorising → booking → confirmed → capturing → shippingStock → shipped →
 * delivered`, with `awaitingStock` before `booking` where units are back-ordered; undoing, in reverse: `recalling → releasing →
 * voiding → reopening → cancelled`. Between `authorising` and the next one it is `reserving`; it goes back there when its goods
 * turn out to have left while it was given up, and asks what is held for it.
 */
export const Phase = Schema.Literals([
  "none",
  "holding",
  "authorising",
  "reserving",
  "awaitingStock",
  "booking",
  "confirmed",
  "capturing",
  "shippingStock",
  "shipped",
  "delivered",
  "recalling",
  "releasing",
  "voiding",
  "reopening",
  "cancelled"
])

/**
 * `requested → labelled → received → stocked → refunded`, or `refused`. A refund that is refused goes back to `stocked` when
 * it is tried again, and to `settled` when an operator has paid in another way.
 */
export const Return = Schema.Struct({
  returnId: Schema.String,
  status: Schema.Literals([
    "requested",
    "labelled",
    "received",
    "stocked",
    "refunded",
    "refund_refused",
    "settled",
    "refused"
  ]),
  disposition: Disposition,
  lines: Schema.Array(ReturnedLine),
  /** Of `amount`: shipping and fees. */
  outbound: Amount,
  /** To be paid back. */
  amount: Amount,
  refunded: Amount,
  /** Which refund of it is the next, and how much that may be at the most if not all that is missing. */
  attempt: Schema.Int,
  limit: Schema.NullOr(Amount),
  /** A bank gave money back while the answer to a refund of it was on its way: what that leaves is asked for after it. */
  wonMeanwhile: Schema.Boolean,
  /** The warehouses that the units left, and go back to. */
  origins: Schema.Array(SkuAllocation),
  /** Of these, what no warehouse has taken. */
  unstocked: Schema.Array(SkuAllocation)
})
export type Return = typeof Return.Type

export const State = Schema.Struct({
  phase: Phase,
  draft: Schema.NullOr(Draft),
  stock: Schema.Array(SkuAllocation),
  /** What it waited for last. */
  awaiting: OrderView.fields.awaiting,
  /** How often what it waits for has changed: numbers the questions. */
  waits: Schema.Int,
  /** Whether the payment has something to undo: asked for, and not declined. */
  payable: Schema.Boolean,
  /** Since `Resumed`: it may have come further than this, which is where it goes on if it cannot be given up any more. */
  unsure: Schema.NullOr(Phase),
  /** The carrier may say so before the answer to the booking has arrived. */
  dispatched: Schema.Boolean,
  delivered: Schema.Boolean,
  authorised: Amount,
  captured: Amount,
  refunded: Amount,
  trackingNumbers: Schema.Array(Schema.String),
  cancellation: Schema.NullOr(Cancellation),
  cartReopened: Schema.Boolean,
  recalls: Schema.Int,
  noted: Schema.Boolean,
  returns: Schema.Array(Return),
  /** `won` is part of what was charged back; they may be told in any order. */
  disputes: Schema.Array(Schema.Struct({ ...Dispute.fields, won: Amount })),
  /** Steps that were refused for good, and wait for an operator. */
  refused: Schema.Array(Refused),
  steps: Schema.Array(Step),
  /** Unix milliseconds of the last customer or carrier action: the timer sends again what is pending since. */
  since: Schema.Int
})
export type State = typeof State.Type

export const initial: State = {
  phase: "none",
  draft: null,
  stock: [],
  awaiting: [],
  waits: 0,
  payable: false,
  unsure: null,
  dispatched: false,
  delivered: false,
  authorised: 0,
  captured: 0,
  refunded: 0,
  trackingNumbers: [],
  cancellation: null,
  cartReopened: false,
  recalls: 0,
  noted: false,
  returns: [],
  disputes: [],
  refused: [],
  steps: [],
  since: 0
}

/** What is pending when `noted` is false, to the cart, and for each return that waits for its label. */
export const noteKey = "note"
export const reopenKey = "reopen"
export const collectKey = (returnId: string): string => `collect-${returnId}`
