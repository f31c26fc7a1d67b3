import { Schema } from "effect"

/** ISO 4217 codes that the shop sells in, with the number of digits of their minor unit (ISO 4217:2015, table A.1). */
export const minorUnitDigits = {
  EUR: 2,
  GBP: 2,
  USD: 2,
  CAD: 2,
  BRL: 2,
  AUD: 2,
  SGD: 2,
  HKD: 2,
  CHF: 2,
  JPY: 0
} as const

export const Currency = Schema.Literals(["EUR", "GBP", "USD", "CAD", "BRL", "AUD", "SGD", "HKD", "CHF", "JPY"])
export type Currency = typeof Currency.Type

/** Minor units (pence, cents, yen) as a whole number; `|amount| <= 2^53 - 1`. May be negative only where a total is formed. */
export const Minor = Schema.Int
/** Minor units, zero or more: a price, a charge. */
export const Amount = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/**
 * What a rate in basis points (1/10,000) makes of an amount, rounded half to even (IEEE 754 roundTiesToEven), so that
 * the rounding of many lines does not drift one way. `portion(1995, 2000)` is 399.
 */
export const portion = (amount: number, basisPoints: number): number => {
  const product = BigInt(amount) * BigInt(basisPoints)
  const quotient = product / 10_000n
  const twice = (product % 10_000n) * 2n
  if (twice > 10_000n || (twice === 10_000n && quotient % 2n === 1n)) return Number(quotient + 1n)
  return Number(quotient)
}
