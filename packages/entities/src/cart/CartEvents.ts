import { CartId, CustomerId, SkuCode } from "@halles/shared/Ids"
import { Amount, Currency } from "@halles/shared/Money"
import { Schema } from "effect"
import { CartTotal, HandOverRefusal, LineRefused, Notice, Pricing } from "./Cart.ts"
import { SaleLine, Charge, Coupon, Failure, Variant } from "../sale/Sale.ts"
import { Sale } from "../order/Order.ts"
import * as CartLines from "./CartLines.ts"

const at = Schema.Int
const { parts, taxRate } = SaleLine.fields
/** A SKU without parts is no bundle any more. */
export const NewPrice = Schema.Struct({ sku: SkuCode, unitPrice: Amount, taxRate, parts })
export type NewPrice = typeof NewPrice.Type

export const Event = Schema.Union([
  Schema.TaggedStruct("CartOpened", {
    currency: Currency,
    pricing: Pricing,
    customerId: Schema.NullOr(CustomerId),
    at
  }),
  /** Of `PutLine` and `AddLine`: the line as it is from now on. */
  Schema.TaggedStruct("LinePut", { line: SaleLine, at }),
  Schema.TaggedStruct("LineRemoved", { sku: SkuCode, variant: Variant, at }),
  /** Of `PutLines`: those that are as they were. Journaled, so that a late repeat is answered the same. */
  Schema.TaggedStruct("LinesRefused", { refused: Schema.Array(LineRefused), at }),
  /** An amount of 0 took the charge away. */
  Schema.TaggedStruct("ChargePut", { charge: Charge, at }),
  Schema.TaggedStruct("CouponApplied", { coupon: Coupon, at }),
  Schema.TaggedStruct("CouponRemoved", { at }),
  Schema.TaggedStruct("Repriced", { prices: Schema.Array(NewPrice), at }),
  Schema.TaggedStruct("MergeAsked", { from: CartId, attempt: Schema.Int, at }),
  /** As the source held them. */
  Schema.TaggedStruct("LinesAbsorbed", {
    from: CartId,
    attempt: Schema.Int,
    lines: Schema.Array(SaleLine),
    charges: Schema.Array(Charge),
    coupon: Schema.NullOr(Coupon),
    customerId: Schema.NullOr(CustomerId),
    at
  }),
  Schema.TaggedStruct("MergeRefusedNoted", { from: CartId, attempt: Schema.Int, reason: HandOverRefusal, at }),
  Schema.TaggedStruct("HandedOver", { into: CartId, at }),
  /** Journaled, so that a late repeat is answered the same. */
  Schema.TaggedStruct("HandOverRefused", { into: CartId, reason: HandOverRefusal, at }),
  Schema.TaggedStruct("CheckedOut", { ...Sale.fields, attempt: Schema.Int, fingerprint: Schema.String, at }),
  /** Journaled, beside the new prices: who repeats the request agrees to nothing by it. */
  Schema.TaggedStruct("CheckOutRefused", {
    expected: CartTotal,
    actual: CartTotal,
    /** Where the total is as agreed: bundles whose parts are not those that the cart showed. */
    bundles: Schema.optionalKey(Schema.Array(SkuCode)),
    fingerprint: Schema.String,
    at
  }),
  Schema.TaggedStruct("OrderPlaced", { attempt: Schema.Int, at }),
  /** The order of the attempt came to nothing. */
  Schema.TaggedStruct("Reopened", { attempt: Schema.Int, failure: Failure, at }),
  Schema.TaggedStruct("CartExpired", { at })
])
export type Event = typeof Event.Type
type Of<Tag extends Event["_tag"]> = Extract<Event, { readonly _tag: Tag }>

const MergeOutcome = Schema.Struct({
  from: CartId,
  attempt: Schema.Int,
  /** `null`: its lines are here. */
  refused: Schema.NullOr(HandOverRefusal)
})
const contents = {
  currency: Currency,
  pricing: Pricing,
  customerId: Schema.NullOr(CustomerId),
  lines: Schema.Array(SaleLine),
  charges: Schema.Array(Charge),
  coupon: Schema.NullOr(Coupon),
  merges: Schema.Array(MergeOutcome),
  /** Merges asked for so far; numbers the hand-overs, so that a merge that was refused may be asked for again. */
  attempts: Schema.Int,
  /** So far; numbers the orders. */
  checkouts: Schema.Int
}
export const Open = Schema.TaggedStruct("Open", {
  ...contents,
  changedAt: Schema.Int,
  lastFailure: Schema.NullOr(Failure),
  notices: Schema.Array(Notice),
  merging: Schema.NullOr(Schema.Struct({ from: CartId, attempt: Schema.Int, at }))
})
export type Open = typeof Open.Type
const CheckedOut = Schema.TaggedStruct("CheckedOut", {
  ...contents,
  ...Sale.fields,
  /** `charges` are those of the order; these are what was put into the cart. */
  ownCharges: Schema.Array(Charge),
  placed: Schema.Boolean,
  at
})
type CheckedOut = typeof CheckedOut.Type

