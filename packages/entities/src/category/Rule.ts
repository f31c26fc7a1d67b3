import { Amount, Currency } from "@halles/shared/Money"
import { Schema } from "effect"
import type { SqlClient, Statement } from "effect/sql"
import type { ProductView } from "../catalogue/Product.ts"
import { Attributes } from "../producttype/Attributes.ts"
import { ProductTypeCode } from "../producttype/ProductType.ts"
import { CategoryCode } from "./CategoryTree.ts"

const Limit = Schema.Struct({ amount: Amount, currency: Currency })

/** What makes a collection of a category: products stand in it for which all of this holds, beside those that name it. */
export const Rule = Schema.Struct({
  productType: Schema.optionalKey(ProductTypeCode),
  /** They stand in it, or below it. */
  category: Schema.optionalKey(CategoryCode),
  /** At least, before tax. */
  priceFrom: Schema.optionalKey(Limit),
  /** Less than, before tax. */
  priceBelow: Schema.optionalKey(Limit),
  attributes: Schema.optionalKey(Attributes)
})
export type Rule = typeof Rule.Type

/** A rule that says nothing would have everything in it. */
export const isEmpty = (rule: Rule): boolean =>
  Object.keys(rule).filter((name) => name !== "attributes").length === 0 && (rule.attributes ?? []).length === 0

/** What is asked for: a category with all below it, and what its rule adds. */
export interface Stands {
  readonly categories: ReadonlyArray<string>
  /** With the categories that its category leads to. */
  readonly rule: { readonly rule: Rule; readonly within: ReadonlyArray<string> } | null
}

/** Over the columns of the read table of products. */
export const where = (sql: SqlClient.SqlClient, { categories, rule: added }: Stands): Statement.Fragment => {
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
    ...(rule.attributes ?? []).map((one) => sql`details -> 'attributes' @> ${JSON.stringify([one])}::text::jsonb`)
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

/** The same, of a product that the read table does not have yet. */
export const stands = (product: ProductView, { categories, rule: added }: Stands): boolean => {
  const isNamed = (codes: ReadonlyArray<string>) => product.categories?.some((code) => codes.includes(code)) === true
  if (isNamed(categories)) return true
  if (added === null) return false
  const { rule, within } = added
  const { amount, currency } = product.price
  return (
    (rule.productType === undefined || product.productType?.code === rule.productType) &&
    (rule.category === undefined || isNamed(within)) &&
    (rule.priceFrom === undefined || (rule.priceFrom.currency === currency && amount >= rule.priceFrom.amount)) &&
    (rule.priceBelow === undefined || (rule.priceBelow.currency === currency && amount < rule.priceBelow.amount)) &&
    contains(product.attributes ?? [], rule.attributes ?? [])
  )
}
