import { Address, Email } from "@halles/shared/Address"
import type { Origin } from "@halles/shared/Command"
import { CartId, type CommandId, CustomerId, SkuCode } from "@halles/shared/Ids"
import { Amount, Currency } from "@halles/shared/Money"
import { Result, Schema } from "effect"
import { CartLine, Charge, Totals } from "../Cart.ts"
import { AlreadyExists, NotFound } from "../EntityErrors.ts"
import {
  type Cancel,
  Disposition,
  type NoteDelivered,
  type NoteDispatched,
  type NoteReturnReceived,
  NotShipped,
  type Place,
  type RequestReturn,
  ReturnExceeds,
  ReturnLine,
  returnsMax,
  Step,
  TooLateToCancel,
  TooManyReturns
} from "../Order.ts"
import { Allocation } from "../Sku.ts"
import type { Wake } from "../Wake.ts"
import { refundOf, returnable, statusOf } from "./OrderMoney.ts"

export const type = "Order"
export const version = 1

const At = { at: Schema.Int }
const ReturnKey = { returnId: Schema.String, ...At }

/** What was bought, for how much, by whom, to where: as the cart had it. */
export const Draft = Schema.Struct({
  cartId: CartId,
  customerId: Schema.NullOr(CustomerId),
  currency: Currency,
  lines: Schema.Array(CartLine),
  charges: Schema.Array(Charge),
  discount: Amount,
  totals: Totals,
  email: Email,
  shippingAddress: Address,
  paymentToken: Schema.String
})
export type Draft = typeof Draft.Type

/** Which warehouses serve a SKU of the order. */
export const SkuAllocation = Schema.Struct({ sku: SkuCode, allocations: Schema.Array(Allocation) })
export type SkuAllocation = typeof SkuAllocation.Type

/** Codes under which an order ends cancelled. */
export const CancelCode = Schema.Literals(["no_stock", "card_declined", "hold_expired", "no_carrier", "requested"])
const Cancellation = Schema.Struct({ code: CancelCode, detail: Schema.NullOr(Schema.String) })

export const Event = Schema.Union([
  Schema.TaggedStruct("Placed", { draft: Draft, ...At }),
  Schema.TaggedStruct("StockHeld", At),
  Schema.TaggedStruct("StockUnavailable", { skus: Schema.Array(SkuCode), ...At }),
  Schema.TaggedStruct("PaymentAuthorised", { amount: Amount, ...At }),
  Schema.TaggedStruct("PaymentDeclined", { reason: Schema.String, ...At }),
  Schema.TaggedStruct("StockReserved", { stock: Schema.Array(SkuAllocation), ...At }),
  Schema.TaggedStruct("HoldLost", { skus: Schema.Array(SkuCode), ...At }),
  Schema.TaggedStruct("ShipmentBooked", { trackingNumbers: Schema.Array(Schema.String), ...At }),
  Schema.TaggedStruct("ShipmentRefused", { reason: Schema.String, ...At }),
  Schema.TaggedStruct("CustomerNoted", At),
  Schema.TaggedStruct("Dispatched", At),
  Schema.TaggedStruct("PaymentCaptured", { amount: Amount, ...At }),
  Schema.TaggedStruct("StockShipped", At),
  Schema.TaggedStruct("Delivered", At),
  Schema.TaggedStruct("CancelRequested", { reason: Schema.String, ...At }),
  Schema.TaggedStruct("ShipmentRecalled", At),
  Schema.TaggedStruct("RecallRefused", At),
  Schema.TaggedStruct("StockReleased", At),
  Schema.TaggedStruct("PaymentVoided", At),
  Schema.TaggedStruct("ReturnRequested", {
    returnId: Schema.String,
    lines: Schema.Array(ReturnLine),
    amount: Amount,
    reason: Schema.String,
    disposition: Disposition,
    ...At
  }),
  Schema.TaggedStruct("ReturnLabelled", { label: Schema.String, ...ReturnKey }),
  Schema.TaggedStruct("ReturnRefused", { reason: Schema.String, ...ReturnKey }),
  Schema.TaggedStruct("ReturnReceived", ReturnKey),
  Schema.TaggedStruct("ReturnStocked", ReturnKey),
  Schema.TaggedStruct("ReturnRefunded", { amount: Amount, ...ReturnKey })
])
export type Event = typeof Event.Type

