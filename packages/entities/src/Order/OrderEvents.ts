import { CartId, SkuCode } from "@halles/shared/Ids"
import { Amount } from "@halles/shared/Money"
import { Schema } from "effect"
import { FailureCode } from "../Cart.ts"
import { Disposition, OrderView, ReturnedLine, Sale, Step } from "../Order.ts"
import { Allocation, Shortage } from "../Sku.ts"

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
  Schema.TaggedStruct("StockHeld", At),
  Schema.TaggedStruct("StockUnavailable", { missing: Schema.Array(Shortage), ...At }),
  Schema.TaggedStruct("PaymentAuthorised", { amount: Amount, ...At }),
  Schema.TaggedStruct("PaymentDeclined", { reason: Schema.String, ...At }),
  Schema.TaggedStruct("StockReserved", { stock: Schema.Array(SkuAllocation), ...At }),
  /** Reserved, but some of it is still to come in; again when what is to come in has changed. */
  Schema.TaggedStruct("StockAwaited", { awaiting: OrderView.fields.awaiting, ...At }),
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
  /** By an operator: what is owed is sent again at once. */
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
  Schema.TaggedStruct("ReturnRefunded", { amount: Amount, ...ReturnKey })
])
export type Event = typeof Event.Type

/**
 * What the order waits for. Forward: `holding → authorising → reserving → booking → confirmed → capturing →
 * shippingStock → shipped → delivered`, with `awaitingStock` before `booking` where units are back-ordered; undoing, in
 * reverse: `recalling → releasing → voiding → reopening → cancelled`.
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

/** `requested → labelled → received → stocked → refunded`, or `refused`. */
export const Return = Schema.Struct({
  returnId: Schema.String,
  status: Schema.Literals(["requested", "labelled", "received", "stocked", "refunded", "refused"]),
  disposition: Disposition,
  lines: Schema.Array(ReturnedLine),
  /** Of `amount`: shipping and fees. */
  outbound: Amount,
  /** To be paid back. */
  amount: Amount,
  /** The warehouses that the units left, and go back to. */
  origins: Schema.Array(SkuAllocation)
})
export type Return = typeof Return.Type