export const State = Schema.Union([
  Schema.TaggedStruct("None", {}),
  Open,
  CheckedOut,
  Schema.TaggedStruct("Merged", { ...contents, into: CartId }),
  Schema.TaggedStruct("Expired", contents)
])
export type State = typeof State.Type

export const initial: State = { _tag: "None" }

/** Merges whose outcome a late repeat of the command still learns. */
const mergesMax = 20

/** Total: a closed cart stays as it is, whatever is told. */
export const evolve = (state: State, event: Event): State => {
  switch (event._tag) {
    case "CartOpened":
      return state._tag === "None" ? opened(event) : state
    case "OrderPlaced":
      return state._tag === "CheckedOut" ? { ...state, placed: true } : state
    case "Reopened":
      return state._tag === "CheckedOut" ? reopened(state, event) : state
    default:
      return state._tag === "Open" ? evolveOpen(state, event) : state
  }
}

const opened = ({ at, currency, customerId, pricing }: Of<"CartOpened">): Open => ({
  _tag: "Open",
  currency,
  pricing,
  customerId,
  lines: [],
  charges: [],
  coupon: null,
  merges: [],
  attempts: 0,
  checkouts: 0,
  changedAt: at,
  lastFailure: null,
  notices: [],
  merging: null
})

/** As it was checked out. */
const reopened = (state: CheckedOut, { at, failure }: Of<"Reopened">): Open => ({
  ...contentsOf({ ...state, charges: state.ownCharges }),
  _tag: "Open",
  changedAt: at,
  lastFailure: failure,
  notices: [],
  merging: null
})

/** By the customer: what was told of it before has been seen. */
const changed = (state: Open, at: number): Open => ({ ...state, changedAt: at, lastFailure: null, notices: [] })

const evolveOpen = (state: Open, event: Exclude<Event, Of<"CartOpened" | "OrderPlaced" | "Reopened">>): State => {
  switch (event._tag) {
    case "LinePut":
      return { ...changed(state, event.at), lines: CartLines.putLine(state.lines, event.line) }
    case "LineRemoved":
      return { ...changed(state, event.at), lines: CartLines.removeLine(state.lines, event) }
    case "LinesRefused":
      return state
    case "ChargePut":
      return { ...changed(state, event.at), charges: CartLines.putCharge(state.charges, event.charge) }
    case "CouponApplied":
      return { ...changed(state, event.at), coupon: event.coupon }
    case "CouponRemoved":
      return { ...changed(state, event.at), coupon: null }
    case "Repriced":
      return { ...state, changedAt: event.at, lines: CartLines.withPrices(state.lines, event.prices) }
    case "MergeAsked":
      return {
        ...state,
        changedAt: event.at,
        attempts: event.attempt,
        merging: { from: event.from, attempt: event.attempt, at: event.at }
      }
    case "LinesAbsorbed":
      return { ...changed(settled(state, event, null), event.at), ...absorbed(state, event) }
    case "MergeRefusedNoted":
      return settled(state, event, event.reason)
    case "HandOverRefused":
      return state
    case "CheckOutRefused":
      return { ...state, changedAt: event.at }
    case "HandedOver":
      return { ...contentsOf(state), _tag: "Merged", into: event.into }
    case "CartExpired":
      return { ...contentsOf(state), _tag: "Expired" }
    case "CheckedOut": {
      const { attempt, fingerprint: _, ...sale } = event
      return { ...contentsOf(state), ...sale, ownCharges: state.charges, checkouts: attempt, placed: false }
    }
  }
}

const absorbed = ({ charges, coupon, customerId, lines, pricing }: Open, event: Of<"LinesAbsorbed">) => {
  const { from } = event
  const { dropped, kept } = CartLines.absorbCoupon(coupon, event.coupon)
  const notices: ReadonlyArray<Notice> = [
    ...(dropped === null || kept === null ? [] : [{ code: "coupon_dropped" as const, from, coupon: dropped, kept }]),
    ...(event.customerId === null || event.customerId === customerId
      ? []
      : [{ code: "customer_dropped" as const, from }])
  ]
  return {
    lines: CartLines.absorbLines(lines, event.lines, pricing),
    charges: CartLines.absorbCharges(charges, event.charges),
    coupon: kept,
    notices
  }
}

const settled = (
  state: Open,
  { at, attempt, from }: Of<"LinesAbsorbed" | "MergeRefusedNoted">,
  refused: (typeof MergeOutcome.Type)["refused"]
): Open => ({
  ...state,
  changedAt: at,
  merging: null,
  merges: [...state.merges, { from, attempt, refused }].slice(-mergesMax)
})

type Contents = Pick<Open, keyof typeof contents>
const contentsOf = (state: Contents): Contents => ({
  currency: state.currency,
  pricing: state.pricing,
  customerId: state.customerId,
  lines: state.lines,
  charges: state.charges,
  coupon: state.coupon,
  merges: state.merges,
  attempts: state.attempts,
  checkouts: state.checkouts
})

/** What a cart that is open no more is called. */
export const statuses = { CheckedOut: "checked_out", Merged: "merged", Expired: "expired" } as const
