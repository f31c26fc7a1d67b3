import { checkoutsMax, type SkuCode } from "@halles/shared/Ids"
import type { Currency } from "@halles/shared/Money"
import { given } from "@halles/shared/wire/Stamp"
import { Equal, Result } from "effect"
import {
  CartEmpty,
  CartFull,
  type CartTotal,
  type CheckOut,
  NotSold,
  type Prices,
  type Reprice,
  TotalChanged
} from "./Cart.ts"
import { Busy } from "@halles/engine/eventsourced/EntityErrors"
import { beyond, worse } from "./CartBounds.ts"
import type { Event, NewPrice, Open } from "./CartEvents.ts"
import * as CartLines from "./CartLines.ts"
import { bill } from "./CartTotals.ts"

type Decided<Refusal> = Result.Result<ReadonlyArray<Event>, Refusal>

/** `hasOwn`: a SKU may be called `constructor`. */
const priceOf = (prices: typeof Prices.Type, sku: string, currency: Currency) => {
  const price = Object.hasOwn(prices, sku) ? prices[sku] : undefined
  return price?.currency === currency ? price : undefined
}

/** Agreed prices never change by themselves. */
const newPrices = ({ currency, lines, pricing }: Open, prices: typeof Prices.Type): ReadonlyArray<NewPrice> => {
  const changed = new Map<string, NewPrice>()
  for (const { parts, sku, taxRate, unitPrice } of pricing === "agreed" ? [] : lines) {
    const price = priceOf(prices, sku, currency)
    if (price === undefined) continue
    if (price.amount === unitPrice && price.taxRate === taxRate && Equal.equals(price.parts, parts)) continue
    changed.set(sku, { sku, unitPrice: price.amount, taxRate: price.taxRate, ...given("parts", price.parts) })
  }
  return [...changed.values()]
}

export const reprice = (state: Open, { prices = {} }: Reprice, now: number): Decided<CartFull> => {
  const repriced = newPrices(state, prices)
  if (repriced.length === 0) return Result.succeed([])
  const full = worse(state, { ...state, lines: CartLines.withPrices(state.lines, repriced) })
  return full === null ? Result.succeed([{ _tag: "Repriced", prices: repriced, at: now }]) : Result.fail(full)
}

/** The total that the customer agreed to, where `actual` is another; `null` where it is fine. */
const disagreed = (state: Open, command: CheckOut, actual: CartTotal): CartTotal | null => {
  const displayed = { amount: bill(state).totals.total, currency: state.currency }
  const { expectedSeq, expectedTotal } = command
  const stated = expectedTotal ?? (expectedSeq === undefined ? null : displayed)
  if (stated !== null) {
    return stated.amount === actual.amount && stated.currency === actual.currency ? null : stated
  }
  return actual.amount > displayed.amount ? displayed : null
}

/** SKUs whose lines have other parts now. */
const rebundled = (shown: CartLines.Lines, now: CartLines.Lines): ReadonlyArray<SkuCode> => [
  ...new Set(now.flatMap(({ parts, sku }, index) => (Equal.equals(parts, shown[index]!.parts) ? [] : [sku])))
]

/**
 * A cart whose prices, or parts of bundles, are no longer those of the products takes the new ones together with the refusal, so
 * that the customer sees what there is to agree to.
 */
export const checkOut = (
  state: Open,
  command: CheckOut,
  now: number
): Decided<Busy | CartEmpty | CartFull | NotSold | TotalChanged> => {
  if (state.merging !== null) return Result.fail(new Busy())
  if (state.lines.length === 0) return Result.fail(new CartEmpty())
  if (state.checkouts >= checkoutsMax) return Result.fail(new CartFull({ bound: "checkouts", max: checkoutsMax }))
  const { prices = {} } = command
  const missing =
    state.pricing === "agreed" ? [] : state.lines.filter(({ sku }) => !priceOf(prices, sku, state.currency))
  if (missing.length > 0) return Result.fail(new NotSold({ skus: [...new Set(missing.map(({ sku }) => sku))] }))
  const repriced = newPrices(state, prices)
  const cart = { ...state, lines: CartLines.withPrices(state.lines, repriced) }
  const { charges, discount, totals } = bill(cart)
  /** Discounts take off what there is to pay, no more. */
  const overdrawn =
    totals.total < 0 ? new CartFull({ bound: "discounts", max: totals.total - discounts(charges) }) : null
  const full = beyond(cart) ?? overdrawn
  if (full !== null) return Result.fail(full)
  const { customerId, currency, lines } = cart
  const { email, fingerprint, paymentToken, shippingAddress } = command
  const actual = { amount: totals.total, currency }
  const expected = disagreed(state, command, actual)
  if (expected !== null) {
    return repriced.length === 0
      ? Result.fail(new TotalChanged({ expected, actual }))
      : Result.succeed([
          { _tag: "Repriced", prices: repriced, at: now },
          { _tag: "CheckOutRefused", expected, actual, fingerprint, at: now }
        ])
  }
  const bundles = rebundled(state.lines, lines)
  if (bundles.length > 0) {
    return Result.succeed([
      { _tag: "Repriced", prices: repriced, at: now },
      { _tag: "CheckOutRefused", expected: actual, actual, bundles, fingerprint, at: now }
    ])
  }
  const sale = { customerId, currency, lines, charges, discount, totals, email, shippingAddress, paymentToken }
  return Result.succeed([{ _tag: "CheckedOut", ...sale, attempt: state.checkouts + 1, fingerprint, at: now }])
}

const discounts = (charges: CartLines.Charges): number =>
  charges.reduce((sum, { amount, kind }) => (kind === "discount" ? sum + amount : sum), 0)
