import { CartFull } from "./Cart.ts"
import { amountMax, bytesMax, chargesMax, linesMax, unitsMax } from "../sale/Sale.ts"
import type { Open } from "./CartEvents.ts"
import * as CartLines from "./CartLines.ts"

/** Fewer lines do not come to the bound of bytes, whatever their titles are: 300 characters of six bytes, 20 parts of 72 bytes, and the rest. */
const measuredFrom = Math.floor(bytesMax / 3_700)

type Bounded = Pick<Open, "lines" | "charges">
/** What is bounded, how much of it there may be, and how much there is. */
const bounds: ReadonlyArray<readonly [name: string, max: number, of: (cart: Bounded) => number]> = [
  ["lines", linesMax, ({ lines }) => lines.length],
  ["bytes", bytesMax, ({ charges, lines }) => (lines.length < measuredFrom ? 0 : CartLines.bytesOf(lines, charges))],
  ["units", unitsMax, ({ lines }) => CartLines.unitsMost(lines)],
  // An order asks each of them for its units, and one row of its history names them all.
  ["skus", linesMax, ({ lines }) => CartLines.unitsBySku(lines).size],
  ["goods", amountMax, ({ lines }) => CartLines.goodsOf(lines)],
  ["charges", chargesMax, ({ charges }) => charges.length],
  ["charged", amountMax, ({ charges }) => CartLines.chargedOf(charges)]
]
/** The first bound that `after` breaks worse than `before` did: a merged cart above its bounds may still shrink. */
export const worse = (before: Bounded, after: Bounded): CartFull | null => {
  const broken = bounds.find(([, max, of]) => of(after) > max && of(after) > of(before))
  return broken === undefined ? null : new CartFull({ bound: broken[0], max: broken[1] })
}
export const beyond = (cart: Bounded): CartFull | null => worse({ lines: [], charges: [] }, cart)
