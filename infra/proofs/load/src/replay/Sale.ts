import type { Region } from "@halles/shared/Region"
import type { Bucket } from "./Bucket.ts"
import * as Country from "./Country.ts"
import type { Row } from "./Row.ts"
import * as StockCode from "./StockCode.ts"

/** A line of a cart: a SKU at one agreed unit price. A second price of the same SKU has a variant of its own. */
export interface Line {
  readonly sku: string
  readonly variant: string | undefined
  readonly quantity: number
  readonly pence: number
}

/** What an invoice adds to its goods; below zero for a discount only. */
export interface Charge {
  readonly code: string
  readonly kind: "shipping" | "discount" | "fee"
  readonly pence: number
}

/** An invoice that becomes an order. */
export interface Sale {
  readonly invoice: string
  readonly at: string
  readonly region: Region
  readonly country: string
  readonly customer: string | undefined
  readonly lines: ReadonlyArray<Line>
  readonly charges: ReadonlyArray<Charge>
  /** The invoice's total in pence: what the order must come to, above zero. */
  readonly total: number
}

export type Placed = readonly [row: Row, bucket: Bucket]

const sum = (amounts: ReadonlyArray<number>): number => amounts.reduce((total, amount) => total + amount, 0)

const amountOf = (row: Row): number => row.quantity * row.pence

/** One line a SKU and price; the first price of a SKU is its plain line, each further one is variant `p<pence>`. */
export const lines = (rows: ReadonlyArray<Row>): ReadonlyArray<Line> => {
  const plain = new Map<string, number>()
  const merged = new Map<string, Line>()
  for (const { code, pence, quantity } of rows) {
    const first = plain.get(code) ?? pence
    plain.set(code, first)
    const key = `${code} ${pence}`
    const earlier = merged.get(key)?.quantity ?? 0
    const variant = first === pence ? undefined : `p${pence}`
    merged.set(key, { sku: code, variant, quantity: earlier + quantity, pence })
  }
  return [...merged.values()]
}

const signedKind = (code: string, amount: number): Charge["kind"] => {
  if (amount < 0) return "discount"
  return StockCode.kind(code) === "shipping" ? "shipping" : "fee"
}

/** One charge a code and sign; what is below zero is a discount, whatever its code, and a discount above zero a fee. */
export const charges = (rows: ReadonlyArray<Row>): ReadonlyArray<Charge> => {
  const merged = new Map<string, Charge>()
  for (const row of rows) {
    const amount = amountOf(row)
    const kind = signedKind(row.code, amount)
    const code = StockCode.chargeCode(row.code)
    const key = kind === "discount" && StockCode.kind(row.code) !== "discount" ? `${code}-CREDIT` : code
    merged.set(`${key} ${kind}`, { code: key, kind, pence: (merged.get(`${key} ${kind}`)?.pence ?? 0) + amount })
  }
  return [...merged.values()]
}

const chargedAs = { shipping: "charged_shipping", discount: "charged_discount", fee: "charged_fee" } as const

/** Sorts the row out by itself; what the rest of the invoice decides is told by `goods`, `free` and `charge`. */
const look = (row: Row): Bucket | "goods" | "free" | "charge" => {
  const kind = StockCode.kind(row.code)
  if (kind === "bookkeeping") return "bad_debt"
  if (row.rounding === "vanished") return "price_below_half_penny"
  if (kind !== "goods") {
    if (row.quantity === 0) return "stock_adjustment"
    return row.pence === 0 ? "zero_price" : "charge"
  }
  if (row.quantity <= 0) return "stock_adjustment"
  if (row.pence < 0) return "negative_price"
  if (!StockCode.isSku(row.code)) return "unusable_code"
  return row.pence === 0 ? "free" : "goods"
}

/** The sale that an invoice's rows make, if they make one, and the bucket of each row. */
export const make = (
  invoice: string,
  rows: readonly [Row, ...ReadonlyArray<Row>]
): { readonly sale: Sale | undefined; readonly placed: ReadonlyArray<Placed> } => {
  const looked = rows.map((row) => [row, look(row)] as const)
  const having = (found: string): ReadonlyArray<Row> => looked.filter((entry) => entry[1] === found).map(([row]) => row)
  const goods = having("goods")
  const chargeRows = having("charge")
  const total = sum([...goods, ...chargeRows].map(amountOf))
  const refusal = goods.length === 0 ? "charges_without_goods" : total <= 0 ? "invoice_not_positive" : undefined
  const settle = ([row, found]: (typeof looked)[number]): Placed => {
    switch (found) {
      case "goods":
        return [row, refusal ?? "ordered"]
      case "free":
        return [row, goods.length === 0 ? "zero_price" : (refusal ?? "ordered_free")]
      case "charge":
        return [row, refusal ?? chargedAs[signedKind(row.code, amountOf(row))]]
      default:
        return [row, found]
    }
  }
  const placed = looked.map(settle)
  if (refusal !== undefined) return { sale: undefined, placed }
  const [{ at, country, customer }] = rows
  const sold = looked.filter(([, found]) => found === "goods" || found === "free").map(([row]) => row)
  return {
    placed,
    sale: {
      invoice,
      at,
      region: Country.region(country),
      country,
      customer,
      lines: lines(sold),
      charges: charges(chargeRows),
      total
    }
  }
}