/**
 * What the order waits for. Forward: `holding → authorising → reserving → booking → confirmed → capturing →
 * shippingStock → shipped → delivered`; undoing, in reverse: `recalling → releasing → voiding → cancelled`.
 */
export const Phase = Schema.Literals([
  "none",
  "holding",
  "authorising",
  "reserving",
  "booking",
  "confirmed",
  "capturing",
  "shippingStock",
  "shipped",
  "delivered",
  "recalling",
  "releasing",
  "voiding",
  "cancelled"
])

/** `requested → labelled → received → stocked → refunded`, or `refused`. */
export const Return = Schema.Struct({
  returnId: Schema.String,
  status: Schema.Literals(["requested", "labelled", "received", "stocked", "refunded", "refused"]),
  disposition: Disposition,
  lines: Schema.Array(ReturnLine),
  amount: Amount
})
export type Return = typeof Return.Type

export const State = Schema.Struct({
  phase: Phase,
  draft: Schema.NullOr(Draft),
  stock: Schema.Array(SkuAllocation),
  /** Whether the payment has something to undo: asked for, and not declined. */
  payable: Schema.Boolean,
  /** The carrier may say so before the answer to the booking has arrived. */
  dispatched: Schema.Boolean,
  delivered: Schema.Boolean,
  authorised: Amount,
  captured: Amount,
  refunded: Amount,
  trackingNumbers: Schema.Array(Schema.String),
  cancellation: Schema.NullOr(Cancellation),
  recalls: Schema.Int,
  noted: Schema.Boolean,
  returns: Schema.Array(Return),
  steps: Schema.Array(Step),
  /** Unix milliseconds of the last customer or carrier action: what is owed since is looked after by the timer. */
  since: Schema.Int
})
export type State = typeof State.Type

export const initial: State = {
  phase: "none",
  draft: null,
  stock: [],
  payable: false,
  dispatched: false,
  delivered: false,
  authorised: 0,
  captured: 0,
  refunded: 0,
  trackingNumbers: [],
  cancellation: null,
  recalls: 0,
  noted: false,
  returns: [],
  steps: [],
  since: 0
}

/** What the order records of the answer to the message it owed; made by `OrderLive`. */
export interface Record {
  readonly _tag: "Record"
  readonly commandId: CommandId
  readonly origin?: Origin
  /** Of the owed message that was answered; an answer to what is owed no more changes nothing. */
  readonly answers: string
  readonly outcome: Outcome
}
export type Outcome =
  | { readonly _tag: "Done" }
  | { readonly _tag: "Reserved"; readonly stock: ReadonlyArray<SkuAllocation> }
  | { readonly _tag: "Booked"; readonly trackingNumbers: ReadonlyArray<string> }
  | { readonly _tag: "Labelled"; readonly label: string }
  | { readonly _tag: "NoStock"; readonly skus: ReadonlyArray<SkuCode> }
  | { readonly _tag: "Refused"; readonly reason: string }

export type Command =
  | Place
  | Cancel
  | RequestReturn
  | NoteDispatched
  | NoteDelivered
  | NoteReturnReceived
  | Wake
  | Record
export type Refusal = AlreadyExists | NotFound | TooLateToCancel | NotShipped | ReturnExceeds | TooManyReturns

