import { type Currency, portion } from "@halles/shared/Money"
import type { Pricing } from "./Cart.ts"
import type { SaleLine, Charge, Coupon, Totals } from "../sale/Sale.ts"
import { apportion } from "../sale/Apportion.ts"
import { goodsOf } from "./CartLines.ts"

/** What a price depends on. */
export interface Priced {
  readonly currency: Currency
  readonly pricing: typeof Pricing.Type
  readonly lines: ReadonlyArray<SaleLine>
  readonly charges: ReadonlyArray<Charge>
  readonly coupon: Coupon | null
}

export interface Bill {
  /** The cart's own charges, then the coupon's discount, then the shop's shipping. */
  readonly charges: ReadonlyArray<Charge>
  /** What the coupon takes off the goods; stands in `charges` as a negative amount. */
  readonly discount: number
  readonly totals: Totals
}

/**
 * The shop's shipping, in minor units: a flat rate, free once the goods come to `freeFrom` after the discount. It is
 * part of the shop's offer, so it is declared here; it carries no tax.
 */
export const shopShipping: Record<Currency, { readonly rate: number; readonly freeFrom: number }> = {
  GBP: { rate: 395, freeFrom: 5_000 },
  EUR: { rate: 495, freeFrom: 6_000 },
  USD: { rate: 599, freeFrom: 7_500 },
  CAD: { rate: 799, freeFrom: 10_000 },
  BRL: { rate: 1_990, freeFrom: 25_000 },
  AUD: { rate: 895, freeFrom: 9_000 },
  SGD: { rate: 590, freeFrom: 8_000 },
  HKD: { rate: 4_000, freeFrom: 60_000 },
  CHF: { rate: 700, freeFrom: 8_000 },
  JPY: { rate: 600, freeFrom: 8_000 }
}

/** What the cart costs as it stands: `total = goods + charges + tax`, tax and discounts being those of its lines (`apportion`). */
export const bill = (cart: Priced): Bill => {
  const goods = goodsOf(cart.lines)
  const discount = cart.coupon === null ? 0 : portion(goods, cart.coupon.basisPoints)
  const charges = [...cart.charges, ...discountCharge(cart.coupon, discount), ...shippingCharge(cart, goods - discount)]
  const charged = charges.reduce((sum, { amount }) => sum + amount, 0)
  const { tax, total } = apportion({ lines: cart.lines, charges, discount })
  return { charges, discount, totals: { goods, charges: charged, tax, total } }
}

const discountCharge = (coupon: Coupon | null, discount: number): ReadonlyArray<Charge> =>
  coupon === null || discount === 0 ? [] : [{ code: coupon.code, kind: "discount", amount: -discount }]

const shippingCharge = ({ currency, lines, pricing }: Priced, net: number): ReadonlyArray<Charge> => {
  const { freeFrom, rate } = shopShipping[currency]
  return pricing === "agreed" || lines.length === 0 || net >= freeFrom
    ? []
    : [{ code: "standard", kind: "shipping", amount: rate }]
}
