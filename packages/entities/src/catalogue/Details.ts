import { SkuCode } from "@halles/shared/Ids"
import type { Fault } from "@halles/shared/wire/EdgeErrors"
import { Schema } from "effect"
import { Channels } from "./Channel.ts"
import * as Parts from "./Parts.ts"
import { CategoryCode } from "../category/CategoryTree.ts"
import { ShownMedia } from "../media/ShownMedia.ts"
import { Attributes, boundFaults } from "../producttype/Attributes.ts"
import { ProductModelCode } from "../productmodel/ProductModel.ts"
import { CheckedType } from "../producttype/ProductType.ts"

/** Most categories that one product names. */
export const categoriesOfProductMax = 50
/** Most relations of one product. */
export const relationsMax = 100

/** The last digit follows from those before it (GS1 General Specifications, 7.9): from the right they weigh 3, 1, 3, … */
const hasCheckDigit = (gtin: string): boolean => {
  let sum = 0
  for (let index = 0; index < gtin.length; index += 1) sum += Number(gtin.at(-1 - index)) * (index % 2 === 0 ? 1 : 3)
  return sum % 10 === 0
}
/** `4006381333931`: the number below a bar code. */
const Gtin = Schema.String.check(
  Schema.isPattern(/^([0-9]{8}|[0-9]{12,14})$/u, { expected: "a GTIN: 8, 12, 13 or 14 digits" })
).annotate({ examples: ["4006381333931"] })

const Length = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 }))

/** All that a product knows beside its listing. The value of an absent field is not known. */
export const Details = Schema.Struct({
  /** With the version that the edge checked the attributes with. */
  productType: Schema.optionalKey(CheckedType),
  /** The product model of which the product is a variant. The model has what its variants have in common. */
  model: Schema.optionalKey(ProductModelCode),
  attributes: Schema.optionalKey(Attributes),
  gtin: Schema.optionalKey(Gtin),
  weightGrams: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000_000 }))),
  dimensionsMm: Schema.optionalKey(Schema.Struct({ length: Length, width: Length, height: Length })),
  /** Categories of the region's tree. The product also stands in all categories above each of them. */
  categories: Schema.optionalKey(
    Schema.Array(CategoryCode).check(Schema.isMaxLength(categoriesOfProductMax), Schema.isUnique())
  ),
  /** The channels in which the shop sells it. Absent: all channels. */
  channels: Schema.optionalKey(Channels),
  /** Other products that belong to it, in the order in which shops show them. */
  relations: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({ kind: Schema.Literals(["accessory", "spare_part", "replacement"]), sku: SkuCode })
    ).check(Schema.isMaxLength(relationsMax))
  ),
  /** Makes a bundle of the product: one line of an order sells it at its own price, and its parts are held and shipped. */
  parts: Schema.optionalKey(Parts.Parts),
  media: Schema.optionalKey(ShownMedia)
})
export type Details = typeof Details.Type

/** Faults of the details of a SKU that no schema can state. */
export const faultsOf = (sku: SkuCode, { attributes, gtin, parts }: Details): ReadonlyArray<Fault> => [
  ...(gtin === undefined || hasCheckDigit(gtin)
    ? []
    : [{ pointer: "/gtin", detail: "The last digit is not the check digit of those before it" }]),
  ...boundFaults(attributes ?? []),
  ...Parts.faultsOf(sku, parts ?? [])
]