/** One message that the order owes; `key` is the step, and part of the command id that the receiver dedupes by. */
export type Owed =
  | {
      readonly _tag: "HoldStock" | "Authorise" | "ReserveStock" | "BookShipment" | "NoteCustomer"
      readonly key: string
    }
  | { readonly _tag: "Capture" | "ShipStock" | "RecallShipment" | "ReleaseStock" | "VoidPayment"; readonly key: string }
  | { readonly _tag: "CollectReturn" | "StockReturn" | "RefundReturn"; readonly key: string; readonly return: Return }

export const next = (state: State): Owed | null => {
  switch (state.phase) {
    case "none":
    case "cancelled":
      return null
    case "holding":
      return { _tag: "HoldStock", key: "hold" }
    case "authorising":
      return { _tag: "Authorise", key: "authorise" }
    case "reserving":
      return { _tag: "ReserveStock", key: "reserve" }
    case "booking":
      return { _tag: "BookShipment", key: "book" }
    case "capturing":
      return { _tag: "Capture", key: "capture" }
    case "shippingStock":
      return { _tag: "ShipStock", key: "ship" }
    case "recalling":
      return { _tag: "RecallShipment", key: `recall-${state.recalls}` }
    case "releasing":
      return { _tag: "ReleaseStock", key: "release" }
    case "voiding":
      return { _tag: "VoidPayment", key: "void" }
    case "confirmed":
    case "shipped":
    case "delivered":
      return nextReturn(state) ?? (state.noted ? null : { _tag: "NoteCustomer", key: "note" })
  }
}

const nextReturn = (state: State): Owed | null => {
  for (const one of state.returns) {
    if (one.status === "requested") return { _tag: "CollectReturn", key: `collect-${one.returnId}`, return: one }
    if (one.status === "received") return { _tag: "StockReturn", key: `stock-${one.returnId}`, return: one }
    if (one.status === "stocked") return { _tag: "RefundReturn", key: `refund-${one.returnId}`, return: one }
  }
  return null
}

/** After so long without an answer the timer wakes the order, on whatever runner its shard then is. */
const redriveAfterMs = 5_000
export const dueAt = (state: State): number | null => (next(state) === null ? null : state.since + redriveAfterMs)

const cancellable = ["holding", "authorising", "reserving", "booking", "confirmed"]
const shippedPhases = ["shipped", "delivered"]

export const decide = (state: State, command: Command, now: number): Result.Result<ReadonlyArray<Event>, Refusal> => {
  if (command._tag === "Wake") return Result.succeed([])
  if (command._tag === "Place") {
    if (state.draft !== null) return Result.fail(new AlreadyExists({ entity: type, id: command.cartId }))
    return Result.succeed([{ _tag: "Placed", draft: draftOf(command), at: now }])
  }
  if (state.draft === null) return Result.fail(new NotFound({ entity: type, id: "" }))
  switch (command._tag) {
    case "Record":
      return Result.succeed(recorded(state, command, now))
    case "Cancel": {
      if (state.phase === "cancelled" || state.cancellation !== null) return Result.succeed([])
      if (!cancellable.includes(state.phase)) return Result.fail(new TooLateToCancel({ status: statusOf(state) }))
      return Result.succeed([{ _tag: "CancelRequested", reason: command.reason, at: now }])
    }
    case "NoteDispatched":
      return Result.succeed(
        !state.dispatched && ["booking", "confirmed", "recalling"].includes(state.phase)
          ? [{ _tag: "Dispatched", at: now }]
          : []
      )
    case "NoteDelivered":
      return Result.succeed(state.delivered || !state.dispatched ? [] : [{ _tag: "Delivered", at: now }])
    case "NoteReturnReceived": {
      const one = state.returns.find(({ returnId }) => returnId === command.returnId)
      const waits = one?.status === "requested" || one?.status === "labelled"
      return Result.succeed(waits ? [{ _tag: "ReturnReceived", returnId: command.returnId, at: now }] : [])
    }
    case "RequestReturn":
      return decideReturn(state, command, now)
  }
}

