import type { SkuCode } from "@halles/shared/Ids"
import { regionOf } from "@halles/shared/Region"
import { Effect, Schema } from "effect"
import type { Available } from "../inventory/StockTable.ts"
import { stockLines } from "../catalogue/Parts.ts"
import * as Availability from "../inventory/Availability.ts"
import type { CartView } from "./Cart.ts"
import { unitsBySku } from "./CartLines.ts"
import type { SaleLine } from "../sale/Sale.ts"

/**
 * What could be sold of a line's SKU, to all lines of it together: enough; enough once more has come in; less than is
 * in the cart; nothing. A bundle has what its parts suffice for.
 */
export const LineAvailability = Schema.Literals(["in_stock", "back_order", "insufficient", "out_of_stock"])

const availabilityOf = (wanted: number, { backOrder, units }: Available): typeof LineAvailability.Type => {
  if (units >= wanted) return "in_stock"
  if (backOrder) return "back_order"
  return units === 0 ? "out_of_stock" : "insufficient"
}

const beside = (stock: ReadonlyMap<SkuCode, Available>, lines: ReadonlyArray<SaleLine>) => {
  const wanted = unitsBySku(lines)
  return lines.map((line) => {
    const { parts, sku } = line
    const { units } = parts === undefined ? stock.get(sku)! : Availability.ofParts(parts, stock)
    const each = stockLines(line).map((one) => availabilityOf(wanted.get(one.sku)!, stock.get(one.sku)!))
    const worst = LineAvailability.literals.findLast((one) => each.includes(one))!
    // A part of which there is some may still be too little for one bundle.
    const isShort = parts !== undefined && (worst === "insufficient" || worst === "out_of_stock")
    const availability = isShort ? (units === 0 ? "out_of_stock" : "insufficient") : worst
    return { ...line, availability, available: units }
  })
}

/** An open cart with what there is of each line; `null` when the stock is not known at this moment. */
export const make = Effect.map(Availability.make, (availability) => (view: CartView): Effect.Effect<object | null> => {
  if (view.status !== "open" || view.lines.length === 0) return Effect.succeed(null)
  return Effect.map(availability(regionOf(view.id), unitsBySku(view.lines).keys()), (stock) =>
    stock === null ? null : { ...view, lines: beside(stock, view.lines) }
  )
})
