import { CartId, CustomerId, SkuCode } from "@halles/shared/Ids"
import { Amount, Currency } from "@halles/shared/Money"
import { Schema } from "effect"
import { CartLine, Charge, Coupon, HandOverRefusal, Pricing, Variant } from "../Cart.ts"
import { Sale } from "../Order.ts"
import * as CartLines from "./CartLines.ts"

const at = Schema.Int
export const NewPrice = Schema.Struct({ sku: SkuCode, unitPrice: Amount, taxRate: CartLine.fields.taxRate })
export type NewPrice = typeof NewPrice.Type

export const Event = Schema.Union([
  Schema.TaggedStruct("CartOpened", {
    currency: Currency,
    pricing: Pricing,
    customerId: Schema.NullOr(CustomerId),
    at
  }),
  /** Of `PutLine` and `AddLine`: the line as it is from now on. */
  Schema.TaggedStruct("LinePut", { line: CartLine, at }),
  Schema.TaggedStruct("LineRemoved", { sku: SkuCode, variant: Variant, at }),
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
    lines: Schema.Array(CartLine),
    charges: Schema.Array(Charge),
    at
  }),
  Schema.TaggedStruct("MergeRefusedNoted", { from: CartId, attempt: Schema.Int, reason: HandOverRefusal, at }),
  Schema.TaggedStruct("HandedOver", { into: CartId, at }),
  /** Journaled, so that a late repeat is answered the same. */
  Schema.TaggedStruct("HandOverRefused", { into: CartId, reason: HandOverRefusal, at }),
  Schema.TaggedStruct("CheckedOut", { ...Sale.fields, fingerprint: Schema.String, at }),
  Schema.TaggedStruct("OrderPlaced", { at }),
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
  lines: Schema.Array(CartLine),
  charges: Schema.Array(Charge),
  coupon: Schema.NullOr(Coupon),
  merges: Schema.Array(MergeOutcome)
}
export const Open = Schema.TaggedStruct("Open", {
  ...contents,
  changedAt: Schema.Int,
  /** Merges asked for so far; numbers the hand-overs, so that a merge that was refused may be asked for again. */
  attempts: Schema.Int,
  merging: Schema.NullOr(Schema.Struct({ from: CartId, attempt: Schema.Int, at }))
})
export type Open = typeof Open.Type
const CheckedOut = Schema.TaggedStruct("CheckedOut", {
  ...Sale.fields,
  pricing: Pricing,
  coupon: Schema.NullOr(Coupon),
  merges: Schema.Array(MergeOutcome),
  fingerprint: Schema.String,
  placed: Schema.Boolean,
  at
})

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
  changedAt: at,
  attempts: 0,
  merging: null
})

const evolveOpen = (state: Open, event: Exclude<Event, Of<"CartOpened" | "OrderPlaced">>): State => {
  switch (event._tag) {
    case "LinePut":
      return { ...state, changedAt: event.at, lines: CartLines.putLine(state.lines, event.line) }
    case "LineRemoved":
      return { ...state, changedAt: event.at, lines: CartLines.removeLine(state.lines, event) }
    case "ChargePut":
      return { ...state, changedAt: event.at, charges: CartLines.putCharge(state.charges, event.charge) }
    case "CouponApplied":
      return { ...state, changedAt: event.at, coupon: event.coupon }
    case "CouponRemoved":
      return { ...state, changedAt: event.at, coupon: null }
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
      return { ...settled(state, event, null), ...absorbed(state, event) }
    case "MergeRefusedNoted":
      return settled(state, event, event.reason)
    case "HandOverRefused":
      return state
    case "HandedOver":
      return { ...contentsOf(state), _tag: "Merged", into: event.into }
    case "CartExpired":
      return { ...contentsOf(state), _tag: "Expired" }
    case "CheckedOut": {
      const { coupon, merges, pricing } = state
      return { ...event, pricing, coupon, merges, placed: false }
    }
  }
}

const absorbed = ({ charges, lines, pricing }: Open, event: Of<"LinesAbsorbed">) => ({
  lines: CartLines.absorbLines(lines, event.lines, pricing),
  charges: CartLines.absorbCharges(charges, event.charges)
})

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

const contentsOf = ({ charges, coupon, currency, customerId, lines, merges, pricing }: Open) => ({
  currency,
  pricing,
  customerId,
  lines,
  charges,
  coupon,
  merges
})