const decideReturn = (
  state: State,
  command: RequestReturn,
  now: number
): Result.Result<ReadonlyArray<Event>, Refusal> => {
  if (!shippedPhases.includes(state.phase)) return Result.fail(new NotShipped({ status: statusOf(state) }))
  if (state.returns.some(({ returnId }) => returnId === command.returnId)) return Result.succeed([])
  if (state.returns.length >= returnsMax) return Result.fail(new TooManyReturns({ max: returnsMax }))
  const wanted = mergeLines(command.lines)
  for (const line of wanted) {
    const left = returnable(state, line)
    if (line.quantity > left) return Result.fail(new ReturnExceeds({ sku: line.sku, returnable: left }))
  }
  return Result.succeed([
    {
      _tag: "ReturnRequested",
      returnId: command.returnId,
      lines: wanted,
      amount: refundOf(state, wanted),
      reason: command.reason,
      disposition: command.disposition,
      at: now
    }
  ])
}

const mergeLines = (lines: ReadonlyArray<typeof ReturnLine.Type>): ReadonlyArray<typeof ReturnLine.Type> =>
  [...Map.groupBy(lines, ({ sku, variant }) => `${sku}/${variant}`).values()].map((same) => ({
    ...same[0]!,
    quantity: same.reduce((sum, { quantity }) => sum + quantity, 0)
  }))

const draftOf = ({ _tag, commandId: _id, origin: _origin, ...draft }: Place): Draft => draft

const recorded = (state: State, { answers, outcome }: Record, at: number): ReadonlyArray<Event> => {
  const owed = next(state)
  if (owed === null || owed.key !== answers) return []
  const refused = outcome._tag === "Refused" ? outcome.reason : null
  switch (owed._tag) {
    case "HoldStock":
      return outcome._tag === "NoStock"
        ? [{ _tag: "StockUnavailable", skus: outcome.skus, at }]
        : [{ _tag: "StockHeld", at }]
    case "Authorise":
      return refused === null
        ? [{ _tag: "PaymentAuthorised", amount: state.draft!.totals.total, at }]
        : [{ _tag: "PaymentDeclined", reason: refused, at }]
    case "ReserveStock":
      if (outcome._tag === "NoStock") return [{ _tag: "HoldLost", skus: outcome.skus, at }]
      return outcome._tag === "Reserved" ? [{ _tag: "StockReserved", stock: outcome.stock, at }] : []
    case "BookShipment":
      if (refused !== null) return [{ _tag: "ShipmentRefused", reason: refused, at }]
      return outcome._tag === "Booked" ? [{ _tag: "ShipmentBooked", trackingNumbers: outcome.trackingNumbers, at }] : []
    case "NoteCustomer":
      return [{ _tag: "CustomerNoted", at }]
    case "Capture":
      return [{ _tag: "PaymentCaptured", amount: state.authorised, at }]
    case "ShipStock":
      return [{ _tag: "StockShipped", at }]
    case "RecallShipment":
      return [refused === null ? { _tag: "ShipmentRecalled", at } : { _tag: "RecallRefused", at }]
    case "ReleaseStock":
      return [{ _tag: "StockReleased", at }]
    case "VoidPayment":
      return [{ _tag: "PaymentVoided", at }]
    case "CollectReturn": {
      const { returnId } = owed.return
      if (refused !== null) return [{ _tag: "ReturnRefused", returnId, reason: refused, at }]
      return outcome._tag === "Labelled" ? [{ _tag: "ReturnLabelled", returnId, label: outcome.label, at }] : []
    }
    case "StockReturn":
      return [{ _tag: "ReturnStocked", returnId: owed.return.returnId, at }]
    case "RefundReturn":
      return [{ _tag: "ReturnRefunded", returnId: owed.return.returnId, amount: owed.return.amount, at }]
  }
}

/** From where an order that is given up goes on undoing: what is there to undo depends on how far it came. */
const undo = (state: State): State["phase"] =>
  state.phase === "booking" || state.phase === "confirmed" ? "recalling" : "releasing"

