import { Amount, Currency } from "@halles/shared/Money"
import { Schema } from "effect"
import type { SqlClient, Statement } from "effect/sql"
import type { ProductView } from "../catalogue/Product.ts"
import { Attributes } from "../producttype/Attributes.ts"
import { ProductTypeCode } from "../producttype/ProductType.ts"
import { CategoryCode } from "./CategoryTree.ts"

const Limit = Schema.Struct({ amount: Amount, currency: Currency })

/** Makes a collection of a category: beside the products that name the category, those stand in it for which every condition holds. */
export const CategoryRule = Schema.Struct({
  productType: Schema.optionalKey(ProductTypeCode),
  /** A product stands in this category, or in one below it. */
  category: Schema.optionalKey(CategoryCode),
  /** Its price before tax is at least this. */
  priceFrom: Schema.optionalKey(Limit),
  /** Its price before tax is less than this. */
  priceBelow: Schema.optionalKey(Limit),
  attributes: Schema.optionalKey(Attributes)
})
export type CategoryRule = typeof CategoryRule.Type

/** A rule without conditions, which would hold for every product. */
export const isEmpty = (rule: CategoryRule): boolean =>
  Object.keys(rule).filter((name) => name !== "attributes").length === 0 && (rule.attributes ?? []).length === 0

/** Which products stand in a category: those that name one of `categories`, and those for which its rule holds. */
export interface Standing {
  /** The category and all categories below it. */
  readonly categories: ReadonlyArray<string>
  /** `within` is the category that the rule names, and all categories below that one. */
  readonly rule: { readonly rule: CategoryRule; readonly within: ReadonlyArray<string> } | null
}

/** Products that have the attribute by themselves or by their model, as `valuesFor` says. */
const having = (sql: SqlClient.SqlClient, attribute: Attributes[number]): Statement.Fragment => {
  const wanted = JSON.stringify([attribute])
  const has = sql`@> ${wanted}::text::jsonb`
  return sql`(details -> 'attributes' ${has}
    OR details ->> 'model' IN (
      SELECT substr(m.id, 4) FROM product_model_view m WHERE NOT m.removed AND m.model -> 'attributes' ${has})
    OR sku IN (
      SELECT v.variant ->> 'sku' FROM product_model_view m, jsonb_array_elements(m.model -> 'variants') AS v(variant)
      WHERE NOT m.removed AND (m.model -> 'attributes' ${has} OR v.variant -> 'attributes' ${has})))`
}

/** The condition in SQL, over the columns of `ProductTable`. */
export const where = (sql: SqlClient.SqlClient, { categories, rule: added }: Standing): Statement.Fragment => {
  const named = (codes: ReadonlyArray<string>) => sql`details -> 'categories' ?| ${[...codes]}::text[]`
  if (added === null) return named(categories)
  const { rule, within } = added
  const priced = (limit: typeof Limit.Type, comparison: string) =>
    sql`(currency = ${limit.currency} AND price_amount ${sql.literal(comparison)} ${String(limit.amount)}::text::bigint)`
  const all = [
    ...(rule.productType === undefined ? [] : [sql`details -> 'productType' ->> 'code' = ${rule.productType}`]),
    ...(rule.category === undefined ? [] : [named(within)]),
    ...(rule.priceFrom === undefined ? [] : [priced(rule.priceFrom, ">=")]),
    ...(rule.priceBelow === undefined ? [] : [priced(rule.priceBelow, "<")]),
    ...(rule.attributes ?? []).map((one) => having(sql, one))
  ]
  return sql`(${named(categories)} OR (${sql.and(all)}))`
}

const contains = (said: unknown, wanted: unknown): boolean => {
  if (Array.isArray(wanted))
    return Array.isArray(said) && wanted.every((one) => said.some((other) => contains(other, one)))
  if (typeof wanted !== "object" || wanted === null) return said === wanted
  return (
    typeof said === "object" &&
    said !== null &&
    Object.entries(wanted).every(([name, value]) => contains((said as Readonly<Record<string, unknown>>)[name], value))
  )
}

/** What a rule looks at. The attributes are those that the product has by itself, and those that its model says. */
interface Sold {
  readonly price: Pick<ProductView["price"], "amount" | "currency">
  readonly productType?: ProductView["productType"] | undefined
  readonly attributes?: Attributes | undefined
}

/** Whether every condition of a rule holds. `isWithin` says whether the product stands in a category that it names, or below. */
export const holds = (
  rule: CategoryRule,
  { attributes = [], price: { amount, currency }, productType }: Sold,
  isWithin: (category: CategoryCode) => boolean
): boolean =>
  (rule.productType === undefined || productType?.code === rule.productType) &&
  (rule.category === undefined || isWithin(rule.category)) &&
  (rule.priceFrom === undefined || (rule.priceFrom.currency === currency && amount >= rule.priceFrom.amount)) &&
  (rule.priceBelow === undefined || (rule.priceBelow.currency === currency && amount < rule.priceBelow.amount)) &&
  contains(attributes, rule.attributes ?? [])

/** The same condition over a view. `listCategoryProducts` needs it for a product whose last change the read table does not have yet. */
export const stands = (product: ProductView, { categories, rule: added }: Standing): boolean => {
  const isNamed = (codes: ReadonlyArray<string>) => product.categories?.some((code) => codes.includes(code)) === true
  if (isNamed(categories)) return true
  return added !== null && holds(added.rule, product, () => isNamed(added.within))
}
