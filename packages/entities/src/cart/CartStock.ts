import type { SkuCode } from "@halles/shared/Ids"
import { regionOf } from "@halles/shared/Region"
import { Effect, Schema } from "effect"
import type { Available } from "../inventory/StockTable.ts"
import * as Availability from "./Availability.ts"
import type { CartView } from "./Cart.ts"
import type { SaleLine } from "../sale/Sale.ts"

/**
 * What could be sold of a line's SKU, to all lines of it together: enough; enough once more has come in; less than is
 * in the cart; nothing.
 */
export const LineAvailability = Schema.Literals(["in_stock", "back_order", "insufficient", "out_of_stock"])

const availabilityOf = (wanted: number, { backOrder, units }: Available): typeof LineAvailability.Type => {
  if (units >= wanted) return "in_stock"
  if (backOrder) return "back_order"
  return units === 0 ? "out_of_stock" : "insufficient"
}

const beside = (stock: ReadonlyMap<SkuCode, Available>, lines: ReadonlyArray<SaleLine>) => {
  const wanted = new Map<SkuCode, number>()
  for (const { quantity, sku } of lines) wanted.set(sku, (wanted.get(sku) ?? 0) + quantity)
  return lines.map((line) => {
    const available = stock.get(line.sku)
    return available === undefined
      ? line
      : { ...line, availability: availabilityOf(wanted.get(line.sku)!, available), available: available.units }
  })
}

/** An open cart with what there is of each line; `null` when the stock is not known at this moment. */
export const make = Effect.map(Availability.make, (availability) => (view: CartView): Effect.Effect<object | null> => {
  const skus = new Set(view.status === "open" ? view.lines.map(({ sku }) => sku) : [])
  if (skus.size === 0) return Effect.succeed(null)
  return Effect.map(availability(regionOf(view.id), skus), (stock) =>
    stock === null ? null : { ...view, lines: beside(stock, view.lines) }
  )
})
