import { portion } from "@halles/shared/Money"
import type { SaleLine, Charge } from "./Sale.ts"

/** What was bought, and what is added to or taken off it as a whole. */
export interface Bought {
  readonly lines: ReadonlyArray<Pick<SaleLine, "quantity" | "unitPrice" | "taxRate">>
  /** All charges; the coupon's discount is one of them. */
  readonly charges: ReadonlyArray<Charge>
  /** What the coupon takes off the goods, zero or more. */
  readonly discount: number
}

/** What one line costs, in minor units: `paid = goods - coupon + tax - rebate`, never below zero. */
export interface LineShare {
  readonly goods: number
  readonly coupon: number
  readonly tax: number
  readonly rebate: number
  readonly paid: number
}

export interface Apportioned {
  readonly lines: ReadonlyArray<LineShare>
  readonly tax: number
  /** Paid for shipping and fees: what belongs to the order as a whole and to none of its lines. */
  readonly outbound: number
  /** `total = sum of paid + outbound`. */
  readonly total: number
}

/**
 * Says of each minor unit that is paid for what it is paid: the one place where discounts and tax come to lines. Carts are
 * billed by it, orders pay back by it, and `check` holds both against it.
 *
 * - The coupon is spread over the goods, and comes off before tax. Tax is rounded line by line (`portion`).
 * - Any other discount is a rebate on what there is to pay, tax included: it is spread over what the lines cost after coupon
 *   and tax, and leaves the tax as it is. Only carts with agreed prices have one, whose tax is within the price.
 * - What a rebate takes beyond all lines comes off shipping and fees.
 */
export const apportion = ({ charges, discount, lines }: Bought): Apportioned => {
  const goods = lines.map(({ quantity, unitPrice }) => unitPrice * quantity)
  const coupons = spread(discount, goods)
  const taxes = lines.map(({ taxRate }, index) => portion(goods[index]! - coupons[index]!, taxRate))
  const gross = goods.map((amount, index) => amount - coupons[index]! + taxes[index]!)
  const rebate = Math.max(0, -sum(charges.filter(isDiscount).map(({ amount }) => amount)) - discount)
  const ofLines = Math.min(rebate, sum(gross))
  const rebates = spread(ofLines, gross)
  const outbound = sum(charges.filter((charge) => !isDiscount(charge)).map(({ amount }) => amount)) - (rebate - ofLines)
  const shares = goods.map((amount, index): LineShare => ({
    goods: amount,
    coupon: coupons[index]!,
    tax: taxes[index]!,
    rebate: rebates[index]!,
    paid: gross[index]! - rebates[index]!
  }))
  return { lines: shares, tax: sum(taxes), outbound, total: sum(shares.map(({ paid }) => paid)) + outbound }
}

const isDiscount = ({ kind }: Charge): boolean => kind === "discount"
const sum = (amounts: ReadonlyArray<number>): number => amounts.reduce((sum, amount) => sum + amount, 0)

/**
 * Splits an amount in proportion to the weights, to the last minor unit: each share is rounded down, and what is left
 * goes, one each, to the largest remainders (Hamilton's method; of equal ones to the first). No share exceeds its weight
 * when the amount does not exceed their sum.
 */
export const spread = (amount: number, weights: ReadonlyArray<number>): ReadonlyArray<number> => {
  const sum = weights.reduce((sum, weight) => sum + BigInt(weight), 0n)
  if (amount === 0 || sum === 0n) return weights.map(() => 0)
  const parts = weights.map((weight, index) => {
    const product = BigInt(amount) * BigInt(weight)
    return { index, share: Number(product / sum), remainder: product % sum }
  })
  const left = amount - parts.reduce((shared, { share }) => shared + share, 0)
  const favoured = parts
    .toSorted((a, b) => (a.remainder < b.remainder ? 1 : a.remainder > b.remainder ? -1 : a.index - b.index))
    .slice(0, left)
  const extra = new Set(favoured.map(({ index }) => index))
  return parts.map(({ index, share }) => (extra.has(index) ? share + 1 : share))
}

/** What was paid for the first `units` of the `quantity` of a line: all of them come to exactly what the line cost. */
export const paidUpTo = (paid: number, units: number, quantity: number): number =>
  Number((BigInt(paid) * BigInt(units)) / BigInt(quantity))
