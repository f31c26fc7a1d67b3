import type { Region } from "@halles/shared/Region"
import type { Bucket } from "./Bucket.ts"
import type { Row } from "./Row.ts"
import type { Line, Placed, Sale } from "./Sale.ts"
import * as StockCode from "./StockCode.ts"

/** Goods that go back from one order by one cancellation. */
export interface Return {
  readonly cancellation: string
  /** The invoice of the order that they were bought with. */
  readonly invoice: string
  readonly region: Region
  readonly lines: ReadonlyArray<Line>
}

interface Bought {
  readonly sale: Sale
  readonly line: Line
  unreturned: number
}

/** Sorts a cancellation's row out by itself. */
const look = (row: Row): Bucket | "goods" => {
  const kind = StockCode.kind(row.code)
  if (row.quantity >= 0) return "cancellation_not_negative"
  if (kind === "bookkeeping") return "bad_debt"
  if (kind === "discount") return "cancelled_discount"
  if (kind !== "goods") return "cancelled_charge"
  if (!StockCode.isSku(row.code)) return "unusable_code"
  if (row.rounding === "vanished") return "price_below_half_penny"
  if (row.pence < 0) return "negative_price"
  if (row.pence === 0) return "zero_price"
  return row.customer === undefined ? "return_without_customer" : "goods"
}

/** What every customer bought and has not returned, so that a cancellation can be set against it. */
export class Purchases {
  readonly #bought = new Map<string, Array<Bought>>()

  readonly #of = (customer: string, sku: string): Array<Bought> => this.#bought.get(`${customer} ${sku}`) ?? []

  add(sale: Sale): void {
    if (sale.customer === undefined) return
    for (const line of sale.lines) {
      const bought = this.#of(sale.customer, line.sku)
      bought.push({ sale, line, unreturned: line.quantity })
      this.#bought.set(`${sale.customer} ${line.sku}`, bought)
    }
  }

  /** Takes as much of a row as was bought at its price, from the latest purchase back; one entry a purchase. */
  #take(row: Row, customer: string): ReadonlyArray<{ readonly sale: Sale; readonly line: Line }> {
    let wanted = -row.quantity
    const taken: Array<{ readonly sale: Sale; readonly line: Line }> = []
    const candidates = this.#of(customer, row.code).filter(({ line }) => line.pence === row.pence)
    for (const bought of candidates.toReversed()) {
      const quantity = Math.min(wanted, bought.unreturned)
      if (quantity === 0) continue
      bought.unreturned -= quantity
      wanted -= quantity
      taken.push({ sale: bought.sale, line: { ...bought.line, quantity } })
    }
    return taken
  }

  #bucket(row: Row, customer: string, taken: number): Bucket {
    if (taken === -row.quantity) return "returned"
    if (taken > 0) return "returned_in_part"
    const elsewhere = this.#of(customer, row.code).some(
      (bought) => bought.unreturned > 0 && bought.line.pence !== row.pence
    )
    return elsewhere ? "return_at_other_price" : "return_without_purchase"
  }

  /** The returns that a cancellation comes to, at most one an order, and the bucket of each of its rows. */
  cancel(
    cancellation: string,
    rows: ReadonlyArray<Row>
  ): { readonly returns: ReadonlyArray<Return>; readonly placed: ReadonlyArray<Placed> } {
    const bySale = new Map<Sale, Map<string, Line>>()
    const placed = rows.map((row): Placed => {
      const found = look(row)
      if (found !== "goods" || row.customer === undefined) return [row, found as Bucket]
      const taken = this.#take(row, row.customer)
      for (const { sale, line } of taken) {
        const lines = bySale.get(sale) ?? new Map<string, Line>()
        const key = `${line.sku} ${line.variant ?? ""}`
        lines.set(key, { ...line, quantity: line.quantity + (lines.get(key)?.quantity ?? 0) })
        bySale.set(sale, lines)
      }
      const units = taken.reduce((total, { line }) => total + line.quantity, 0)
      return [row, this.#bucket(row, row.customer, units)]
    })
    const returns = [...bySale].map(([sale, lines]): Return => ({
      cancellation,
      invoice: sale.invoice,
      region: sale.region,
      lines: [...lines.values()]
    }))
    return { returns, placed }
  }
}