export const State = Schema.Struct({
  phase: Phase,
  draft: Schema.NullOr(Draft),
  stock: Schema.Array(SkuAllocation),
  awaiting: OrderView.fields.awaiting,
  /** How often what it waits for has changed: numbers the questions. */
  waits: Schema.Int,
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
  cartReopened: Schema.Boolean,
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
  awaiting: [],
  waits: 0,
  payable: false,
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
  steps: [],
  since: 0
}

/** From where an order that is given up goes on undoing: what is there to undo depends on how far it came. */
const undo = (state: State): State["phase"] =>
  state.phase === "booking" || state.phase === "confirmed" ? "recalling" : "releasing"

const setReturn = (state: State, returnId: string, status: Return["status"]): ReadonlyArray<Return> =>
  state.returns.map((one) => (one.returnId === returnId ? { ...one, status } : one))

/** Its cart is to hear of it, unless it was given up on purpose: those goods may be ordered anew. */
const afterUndoing = ({ cancellation }: State): State["phase"] =>
  cancellation === null || cancellation.code === "requested" ? "cancelled" : "reopening"

const shown = 5
/** For people; the view has all of them. */
const listed = (texts: ReadonlyArray<string>): string => {
  const more = texts.length > shown ? [`and ${texts.length - shown} more`] : []
  return [...texts.slice(0, shown), ...more].join("; ")
}
/** `TEA: 1 of 3; MUG`. */
const shortageText = (missing: ReadonlyArray<Shortage>): string =>
  listed(missing.map(({ available, sku, wanted }) => (available === null ? sku : `${sku}: ${available} of ${wanted}`)))

/** What is owed when `noted` is false, to the cart, and for each return that waits for its label. */
export const noteKey = "note"
export const reopenKey = "reopen"
export const collectKey = (returnId: string): string => `collect-${returnId}`

export const evolve = (before: State, event: Event): State => {
  // Operators' doings are no steps that a customer sees.
  if (event._tag === "RetryRequested") return before
  if (event._tag === "StepSkipped") return skipped(before, event.step)
  const step: Step = { seq: before.steps.length + 1, step: stepName(event._tag), at: event.at, detail: detailOf(event) }
  const state = isStep(before, event) ? { ...before, steps: [...before.steps, step] } : before
  switch (event._tag) {
    case "Placed":
      return { ...state, phase: "holding", draft: event.draft, noted: event.draft.customerId === null, since: event.at }
    case "StockHeld":
      return { ...state, phase: "authorising", payable: true }
    case "StockUnavailable":
      return { ...state, ...lost("no_stock", event.missing) }
    case "PaymentAuthorised":
      return { ...state, phase: "reserving", authorised: event.amount }
    case "PaymentDeclined":
      return {
        ...state,
        phase: "releasing",
        payable: false,
        cancellation: { code: "card_declined", detail: event.reason, missing: [] }
      }
    case "StockAwaited":
      return { ...state, phase: "awaitingStock", awaiting: event.awaiting, waits: state.waits + 1, since: event.at }
    case "StockReserved":
      return { ...state, phase: "booking", stock: event.stock, awaiting: [] }
    case "HoldLost":
      return { ...state, ...lost("hold_expired", event.missing) }
    case "ShipmentBooked":
      return { ...state, phase: state.dispatched ? "capturing" : "confirmed", trackingNumbers: event.trackingNumbers }
    case "ShipmentRefused":
      return {
        ...state,
        phase: "releasing",
        cancellation: { code: "no_carrier", detail: event.reason, missing: [] }
      }
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
        cancellation: { code: "requested", detail: event.reason, missing: [] },
        recalls: state.recalls + 1,
        since: event.at
      }
    case "RecallRefused":
      return { ...state, phase: "confirmed", cancellation: null }
    case "ShipmentRecalled":
      return { ...state, phase: "releasing" }
    case "StockReleased":
      return { ...state, phase: state.payable ? "voiding" : afterUndoing(state), stock: [], awaiting: [] }
    case "PaymentVoided":
      return { ...state, phase: afterUndoing(state) }
    case "CartReopened":
      return { ...state, phase: "cancelled", cartReopened: true }
    case "ReturnRequested": {
      const { amount, disposition, lines, origins, outbound, returnId } = event
      const added: Return = { returnId, disposition, lines, outbound, amount, origins, status: "requested" }
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

const lost = (code: "no_stock" | "hold_expired", missing: ReadonlyArray<Shortage>) =>
  ({ phase: "releasing", cancellation: { code, detail: shortageText(missing), missing } }) as const

const skipped = (state: State, step: string): State => {
  if (step === noteKey) return { ...state, noted: true }
  if (step === reopenKey) return { ...state, phase: "cancelled" }
  return {
    ...state,
    returns: state.returns.map((one) =>
      step === collectKey(one.returnId) && one.status === "requested" ? { ...one, status: "labelled" } : one
    )
  }
}

/** That less is waited for than before is no step. */
const isStep = ({ phase }: State, { _tag }: Event): boolean => _tag !== "StockAwaited" || phase !== "awaitingStock"

/** `StockHeld` is shown to people as `stock_held`. */
const stepName = (tag: Event["_tag"]): string => tag.replace(/(?!^)([A-Z])/g, "_$1").toLowerCase()

const detailOf = (event: Event): string | null => {
  if ("reason" in event) return event.reason
  if ("missing" in event) return shortageText(event.missing)
  if ("awaiting" in event) return listed(event.awaiting.map(({ quantity, sku }) => `${sku}: ${quantity}`))
  return "returnId" in event ? event.returnId : null
}
