import type { ProductRow } from "@halles/entities/catalogue/ProductTable"
import { type CategoryRule, holds } from "@halles/entities/category/CategoryRule"
import type { CategoryTable } from "@halles/entities/category/CategoryTable"
import type { CategoryTreeTable } from "@halles/entities/category/CategoryTreeTable"
import type { Attributes } from "@halles/entities/producttype/Attributes"
import type { Row } from "./TableRows.ts"

type CategoryRow = Row<(typeof CategoryTable)["schemas"]>
type CategoryTreeRow = Row<(typeof CategoryTreeTable)["schemas"]>

const none: ReadonlyArray<string> = []

/** The categories of a region: their tree, which of them are removed, and the rules of collections. */
export class Categories {
  readonly rows = new Map<string, CategoryRow>()
  readonly trees = new Map<string, CategoryTreeRow>()
  readonly #parents = new Map<string, string | null>()
  /** Of each category itself and those above it, as far as that was asked for. */
  readonly #above = new Map<string, ReadonlyArray<string>>()
  readonly #removed = new Set<string>()
  readonly #rules = new Map<string, CategoryRule>()

  /** Takes a description that is newer than what is there; says whether it was. */
  put(row: CategoryRow): boolean {
    if ((this.rows.get(row.id)?.seq ?? 0) >= row.seq) return false
    this.rows.set(row.id, row)
    const code = row.id.slice(3)
    const { rule } = row.description
    if (row.removed) this.#removed.add(code)
    else this.#removed.delete(code)
    if (row.removed || rule === undefined) this.#rules.delete(code)
    else this.#rules.set(code, rule)
    return true
  }

  /** Takes a tree that is newer than what is there; says whether it was. */
  putTree(row: CategoryTreeRow): boolean {
    if ((this.trees.get(row.id)?.seq ?? 0) >= row.seq) return false
    this.trees.set(row.id, row)
    this.#parents.clear()
    this.#above.clear()
    for (const { category, parent } of row.nodes) this.#parents.set(category, parent)
    return true
  }

  /**
   * The categories in which a product stands, as `listCategoryProducts` says: those that it names with all above them, the narrowest
   * first, and those whose rule holds. Removed ones are left out.
   */
  of({ currency, details, price_amount: amount }: ProductRow, attributes: Attributes): ReadonlyArray<string> {
    const within = new Set((details.categories ?? none).flatMap((code) => this.#upwards(code)))
    const sold = { price: { amount, currency }, productType: details.productType, attributes }
    const ruled = [...this.#rules].flatMap(([code, rule]) =>
      !within.has(code) && holds(rule, sold, (category) => within.has(category)) ? [code] : []
    )
    return [...[...within].filter((code) => !this.#removed.has(code)), ...ruled]
  }

  /** Nothing of a category that does not stand in the tree. */
  #upwards(code: string): ReadonlyArray<string> {
    const known = this.#above.get(code)
    if (known !== undefined) return known
    const parent = this.#parents.get(code)
    const above = parent === undefined ? none : parent === null ? [code] : [code, ...this.#upwards(parent)]
    this.#above.set(code, above)
    return above
  }
}