const setReturn = (state: State, returnId: string, status: Return["status"]): ReadonlyArray<Return> =>
  state.returns.map((one) => (one.returnId === returnId ? { ...one, status } : one))

export const evolve = (before: State, event: Event): State => {
  const step: Step = { seq: before.steps.length + 1, step: stepName(event._tag), at: event.at, detail: detailOf(event) }
  const state = { ...before, steps: [...before.steps, step] }
  switch (event._tag) {
    case "Placed":
      return { ...state, phase: "holding", draft: event.draft, noted: event.draft.customerId === null, since: event.at }
    case "StockHeld":
      return { ...state, phase: "authorising", payable: true }
    case "StockUnavailable":
      return { ...state, phase: "releasing", cancellation: { code: "no_stock", detail: event.skus.join(", ") } }
    case "PaymentAuthorised":
      return { ...state, phase: "reserving", authorised: event.amount }
    case "PaymentDeclined":
      return {
        ...state,
        phase: "releasing",
        payable: false,
        cancellation: { code: "card_declined", detail: event.reason }
      }
    case "StockReserved":
      return { ...state, phase: "booking", stock: event.stock }
    case "HoldLost":
      return { ...state, phase: "releasing", cancellation: { code: "hold_expired", detail: event.skus.join(", ") } }
    case "ShipmentBooked":
      return { ...state, phase: state.dispatched ? "capturing" : "confirmed", trackingNumbers: event.trackingNumbers }
    case "ShipmentRefused":
      return { ...state, phase: "releasing", cancellation: { code: "no_carrier", detail: event.reason } }
    case "CustomerNoted":
      return { ...state, noted: true }
    case "Dispatched":
      return {
        ...state,
        dispatched: true,
        phase: state.phase === "booking" ? "booking" : "capturing",
        cancellation: null,
        since: event.at
      }
    case "PaymentCaptured":
      return { ...state, phase: "shippingStock", captured: event.amount }
    case "StockShipped":
      return { ...state, phase: state.delivered ? "delivered" : "shipped" }
    case "Delivered":
      return { ...state, delivered: true, phase: state.phase === "shipped" ? "delivered" : state.phase }
    case "CancelRequested":
      return {
        ...state,
        phase: undo(before),
        cancellation: { code: "requested", detail: event.reason },
        recalls: state.recalls + 1,
        since: event.at
      }
    case "RecallRefused":
      return { ...state, phase: "confirmed", cancellation: null }
    case "ShipmentRecalled":
      return { ...state, phase: "releasing" }
    case "StockReleased":
      return { ...state, phase: state.payable ? "voiding" : "cancelled", stock: [] }
    case "PaymentVoided":
      return { ...state, phase: "cancelled" }
    case "ReturnRequested": {
      const { amount, disposition, lines, returnId } = event
      const added: Return = { returnId, disposition, lines, amount, status: "requested" }
      return { ...state, returns: [...state.returns, added], since: event.at }
    }
    case "ReturnLabelled":
      return { ...state, returns: setReturn(state, event.returnId, "labelled") }
    case "ReturnRefused":
      return { ...state, returns: setReturn(state, event.returnId, "refused") }
    case "ReturnReceived":
      return { ...state, returns: setReturn(state, event.returnId, "received"), since: event.at }
    case "ReturnStocked":
      return { ...state, returns: setReturn(state, event.returnId, "stocked") }
    case "ReturnRefunded":
      return {
        ...state,
        returns: setReturn(state, event.returnId, "refunded"),
        refunded: state.refunded + event.amount
      }
  }
}

/** `StockHeld` is shown to people as `stock_held`. */
const stepName = (tag: Event["_tag"]): string => tag.replace(/(?!^)([A-Z])/g, "_$1").toLowerCase()

const detailOf = (event: Event): string | null => {
  if ("reason" in event) return event.reason
  if ("skus" in event) return event.skus.join(", ")
  return "returnId" in event ? event.returnId : null
}
