import type { Parts } from "@halles/entities/catalogue/Parts"
import type { ProductRow } from "@halles/entities/catalogue/ProductTable"

/** What is sold: by itself, or as a bundle of parts. */
type Sold = Pick<ProductRow, "id" | "sku"> & { readonly details: { readonly parts?: Parts } }

/** How many units of each SKU can be ordered, as far as that is known, and so which products: a bundle where each of its parts suffices. */
export class UnitsLeft {
  /** By id; `Infinity` of what may be sold before it is there. */
  readonly #units = new Map<string, number>()
  /** By the id of a SKU the ids of the bundles that it was ever a part of. */
  readonly #bundles = new Map<string, Set<string>>()

  /** Remembers which SKUs a bundle depends on. */
  know({ details: { parts = [] }, id, sku }: Sold): void {
    for (const part of parts) {
      const partId = idOf(id, sku, part.sku)
      const bundles = this.#bundles.get(partId)
      if (bundles === undefined) this.#bundles.set(partId, new Set([id]))
      else bundles.add(id)
    }
  }

  /** Takes how many are left of a SKU; the ids of products that this may make available, or sold out. */
  note(id: string, units: number): ReadonlyArray<string> {
    if (this.#units.get(id) === units) return []
    this.#units.set(id, units)
    return [id, ...(this.#bundles.get(id) ?? [])]
  }

  /** `null` while nothing is known of the SKU, or of a part. */
  isAvailable({ details: { parts }, id, sku }: Sold): boolean | null {
    if (parts === undefined) {
      const units = this.#units.get(id)
      return units === undefined ? null : units > 0
    }
    const each = parts.map((part) => ({ wanted: part.quantity, units: this.#units.get(idOf(id, sku, part.sku)) }))
    if (each.some(({ units, wanted }) => units !== undefined && units < wanted)) return false
    return each.some(({ units }) => units === undefined) ? null : true
  }
}

/** The id of another SKU of the same region. */
const idOf = (id: string, sku: string, other: string): string => id.slice(0, id.length - sku.length) + other
