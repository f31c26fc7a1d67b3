import { quantityOf } from "../inventory/Allocate.ts"
import { Units } from "../laws/Facts.ts"
import type { SaleLine } from "../sale/Sale.ts"
import type { SkuAllocation } from "./OrderEvents.ts"

// Units that the invariants compare. They are counted apart from what an order itself goes by.

type Bought = Pick<SaleLine, "sku" | "quantity" | "parts">

/** Of lines, by SKU; a bundle counts as its parts. */
export const unitsOf = (lines: ReadonlyArray<Bought>): Units => {
  const units = new Units()
  for (const { parts = [], quantity, sku } of lines) {
    if (parts.length === 0) units.add(sku, quantity)
    for (const part of parts) units.add(part.sku, part.quantity * quantity)
  }
  return units
}

/** Of stock, by SKU, in whatever warehouse. */
export const unitsIn = (stock: ReadonlyArray<SkuAllocation>): Units => {
  const units = new Units()
  for (const { allocations, sku } of stock) units.add(sku, quantityOf(allocations))
  return units
}

/** Of stock, by SKU and warehouse. */
export const unitsFrom = (stock: ReadonlyArray<SkuAllocation>): Units => {
  const units = new Units()
  for (const { allocations, sku } of stock) {
    for (const { quantity, warehouse } of allocations) units.add(`${sku}/${warehouse}`, quantity)
  }
  return units
}
