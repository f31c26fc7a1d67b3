import { Refusal } from "@halles/shared/wire/Refusal"
import { Address } from "@halles/shared/Address"
import { Email } from "@halles/shared/Email"
import { commandFields } from "@halles/shared/Command"
import { CartId, CustomerId, OrderId, ReturnId, SkuCode } from "@halles/shared/Ids"
import { Amount, Currency } from "@halles/shared/Money"
import { Quantity } from "@halles/shared/Quantity"
import { maybeParagraph, paragraph } from "@halles/shared/Text"
import { Schema } from "effect"
import { Rpc } from "effect/rpc"
import { SaleLine, Charge, linesMax, Totals } from "../sale/Sale.ts"
import * as Contract from "@halles/engine/eventsourced/Contract"
import { AlreadyExists, NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { Shortage } from "../inventory/Sku.ts"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"

export const returnsMax = 100
/** Lines of all returns of an order together: whoever looks at it sees each of them. */
export const returnLinesMax = 10_000

/** Everything that an order is made of, as the cart had it at checkout. */
export const Sale = Schema.Struct({
  customerId: Schema.NullOr(CustomerId),
  currency: Currency,
  lines: Schema.Array(SaleLine).check(Schema.isMinLength(1), Schema.isMaxLength(linesMax)),
  charges: Schema.Array(Charge),
  /** What a coupon takes off the goods; already inside `totals`. */
  discount: Amount,
  totals: Totals,
  email: Email,
  shippingAddress: Address,
  paymentToken: Schema.String
})
export type Sale = typeof Sale.Type

/** By the cart, whose `attempt`th checkout it is: its id is `orderIdOf` these two. */
export class Place extends Schema.TaggedClass<Place>()("Place", {
  ...commandFields,
  cartId: CartId,
  attempt: Schema.Int,
  ...Sale.fields
}) {}
/** Only until the goods have left. */
export class Cancel extends Schema.TaggedClass<Cancel>()("Cancel", {
  ...commandFields,
  reason: paragraph(200)
}) {}
export const Disposition = Schema.Literals(["restock", "write_off"])
export const ReturnLine = Schema.Struct({
  sku: SkuCode,
  /** Which of several lines of the SKU; empty for the plain one. */
  variant: Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{0,16}$/u)),
  quantity: Quantity
})
/** A line that comes back, and what is paid back for it, its tax included. */
export const ReturnedLine = Schema.Struct({ ...ReturnLine.fields, refund: Amount })
export type ReturnedLine = typeof ReturnedLine.Type
export class RequestReturn extends Schema.TaggedClass<RequestReturn>()("RequestReturn", {
  ...commandFields,
  returnId: ReturnId,
  lines: Schema.Array(ReturnLine).check(Schema.isMinLength(1), Schema.isMaxLength(linesMax)),
  reason: maybeParagraph(200),
  disposition: Disposition
}) {}
/** From the shipment, when the carrier says so. */
export class NoteDispatched extends Schema.TaggedClass<NoteDispatched>()("NoteDispatched", commandFields) {}
export class NoteDelivered extends Schema.TaggedClass<NoteDelivered>()("NoteDelivered", commandFields) {}
export class NoteReturnReceived extends Schema.TaggedClass<NoteReturnReceived>()("NoteReturnReceived", {
  ...commandFields,
  returnId: ReturnId
}) {}

export const DisputeStatus = Schema.Literals(["charged_back", "won"])
/** From the payment, when a cardholder's bank takes money back, or gives it again. `reference` is the chargeback's. */
export class NoteDispute extends Schema.TaggedClass<NoteDispute>()("NoteDispute", {
  ...commandFields,
  what: DisputeStatus,
  reference: Schema.String,
  amount: Amount
}) {}

/**
 * What an operator asks of an order that has a pending step, or of which a step was refused: send it again now, give up and undo
 * what was done, or let a step be that nothing depends on. The note says why, for operators only.
 */
export class Operate extends Schema.TaggedClass<Operate>()("Operate", {
  ...commandFields,
  act: Schema.Literals(["retry", "compensate", "skip"]),
  /** Which step; without it the one that is pending first, or else was refused first. */
  step: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[A-Za-z0-9:_-]{1,100}$/u))),
  note: paragraph(500)
}) {}

export const Status = Schema.Literals([
  "created",
  "payment",
  /** Paid for; passed in a moment, but by an order that has to ask what is held for it. */
  "reserving",
  /** Paid for, and some of it is back-ordered: it goes on by itself once that has come in. */
  "awaiting_stock",
  "shipping",
  "confirmed",
  "shipped",
  "delivered",
  "cancelling",
  "cancelled",
  "partially_returned",
  "returned"
])
export type Status = typeof Status.Type

/** One entry of the history that a customer or an operator may see. */
export const Step = Schema.Struct({
  seq: Schema.Int,
  step: Schema.String,
  at: Schema.Int,
  detail: Schema.NullOr(Schema.String)
})
export type Step = typeof Step.Type

export const ReturnView = Schema.Struct({
  returnId: Schema.String,
  /** `refund_refused`: the shop looks after it. `settled`: it was paid back in another way. */
  status: Schema.Literals(["requested", "received", "refused", "refunded", "refund_refused", "settled"]),
  disposition: Disposition,
  lines: Schema.Array(ReturnedLine),
  /** Of `amount`: shipping and fees, which a return of everything at once gives back. */
  outbound: Amount,
  /** To be paid back, in minor units: what was paid for the lines, and `outbound`. */
  amount: Amount,
  /** Paid back; 0 until it is. */
  refunded: Amount
})

