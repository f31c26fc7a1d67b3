import type { WarehouseId } from "@halles/shared/Ids"
import { given } from "@halles/shared/wire/Stamp"
import { type StockLine, stockLines } from "../catalogue/Parts.ts"
import type { ReturnedLine, ReturnLine } from "./Order.ts"
import { apportion, paidUpTo } from "../sale/Apportion.ts"
import type { Allocation } from "../inventory/Sku.ts"
import type { Draft, SkuAllocation, State } from "./OrderEvents.ts"

type Wanted = typeof ReturnLine.Type

const keyOf = ({ sku, variant }: Pick<Wanted, "sku" | "variant">): string => `${sku}/${variant}`

/** Returns that stand: what a refused one would have brought back may still come. */
const standing = ({ returns }: Pick<State, "returns">) => returns.filter(({ status }) => status !== "refused")

/** Of each line: how many units returns have taken, and how much money for them. */
const takenOf = (
  state: Pick<State, "returns">
): ReadonlyMap<string, { readonly units: number; readonly refund: number }> => {
  const taken = new Map<string, { units: number; refund: number }>()
  for (const line of standing(state).flatMap(({ lines }) => lines)) {
    const before = taken.get(keyOf(line)) ?? { units: 0, refund: 0 }
    taken.set(keyOf(line), { units: before.units + line.quantity, refund: before.refund + line.refund })
  }
  return taken
}

/** How many of each line may still come back, by line. */
export const returnables = (state: Pick<State, "draft" | "returns">): ((line: Wanted) => number) => {
  const taken = takenOf(state)
  const bought = new Map(state.draft?.lines.map((line) => [keyOf(line), line.quantity]))
  return (line) => (bought.get(keyOf(line)) ?? 0) - (taken.get(keyOf(line))?.units ?? 0)
}

export interface Planned {
  /** Each with what is paid back for it. */
  readonly lines: ReadonlyArray<ReturnedLine>
  /** Shipping and fees that are paid back with them. */
  readonly outbound: number
  readonly amount: number
  /** The warehouses that the units left, and go back to. */
  readonly origins: ReadonlyArray<SkuAllocation>
}

/**
 * What a return brings back and what is paid back for it. Units of one line are paid back by the running total of what the
 * line cost (`paidUpTo`), less what other returns have taken, so that all of a line comes to exactly what was paid for it
 * in whatever portions, and whichever of them are refused. Shipping and fees are paid back by a return that brings
 * everything of the order back at once: it withdraws from the contract (EU directive 2011/83, article 13). Returns of parts
 * pay back goods and their tax, also when they come to everything in the end.
 */
export const plan = (state: State, wanted: ReadonlyArray<Wanted>): Planned => {
  const draft = state.draft!
  const { lines: shares, outbound } = apportion(draft)
  const index = new Map(draft.lines.map((line, at) => [keyOf(line), at]))
  const taken = takenOf(state)
  const lines = wanted.map((line): ReturnedLine => {
    const at = index.get(keyOf(line))!
    const { refund, units } = taken.get(keyOf(line)) ?? { refund: 0, units: 0 }
    const due = paidUpTo(shares[at]!.paid, units + line.quantity, draft.lines[at]!.quantity)
    return { ...line, refund: Math.max(0, due - refund) }
  })
  const whole = isEverything(draft, wanted) ? outbound : 0
  const amount = lines.reduce((sum, { refund }) => sum + refund, whole)
  return { lines, outbound: whole, amount, origins: originsOf(state, wanted) }
}

/** Of lines that may come back: then no other return has any of it. */
const isEverything = ({ lines }: Draft, wanted: ReadonlyArray<Wanted>): boolean => {
  const units = new Map(wanted.map((line) => [keyOf(line), line.quantity]))
  return lines.every((line) => units.get(keyOf(line)) === line.quantity)
}

/** What comes back of these lines: all parts of a bundle together, as the order sold it. */
export const unitsBack = ({ lines }: Pick<Draft, "lines">, wanted: ReadonlyArray<Wanted>): ReadonlyArray<StockLine> => {
  const bought = new Map(lines.map((line) => [keyOf(line), line]))
  return wanted.flatMap((line) => stockLines({ ...line, ...given("parts", bought.get(keyOf(line))?.parts) }))
}

/** The units of a SKU go back to the warehouses that they left, the last parcel first. */
const originsOf = (state: State, wanted: ReadonlyArray<Wanted>): ReadonlyArray<SkuAllocation> => {
  const taken = new Map<string, number>()
  for (const { allocations, sku } of standing(state).flatMap(({ origins }) => origins)) {
    for (const { quantity, warehouse } of allocations) {
      taken.set(`${sku}/${warehouse}`, (taken.get(`${sku}/${warehouse}`) ?? 0) + quantity)
    }
  }
  return [...Map.groupBy(unitsBack(state.draft!, wanted), ({ sku }) => sku)].map(([sku, lines]) => {
    const left = (state.stock.find((one) => one.sku === sku)?.allocations ?? []).map(({ quantity, warehouse }) => ({
      warehouse,
      quantity: quantity - (taken.get(`${sku}/${warehouse}`) ?? 0)
    }))
    const units = lines.reduce((sum, { quantity }) => sum + quantity, 0)
    return { sku, allocations: fromLast(left, units) }
  })
}

const fromLast = (
  left: ReadonlyArray<{ readonly warehouse: WarehouseId; readonly quantity: number }>,
  units: number
): ReadonlyArray<Allocation> => {
  const allocations: Array<Allocation> = []
  let missing = units
  for (const { quantity, warehouse } of left.toReversed()) {
    const some = Math.min(quantity, missing)
    if (some <= 0) continue
    allocations.push({ warehouse, quantity: some })
    missing -= some
  }
  return allocations
}
