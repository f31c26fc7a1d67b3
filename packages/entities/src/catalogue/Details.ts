import { SkuCode } from "@halles/shared/Ids"
import type { Fault } from "@halles/shared/wire/EdgeErrors"
import { Schema } from "effect"
import { Channels } from "./Channel.ts"
import { CategoryCode } from "../category/CategoryTree.ts"
import { Attributes, boundFaults } from "../producttype/Attributes.ts"
import { ProductModelCode } from "../productmodel/ProductModel.ts"
import { CheckedType } from "../producttype/ProductType.ts"

/** Categories that one product names. */
export const categoriesOfProductMax = 50
/** Relations of one product. */
export const relationsMax = 100

/** The last digit follows from those before it (GS1 General Specifications, 7.9): from the right they weigh 3, 1, 3, … */
const hasCheckDigit = (gtin: string): boolean => {
  let sum = 0
  for (let index = 0; index < gtin.length; index += 1) sum += Number(gtin.at(-1 - index)) * (index % 2 === 0 ? 1 : 3)
  return sum % 10 === 0
}
/** `4006381333931`: what is printed below the bars. */
export const Gtin = Schema.String.check(
  Schema.isPattern(/^([0-9]{8}|[0-9]{12,14})$/u, { expected: "a GTIN: 8, 12, 13 or 14 digits" })
).annotate({ examples: ["4006381333931"] })

const Length = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 }))

/** What is known of a product beside its listing; a field that is absent is not known. */
export const Details = Schema.Struct({
  /** With the version of it that the attributes were checked with. */
  productType: Schema.optionalKey(CheckedType),
  /** Of which it is a variant; what variants have in common is said there. */
  model: Schema.optionalKey(ProductModelCode),
  attributes: Schema.optionalKey(Attributes),
  gtin: Schema.optionalKey(Gtin),
  weightGrams: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000_000 }))),
  dimensionsMm: Schema.optionalKey(Schema.Struct({ length: Length, width: Length, height: Length })),
  /** Where it stands in the tree of its region, with what is below each. */
  categories: Schema.optionalKey(
    Schema.Array(CategoryCode).check(Schema.isMaxLength(categoriesOfProductMax), Schema.isUnique())
  ),
  /** Where it is sold; without it, in all channels. */
  channels: Schema.optionalKey(Channels),
  /** What belongs to it, in the order in which it is shown. */
  relations: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({ kind: Schema.Literals(["accessory", "spare_part", "replacement"]), sku: SkuCode })
    ).check(Schema.isMaxLength(relationsMax))
  )
})
export type Details = typeof Details.Type

/** What is wrong with details that have their form. */
export const faultsOf = ({ attributes, gtin }: Details): ReadonlyArray<Fault> => [
  ...(gtin === undefined || hasCheckDigit(gtin)
    ? []
    : [{ pointer: "/gtin", detail: "The last digit is not the check digit of those before it" }]),
  ...boundFaults(attributes ?? [])
]
