import { given } from "@halles/shared/wire/Stamp"
import { Equal, Result } from "effect"
import {
  type CartFull,
  type LineChange,
  type LineRefused,
  LinesNotTaken,
  NotSold,
  PricingMismatch,
  type PutLines
} from "./Cart.ts"
import { type SaleLine } from "../sale/Sale.ts"
import { worse } from "./CartBounds.ts"
import { type Event, evolve, type Open } from "./CartEvents.ts"
import * as CartLines from "./CartLines.ts"

type Refusal = CartFull | NotSold | PricingMismatch

export const putLine = (state: Open, change: LineChange, now: number): Result.Result<ReadonlyArray<Event>, Refusal> => {
  const { more, quantity, sku, variant } = change
  const known = CartLines.find(state.lines, change)
  if (quantity === 0) {
    return Result.succeed(known === undefined ? [] : [{ _tag: "LineRemoved", sku, variant, at: now }])
  }
  const wanted = more === true ? (known?.quantity ?? 0) + quantity : quantity
  return Result.flatMap(lineOf(state, change, wanted, known), (line) => {
    if (known !== undefined && sameLine(known, line)) return Result.succeed([])
    const full = worse(state, { ...state, lines: CartLines.putLine(state.lines, line) })
    return full === null ? Result.succeed([{ _tag: "LinePut", line, at: now }]) : Result.fail(full)
  })
}

const sameLine = (a: SaleLine, b: SaleLine): boolean =>
  a.quantity === b.quantity &&
  a.unitPrice === b.unitPrice &&
  a.taxRate === b.taxRate &&
  a.title === b.title &&
  Equal.equals(a.parts, b.parts)

const lineOf = (
  state: Open,
  { agreedPrice, listing, more, sku, variant }: LineChange,
  quantity: number,
  known: SaleLine | undefined
): Result.Result<SaleLine, Refusal> => {
  if (state.pricing === "agreed") {
    /** Units of one line have one price: more of it at another is a line of its own, under another variant. */
    const fits = agreedPrice !== undefined && !(more === true && known !== undefined && known.unitPrice !== agreedPrice)
    if (!fits) return Result.fail(new PricingMismatch({ pricing: state.pricing }))
    return Result.succeed({
      sku,
      variant,
      title: listing?.title ?? known?.title ?? sku,
      quantity,
      unitPrice: agreedPrice,
      taxRate: 0
    })
  }
  if (agreedPrice !== undefined) return Result.fail(new PricingMismatch({ pricing: state.pricing }))
  if (listing?.price.currency !== state.currency) return Result.fail(new NotSold({ skus: [sku] }))
  const { parts, price, title } = listing
  const { amount: unitPrice, taxRate } = price
  return Result.succeed({ sku, variant, title, quantity, unitPrice, taxRate, ...given("parts", parts) })
}

const reasonOf = (refusal: Refusal): LineRefused["reason"] => {
  switch (refusal._tag) {
    case "NotSold":
      return { _tag: "NotSold" }
    case "PricingMismatch":
      return { _tag: "PricingMismatch", pricing: refusal.pricing }
    case "CartFull":
      return { _tag: "CartFull", bound: refusal.bound, max: refusal.max }
  }
}

/**
 * One after the other, as if each came by itself. A refusal leaves no row, so one of all lines is none; one of some is an
 * event, so that a late repeat is answered the same.
 */
export const putLines = (
  state: Open,
  { lines }: PutLines,
  now: number
): Result.Result<ReadonlyArray<Event>, LinesNotTaken> => {
  let cart = state
  const events: Array<Event> = []
  const refused: Array<LineRefused> = []
  for (const [index, line] of lines.entries()) {
    const decided = putLine(cart, line, now)
    if (Result.isFailure(decided)) {
      refused.push({ index, reason: reasonOf(decided.failure) })
      continue
    }
    events.push(...decided.success)
    // An open cart stays open whatever becomes of its lines.
    cart = decided.success.reduce<Open>((before, event) => evolve(before, event) as Open, cart)
  }
  if (refused.length === 0) return Result.succeed(events)
  return events.length === 0
    ? Result.fail(new LinesNotTaken({ refused }))
    : Result.succeed([...events, { _tag: "LinesRefused", refused, at: now }])
}
