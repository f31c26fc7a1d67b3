import type { SkuCode } from "@halles/shared/Ids"
import { quantityOf } from "../inventory/Allocate.ts"
import type { OrderView } from "./Order.ts"
import type { Draft, SkuAllocation } from "./OrderEvents.ts"

/** The quantity of each SKU of the order, in the order of the codes. */
export const quantities = ({ lines }: Draft): ReadonlyArray<{ readonly sku: SkuCode; readonly quantity: number }> =>
  [...Map.groupBy(lines, ({ sku }) => sku)]
    .map(([sku, lines]) => ({ sku, quantity: lines.reduce((sum, { quantity }) => sum + quantity, 0) }))
    .toSorted((a, b) => (a.sku < b.sku ? -1 : 1))

export type Awaiting = OrderView["awaiting"]

/** Units that no warehouse has for the order yet. */
export const awaitingOf = (draft: Draft, stock: ReadonlyArray<SkuAllocation>): Awaiting =>
  quantities(draft).flatMap(({ quantity, sku }) => {
    const missing = quantity - quantityOf(stock.find((one) => one.sku === sku)?.allocations ?? [])
    return missing > 0 ? [{ sku, quantity: missing }] : []
  })
