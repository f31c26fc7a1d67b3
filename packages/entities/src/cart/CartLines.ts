import type { SkuCode } from "@halles/shared/Ids"
import { type StockLine, stockLines } from "../catalogue/Parts.ts"
import type { Pricing } from "./Cart.ts"
import type { SaleLine, Charge, Coupon } from "../sale/Sale.ts"

/**
 * Lines and charges are arrays, in the order in which they came: as keys of an object, codes such as `22423` would be
 * sorted, `__proto__` would be lost, and `jsonb` keeps no order of keys.
 */
export type Lines = ReadonlyArray<SaleLine>
export type Charges = ReadonlyArray<Charge>

type LineKey = Pick<SaleLine, "sku" | "variant">
type ChargeKey = Pick<Charge, "kind" | "code">

const isLine = (key: LineKey) => (line: SaleLine) => line.sku === key.sku && line.variant === key.variant
const isCharge = (key: ChargeKey) => (charge: Charge) => charge.kind === key.kind && charge.code === key.code

const put = <A>(items: ReadonlyArray<A>, same: (item: A) => boolean, item: A): ReadonlyArray<A> => {
  const index = items.findIndex(same)
  return index === -1 ? [...items, item] : items.with(index, item)
}

export const find = (lines: Lines, key: LineKey): SaleLine | undefined => lines.find(isLine(key))
export const putLine = (lines: Lines, line: SaleLine): Lines => put(lines, isLine(line), line)
export const removeLine = (lines: Lines, key: LineKey): Lines => lines.filter((line) => !isLine(key)(line))

export const amountOf = (charges: Charges, key: ChargeKey): number => charges.find(isCharge(key))?.amount ?? 0
/** An amount of 0 takes the charge away. */
export const putCharge = (charges: Charges, charge: Charge): Charges =>
  charge.amount === 0 ? charges.filter((other) => !isCharge(charge)(other)) : put(charges, isCharge(charge), charge)

/** As JSON, with the comma behind it. A line stays as it is once it is made, so each is measured once. */
const measured = new WeakMap<SaleLine, number>()
const lineBytes = (line: SaleLine): number => {
  let bytes = measured.get(line)
  if (bytes === undefined) {
    bytes = Buffer.byteLength(JSON.stringify(line)) + 1
    measured.set(line, bytes)
  }
  return bytes
}
/** Bytes of both as JSON. */
export const bytesOf = (lines: Lines, charges: Charges): number =>
  lines.reduce((sum, line) => sum + lineBytes(line), 0) + Buffer.byteLength(JSON.stringify(charges))

/** Of one SKU, over all its variants. */
export const unitsOf = (lines: Lines, sku: string): number =>
  lines.reduce((units, line) => (line.sku === sku ? units + line.quantity : units), 0)
/** Units by SKU that an order of these lines would hold. */
export const unitsBySku = (lines: Lines): ReadonlyMap<SkuCode, number> => {
  const units = new Map<SkuCode, number>()
  const add = ({ quantity, sku }: StockLine) => units.set(sku, (units.get(sku) ?? 0) + quantity)
  for (const line of lines) {
    if (line.parts === undefined) add(line)
    else stockLines(line).forEach(add)
  }
  return units
}
/** Of the SKU of which there are most. */
export const unitsMost = (lines: Lines): number => Math.max(0, ...unitsBySku(lines).values())
/** Exact up to 2^53; beyond it is rounded, but stays beyond. */
export const goodsOf = (lines: Lines): number =>
  lines.reduce((goods, line) => goods + line.unitPrice * line.quantity, 0)
export const chargedOf = (charges: Charges): number =>
  charges.reduce((charged, { amount }) => charged + Math.abs(amount), 0)

type UnitPrice = Pick<SaleLine, "sku" | "unitPrice" | "taxRate" | "parts">
/** Lines of a SKU that is not among the prices stay as they are. */
export const withPrices = (lines: Lines, prices: ReadonlyArray<UnitPrice>): Lines => {
  const bySku = new Map(prices.map((price) => [price.sku, price]))
  return lines.map((line) => {
    const price = bySku.get(line.sku)
    if (price === undefined) return line
    const { parts: _parts, ...rest } = line
    return { ...rest, ...price }
  })
}

/**
 * All lines of both carts, no unit lost. Lines of the same SKU and variant add up; with agreed pricing only those of the
 * same price do: one of another price keeps it, under the first free variant of `m1`, `m2`, … With shop pricing the
 * price that this cart has is kept, since checkout asks again.
 */
export const absorbLines = (lines: Lines, from: Lines, pricing: typeof Pricing.Type): Lines => {
  const merged = new Map(lines.map((line) => [`${line.sku}/${line.variant}`, line]))
  for (const line of from) {
    const variant = homeOf(line, merged, pricing)
    const key = `${line.sku}/${variant}`
    const same = merged.get(key)
    merged.set(key, same === undefined ? { ...line, variant } : { ...same, quantity: same.quantity + line.quantity })
  }
  return [...merged.values()]
}

/** All charges of both carts; those of the same kind and code add up. */
export const absorbCharges = (charges: Charges, from: Charges): Charges =>
  from.reduce<Charges>(
    (merged, charge) => putCharge(merged, { ...charge, amount: amountOf(merged, charge) + charge.amount }),
    charges
  )

/** Of two coupons the one that takes more off stays; of equals the cart's own. */
export const absorbCoupon = (
  own: Coupon | null,
  theirs: Coupon | null
): { readonly kept: Coupon | null; readonly dropped: Coupon | null } => {
  if (own === null || theirs === null) return { kept: own ?? theirs, dropped: null }
  if (theirs.basisPoints > own.basisPoints) return { kept: theirs, dropped: own.code === theirs.code ? null : own }
  return { kept: own, dropped: own.code === theirs.code ? null : theirs }
}

const homeOf = (line: SaleLine, merged: ReadonlyMap<string, SaleLine>, pricing: typeof Pricing.Type): string => {
  const fits = (variant: string) => {
    const there = merged.get(`${line.sku}/${variant}`)
    return there === undefined || pricing === "shop" || there.unitPrice === line.unitPrice
  }
  let variant = line.variant
  for (let n = 1; !fits(variant); n += 1) variant = `m${n}`
  return variant
}
