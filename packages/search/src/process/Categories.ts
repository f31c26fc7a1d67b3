import type { ProductRow } from "@halles/entities/catalogue/ProductTable"
import { type CategoryRule, holds } from "@halles/entities/category/CategoryRule"
import type { CategoryTable } from "@halles/entities/category/CategoryTable"
import type { CategoryTreeTable } from "@halles/entities/category/CategoryTreeTable"
import type { Attributes } from "@halles/entities/producttype/Attributes"
import type { Row } from "./TableRows.ts"

type CategoryRow = Row<(typeof CategoryTable)["schemas"]>
type CategoryTreeRow = Row<(typeof CategoryTreeTable)["schemas"]>

const none: ReadonlyArray<string> = []

/** What an attribute says, the most telling first. Of two attributes of which one contains the other, the larger has all keys of the smaller. */
const keysOf = (one: Attributes[number]): ReadonlyArray<string> => {
  const code = `attribute ${one.code}`
  if ("options" in one) return [...one.options.map((option) => `${code} ${option}`), code]
  if ("text" in one) return [`${code} ${one.text}`]
  if ("number" in one) return [`${code} ${one.number}`]
  return "flag" in one ? [`${code} ${one.flag}`] : [code]
}
const typeKey = (type: string): string => `type ${type}`
const categoryKey = (category: string): string => `category ${category}`
/** Of rules that only ask for a price. */
const anyKey = ""

/** What a product must have so that the rule can hold. */
const keyOf = ({ attributes = [], category, productType }: CategoryRule): string => {
  const [first] = attributes
  if (first !== undefined) return keysOf(first)[0]!
  if (productType !== undefined) return typeKey(productType)
  return category === undefined ? anyKey : categoryKey(category)
}

/** The categories of a region: their tree, which of them are removed, and the rules of collections. */
export class Categories {
  readonly rows = new Map<string, CategoryRow>()
  readonly trees = new Map<string, CategoryTreeRow>()
  readonly #parents = new Map<string, string | null>()
  /** Of each category itself and those above it, as far as that was asked for. */
  readonly #above = new Map<string, ReadonlyArray<string>>()
  readonly #removed = new Set<string>()
  /** By what a product must have the rules that may hold for it, by their categories: of many collections a product looks at few. */
  readonly #rules = new Map<string, Map<string, CategoryRule>>()

  /** Takes a description that is newer than what is there; says whether it was. */
  put(row: CategoryRow): boolean {
    const before = this.rows.get(row.id)
    if (before !== undefined && before.seq >= row.seq) return false
    this.rows.set(row.id, row)
    const code = row.id.slice(3)
    if (row.removed) this.#removed.add(code)
    else this.#removed.delete(code)
    if (before?.description.rule !== undefined) this.#rules.get(keyOf(before.description.rule))?.delete(code)
    const { rule } = row.description
    if (!row.removed && rule !== undefined) this.#rulesAt(keyOf(rule)).set(code, rule)
    return true
  }

  #rulesAt(key: string): Map<string, CategoryRule> {
    const known = this.#rules.get(key)
    if (known !== undefined) return known
    const rules = new Map<string, CategoryRule>()
    this.#rules.set(key, rules)
    return rules
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
    const stands = new Set([...within].filter((code) => !this.#removed.has(code)))
    if (this.#rules.size === 0) return [...stands]
    const type = details.productType === undefined ? none : [typeKey(details.productType.code)]
    const keys = [anyKey, ...type, ...[...within].map(categoryKey), ...attributes.flatMap(keysOf)]
    for (const key of keys)
      for (const [code, rule] of this.#rules.get(key) ?? [])
        if (!stands.has(code) && holds(rule, sold, (category) => within.has(category))) stands.add(code)
    return [...stands]
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