/** Money that a cardholder's bank took back, as far as the gateway tells. */
export const Dispute = Schema.Struct({
  /** The gateway's own. */
  reference: Schema.String,
  amount: Amount,
  /** `won`: the bank gave it again. */
  status: DisputeStatus,
  /** Unix milliseconds of the last word. */
  at: Schema.Int
})
export type Dispute = typeof Dispute.Type

/** A step that was refused for good and is not tried again by itself, such as a refund to a closed card; operators look after it. */
export const RefusedStep = Schema.Struct({ step: Schema.String, reason: Schema.String, at: Schema.Int })

export class OrderView extends Schema.Class<OrderView>("OrderView")({
  id: OrderId,
  /** The cart that was checked out. */
  cartId: CartId,
  status: Status,
  customerId: Schema.NullOr(CustomerId),
  currency: Currency,
  lines: Schema.Array(SaleLine),
  charges: Schema.Array(Charge),
  discount: Amount,
  totals: Totals,
  /** `disputed` is what banks took back and did not give again; of `captured`, as `refunded` is. */
  payment: Schema.Struct({ authorised: Amount, captured: Amount, refunded: Amount, disputed: Amount }),
  disputes: Schema.Array(Dispute),
  /** Back-ordered units that have not come in, while it waits for them. */
  awaiting: Schema.Array(Schema.Struct({ sku: SkuCode, quantity: Quantity })),
  trackingNumbers: Schema.Array(Schema.String),
  returns: Schema.Array(ReturnView),
  cancelled: Schema.NullOr(
    Schema.Struct({
      /** Why, as a stable code: `no_stock`, `card_declined`, `no_carrier`, `hold_expired`, `requested`. */
      code: Schema.String,
      detail: Schema.NullOr(Schema.String),
      /** What it did not get, with `no_stock` and `hold_expired`. */
      missing: Schema.Array(Shortage),
      /** The cart is open as it was checked out, for another try; not after `requested`. */
      cartReopened: Schema.Boolean
    })
  ),
  steps: Schema.Array(Step),
  refused: Schema.Array(RefusedStep),
  seq: Schema.Int
}) {}

/** The goods have left, or the order is over. */
export class TooLateToCancel extends Refusal<TooLateToCancel>()("TooLateToCancel", {
  status: 409,
  title: "Too late to cancel",
  fields: { status: Status },
  sample: { status: "shipped" },
  detail: ({ status }) => `The order is ${status}.`
}) {}
/** Only what was shipped can come back. */
export class NotShipped extends Refusal<NotShipped>()("NotShipped", {
  status: 409,
  title: "Nothing was shipped that could come back",
  fields: { status: Status },
  sample: { status: "confirmed" },
  detail: ({ status }) => `The order is ${status}.`
}) {}
/** More than was bought and not yet returned. */
export class ReturnExceeds extends Refusal<ReturnExceeds>()("ReturnExceeds", {
  status: 422,
  title: "More than can be returned",
  fields: { sku: SkuCode, returnable: Schema.Int },
  sample: { sku: "TEA-01", returnable: 1 },
  detail: ({ returnable, sku }) => `Of ${sku}, ${returnable} can be returned.`
}) {}
/** No such step of the order is pending or was refused, or it must not be skipped. */
export class NotOperable extends Schema.TaggedError<NotOperable>()(
  "NotOperable",
  { status: Status, pendingStep: Schema.NullOr(Schema.String), refused: Schema.Array(Schema.String) },
  { httpApiStatus: 409 }
) {}
export class TooManyReturns extends Refusal<TooManyReturns>()("TooManyReturns", {
  status: 422,
  title: "Too many returns",
  fields: { bound: Schema.Literals(["returns", "lines"]), max: Schema.Int },
  sample: { bound: "returns", max: 100 },
  detail: ({ bound, max }) =>
    `An order takes at most ${max} ${bound === "returns" ? "returns" : "lines in all its returns"}.`
}) {}

export const Order = Contract.make(
  "Order",
  [
    Contract.command(Place, Schema.Void, AlreadyExists),
    Contract.command(Cancel, OrderView, NotFound, TooLateToCancel, PreconditionFailed),
    Contract.command(RequestReturn, OrderView, NotFound, NotShipped, ReturnExceeds, TooManyReturns, PreconditionFailed),
    Contract.command(NoteDispatched, Schema.Void, NotFound),
    Contract.command(NoteDelivered, Schema.Void, NotFound),
    Contract.command(NoteReturnReceived, Schema.Void, NotFound),
    Contract.command(NoteDispute, Schema.Void, NotFound),
    Contract.command(Operate, OrderView, NotFound, NotOperable, TooLateToCancel),
    Contract.command(TimerFired, Schema.Void),
    Contract.view(OrderView),
    /** Asked by a SKU whose hold for it has come to its time. */
    Rpc.make("NeedsStock", { success: Schema.Boolean, error: NotFound }),
    /** Whether no step can follow any more: `Watch` after the last one would end at once. */
    Rpc.make("IsOver", { success: Schema.Boolean, error: NotFound }),
    /**
     * Answers once the order is confirmed, waits for back-ordered goods, or is cancelled (or later), or with the state of then
     * after `timeoutMs`. Whoever stops waiting before leaves it waiting.
     */
    Rpc.make("Settled", {
      payload: { timeoutMs: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30_000 })) },
      success: OrderView,
      error: NotFound
    })
  ],
  /** The history after `afterSeq`, then each new step as it is committed; ends when the order is over. */
  Rpc.make("Watch", {
    payload: { afterSeq: Schema.Int },
    success: Schema.Struct({ step: Step, status: Status }),
    error: NotFound,
    stream: true
  })
)
