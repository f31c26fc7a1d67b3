import { SkuCode } from "@halles/shared/Ids"
import type { Fault } from "@halles/shared/wire/EdgeErrors"
import { Schema } from "effect"

/** Most parts of one bundle. */
export const partsMax = 20
/** Most units of one part in one bundle. */
export const partUnitsMax = 1_000

/** So many units of this SKU are in one unit of the bundle. */
export const Part = Schema.Struct({
  sku: SkuCode,
  quantity: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: partUnitsMax }))
})
export type Part = typeof Part.Type

/** What a bundle is made of: SKUs of its region, none twice. A bundle has no stock of its own. */
export const Parts = Schema.Array(Part).check(Schema.isMinLength(1), Schema.isMaxLength(partsMax))
export type Parts = typeof Parts.Type

/** Units of one SKU that are sold, whatever they are made of. */
export interface Sold {
  readonly sku: SkuCode
  readonly quantity: number
  /** Only of a bundle. */
  readonly parts?: Parts
}
/** Units of one SKU in a warehouse. */
export interface StockLine {
  readonly sku: SkuCode
  readonly quantity: number
}
/** What is held and shipped for a line: of a bundle its parts, each as often as the bundle is sold. */
export const stockLines = ({ parts, quantity, sku }: Sold): ReadonlyArray<StockLine> =>
  parts === undefined
    ? [{ sku, quantity }]
    : parts.map((part) => ({ sku: part.sku, quantity: part.quantity * quantity }))

/** Faults of parts that no schema can state. */
export const faultsOf = (sku: SkuCode, parts: ReadonlyArray<Part>): ReadonlyArray<Fault> => {
  const seen = new Set<string>([sku])
  return parts.flatMap((part, index) => {
    const isTwice = seen.has(part.sku)
    seen.add(part.sku)
    if (!isTwice) return []
    const detail = part.sku === sku ? "A bundle is no part of itself" : `${part.sku} stands twice`
    return [{ pointer: `/parts/${index}/sku`, detail }]
  })
}
