import type { WarehouseId } from "@halles/shared/Ids"
import type { Allocation } from "./Sku.ts"

/** What a warehouse could still promise. */
export interface Free {
  readonly warehouse: WarehouseId
  readonly free: number
}

/**
 * Which warehouses serve a quantity; `missing` units are nowhere.
 *
 * **Details**
 *
 * One warehouse that has all of it is preferred, and of several the one with the least, so that the full ones stay whole
 * for large orders (best fit). If none has all of it, the fullest gives what it has and the rest is looked for in the
 * same way: the fewest parcels possible. Equals are taken in the order of `places`, so the answer is a function of it.
 */
export const allocate = (
  places: ReadonlyArray<Free>,
  quantity: number
): { readonly allocations: ReadonlyArray<Allocation>; readonly missing: number } => {
  const left = [...places]
  const allocations: Array<Allocation> = []
  let missing = quantity
  while (missing > 0) {
    const from = pick(left, missing)
    if (from === -1) break
    const { free, warehouse } = left[from]!
    const taken = Math.min(free, missing)
    allocations.push({ warehouse, quantity: taken })
    missing -= taken
    left.splice(from, 1)
  }
  return { allocations, missing }
}

/** The least that suffices, else the most there is; -1 when there is nothing. */
const pick = (places: ReadonlyArray<Free>, quantity: number): number => {
  let best = -1
  for (let index = 0; index < places.length; index++) {
    const { free } = places[index]!
    if (free <= 0) continue
    const current = best === -1 ? 0 : places[best]!.free
    if (current >= quantity ? free >= quantity && free < current : free > current) best = index
  }
  return best
}

/** Both together, one entry a warehouse. */
export const merge = (
  before: ReadonlyArray<Allocation>,
  added: ReadonlyArray<Allocation>
): ReadonlyArray<Allocation> => {
  const kept = before.map((one) => {
    const more = added.find(({ warehouse }) => warehouse === one.warehouse)
    return more === undefined ? one : { ...one, quantity: one.quantity + more.quantity }
  })
  return [...kept, ...added.filter((one) => !before.some(({ warehouse }) => warehouse === one.warehouse))]
}

export const quantityOf = (allocations: ReadonlyArray<Allocation>): number =>
  allocations.reduce((sum, { quantity }) => sum + quantity, 0)
