import { commandFields } from "@halles/shared/Command"
import { CartId, CustomerId } from "@halles/shared/Ids"
import type { Currency } from "@halles/shared/Money"
import { Result, Schema } from "effect"
import {
  type AddLine,
  type ApplyCoupon,
  CartClosed,
  type CartEmpty,
  type CartFull,
  type CheckOut,
  type HandOver,
  HandOverRefusal,
  type LinesNotTaken,
  type Merge,
  MergeRefused,
  NotSold,
  type OpenCart,
  Pricing,
  PricingMismatch,
  type PutCharge,
  type PutLine,
  type PutLines,
  type RemoveCoupon,
  type RemoveLine,
  type Reopen,
  type Reprice,
  type TotalChanged
} from "./Cart.ts"
import { SaleLine, Charge, Coupon } from "../sale/Sale.ts"
import { AlreadyExists, Busy, NotFound } from "@halles/engine/eventsourced/EntityErrors"
import type { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import type { Sale } from "../order/Order.ts"
import { beyond, worse } from "./CartBounds.ts"
import { type Event, type Open, State, statuses } from "./CartEvents.ts"
import * as CartLines from "./CartLines.ts"
import { checkOut, reprice } from "./CheckOut.ts"
import { putLine, putLines } from "./PutLines.ts"

export { replies, view } from "./CartAnswers.ts"
export { Event, evolve, initial, State } from "./CartEvents.ts"

export const type = "Cart"
export const version = 1
export const creates = ["OpenCart"] as const

/** An open cart that nobody changes for so long expires, at the end of that (UTC) day: a day's changes move its timer once. */
const dayMs = 86_400_000
export const idleMaxMs = 30 * dayMs
/** A pending step is sent again after this. */
export const redriveMs = 5_000

/** The source cart gave these up: the merging cart takes them over. */
export class AbsorbLines extends Schema.TaggedClass<AbsorbLines>()("AbsorbLines", {
  ...commandFields,
  attempt: Schema.Int,
  lines: Schema.Array(SaleLine),
  charges: Schema.Array(Charge),
  coupon: Schema.NullOr(Coupon),
  customerId: Schema.NullOr(CustomerId)
}) {}
/** The source cart gave nothing up. */
export class NoteMergeRefused extends Schema.TaggedClass<NoteMergeRefused>()("NoteMergeRefused", {
  ...commandFields,
  attempt: Schema.Int,
  reason: HandOverRefusal
}) {}
/** The order of an attempt has the cart's draft. */
export class NoteOrderPlaced extends Schema.TaggedClass<NoteOrderPlaced>()("NoteOrderPlaced", {
  ...commandFields,
  attempt: Schema.Int
}) {}

type Change =
  | PutLine
  | AddLine
  | RemoveLine
  | PutLines
  | PutCharge
  | ApplyCoupon
  | RemoveCoupon
  | Reprice
  | Merge
  | CheckOut
type Internal = AbsorbLines | NoteMergeRefused | NoteOrderPlaced | Reopen
export type Command = OpenCart | Change | HandOver | Internal | TimerFired
export type Refusal =
  | NotFound
  | AlreadyExists
  | CartClosed
  | CartEmpty
  | CartFull
  | NotSold
  | PricingMismatch
  | MergeRefused
  | LinesNotTaken
  | TotalChanged
  | Busy

/** The state knows no id: the event-sourced entity writes it into these two. */
const unnamed = { entity: type, id: "" } as const

type CheckedOut = Extract<State, { readonly _tag: "CheckedOut" }>
type Decided = Result.Result<ReadonlyArray<Event>, Refusal>
const nothing: Decided = Result.succeed([])
const events = (...events: ReadonlyArray<Event>): Decided => Result.succeed(events)

/**
 * A cart that waits for another to hand over its lines takes changes as usual, but cannot be checked out, merged, handed
 * over or expired until it has its answer, or those lines would be lost: it is `Busy` (to a cart that asks: `merging`,
 * which is an answer, so that carts asking each other in a circle do not wait for ever).
 */
export const decide = (state: State, command: Command, now: number): Decided => {
  switch (command._tag) {
    case "OpenCart":
      return open(state, command, now)
    case "HandOver":
      return handOver(state, command, now)
    case "TimerFired":
      return timerFired(state, now)
    case "NoteOrderPlaced":
      return isAttempt(state, command.attempt) && !state.placed
        ? events({ _tag: "OrderPlaced", attempt: command.attempt, at: now })
        : nothing
    case "Reopen":
      return isAttempt(state, command.attempt)
        ? events({ _tag: "Reopened", attempt: command.attempt, failure: command.failure, at: now })
        : nothing
    case "AbsorbLines":
    case "NoteMergeRefused":
      return state._tag === "Open" ? settleMerge(state, command, now) : nothing
    case "PutLine":
    case "AddLine":
    case "RemoveLine":
    case "PutLines":
    case "PutCharge":
    case "ApplyCoupon":
    case "RemoveCoupon":
    case "Reprice":
    case "Merge":
    case "CheckOut":
      return change(state, command, now)
  }
}

/** Word of an earlier checkout changes nothing at a later one. */
const isAttempt = (state: State, attempt: number): state is CheckedOut =>
  state._tag === "CheckedOut" && state.checkouts === attempt

const change = (state: State, command: Change, now: number): Decided => {
  if (state._tag === "None") return Result.fail(new NotFound(unnamed))
  if (state._tag !== "Open") return Result.fail(new CartClosed({ status: statuses[state._tag] }))
  switch (command._tag) {
    case "PutLine":
      return putLine(state, command, now)
    case "AddLine":
      return putLine(state, { ...command, more: true }, now)
    case "RemoveLine":
      return putLine(state, { ...command, quantity: 0 }, now)
    case "PutLines":
      return putLines(state, command, now)
    case "PutCharge":
      return setCharge(state, command.charge, now)
    case "ApplyCoupon":
      return applyCoupon(state, command.coupon, now)
    case "RemoveCoupon":
      return state.coupon === null ? nothing : events({ _tag: "CouponRemoved", at: now })
    case "Reprice":
      return reprice(state, command, now)
    case "Merge":
      return askMerge(state, command.from, now)
    case "CheckOut":
      return checkOut(state, command, now)
  }
}

const open = (state: State, { currency, customerId, pricing }: OpenCart, now: number): Decided =>
  state._tag === "None"
    ? events({ _tag: "CartOpened", currency, pricing, customerId: customerId ?? null, at: now })
    : Result.fail(new AlreadyExists(unnamed))

const setCharge = (state: Open, { amount, code, kind }: Charge, now: number): Decided => {
  const fits = state.pricing === "agreed" && (kind === "discount" ? amount <= 0 : amount >= 0)
  if (!fits) return Result.fail(new PricingMismatch({ pricing: state.pricing }))
  /** `+ 0` makes 0 of JavaScript's -0. */
  const charge = { code, kind, amount: amount + 0 }
  if (CartLines.amountOf(state.charges, charge) === charge.amount) return nothing
  const full = worse(state, { ...state, charges: CartLines.putCharge(state.charges, charge) })
  return full === null ? events({ _tag: "ChargePut", charge, at: now }) : Result.fail(full)
}

const applyCoupon = (state: Open, { basisPoints, code }: Coupon, now: number): Decided => {
  if (state.pricing === "agreed") return Result.fail(new PricingMismatch({ pricing: state.pricing }))
  if (state.coupon?.code === code && state.coupon.basisPoints === basisPoints) return nothing
  return events({ _tag: "CouponApplied", coupon: { code, basisPoints }, at: now })
}

/** A cart that is here already, or is being asked for, is not asked for again. */
const askMerge = (state: Open, from: CartId, now: number): Decided => {
  const absorbed = state.merges.some((merge) => merge.from === from && merge.refused === null)
  if (absorbed || state.merging?.from === from) return nothing
  if (state.merging !== null) return Result.fail(new Busy())
  if (beyond(state) !== null) return Result.fail(new MergeRefused({ reason: "too_many_lines" }))
  return events({ _tag: "MergeAsked", from, attempt: state.attempts + 1, at: now })
}

const settleMerge = ({ merging }: Open, command: AbsorbLines | NoteMergeRefused, now: number): Decided => {
  if (merging === null || merging.attempt !== command.attempt) return nothing
  const { attempt, from } = merging
  if (command._tag === "NoteMergeRefused") {
    return events({ _tag: "MergeRefusedNoted", from, attempt, reason: command.reason, at: now })
  }
  const { charges, coupon, customerId, lines } = command
  return events({ _tag: "LinesAbsorbed", from, attempt, lines, charges, coupon, customerId, at: now })
}

const handOver = (state: State, command: HandOver, now: number): Decided => {
  const reason = refusalOf(state, command)
  return reason === null
    ? events({ _tag: "HandedOver", into: command.into, at: now })
    : events({ _tag: "HandOverRefused", into: command.into, reason, at: now })
}

const refusalOf = (state: State, { currency, pricing }: HandOver): typeof HandOverRefusal.Type | null => {
  if (state._tag === "None") return "not_found"
  if (state._tag !== "Open") return "closed"
  if (state.merging !== null) return "merging"
  if (state.currency !== currency) return "other_currency"
  if (state.pricing !== pricing) return "other_pricing"
  return beyond(state) === null ? null : "too_many_lines"
}

const timerFired = (state: State, now: number): Decided =>
  state._tag === "Open" && state.merging === null && now >= expiresAt(state)
    ? events({ _tag: "CartExpired", at: now })
    : nothing

const expiresAt = ({ changedAt }: Open): number => Math.ceil((changedAt + idleMaxMs) / dayMs) * dayMs

export const dueAt = (state: State): number | null => {
  if (state._tag === "CheckedOut") return state.placed ? null : state.at + redriveMs
  if (state._tag !== "Open") return null
  return state.merging === null ? expiresAt(state) : state.merging.at + redriveMs
}

export type PendingStep =
  | {
      readonly key: `place:${number}`
      readonly _tag: "PlaceOrder"
      readonly attempt: number
      readonly draft: Sale
    }
  | {
      readonly key: `merge:${number}`
      readonly _tag: "AskHandOver"
      readonly attempt: number
      readonly from: CartId
      readonly currency: Currency
      readonly pricing: typeof Pricing.Type
    }

/** The order of a first checkout has the id of its cart, and so its shard. */
export const isJoint = ({ _tag }: PendingStep): boolean => _tag === "PlaceOrder"

export const next = (state: State): PendingStep | null => {
  if (state._tag === "CheckedOut" && !state.placed) {
    return { key: `place:${state.checkouts}`, _tag: "PlaceOrder", attempt: state.checkouts, draft: state }
  }
  if (state._tag !== "Open" || state.merging === null) return null
  const { currency, merging, pricing } = state
  return {
    key: `merge:${merging.attempt}`,
    _tag: "AskHandOver",
    attempt: merging.attempt,
    from: merging.from,
    currency,
    pricing
  }
}
