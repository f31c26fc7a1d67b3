import { type StockLine, stockLines } from "../catalogue/Parts.ts"
import { quantityOf } from "../inventory/Allocate.ts"
import type { OrderView } from "./Order.ts"
import type { Draft, SkuAllocation } from "./OrderEvents.ts"

/** The quantity of each SKU that the order holds, in the order of the codes: the parts of bundles with what is bought beside them. */
export const quantities = ({ lines }: Draft): ReadonlyArray<StockLine> =>
  [...Map.groupBy(lines.flatMap(stockLines), ({ sku }) => sku)]
    .map(([sku, lines]) => ({ sku, quantity: lines.reduce((sum, { quantity }) => sum + quantity, 0) }))
    .toSorted((a, b) => (a.sku < b.sku ? -1 : 1))

export type Awaiting = OrderView["awaiting"]

/** Units that no warehouse has for the order yet. */
export const awaitingOf = (draft: Draft, stock: ReadonlyArray<SkuAllocation>): Awaiting =>
  quantities(draft).flatMap(({ quantity, sku }) => {
    const missing = quantity - quantityOf(stock.find((one) => one.sku === sku)?.allocations ?? [])
    return missing > 0 ? [{ sku, quantity: missing }] : []
  })
