import * as Contract from "@halles/engine/eventsourced/Contract"
import { NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { commandFields } from "@halles/shared/Command"
import { Regional, SkuCode } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import { copy, maybeCopy } from "@halles/shared/Text"
import { Schema } from "effect"
import { Attributes } from "../producttype/Attributes.ts"
import { AttributeCode } from "../producttype/Declaration.ts"
import { CheckedType } from "../producttype/ProductType.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"

/** Variants of one model. */
export const variantsMax = 200
/** Attributes by which variants of one model differ for those who choose: colour, size. */
export const axesMax = 5

/** The merchant's name of a model, the same in every region: `teapot`. */
export const ProductModelCode = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,40}$/u))
  .annotate({ examples: ["teapot"] })
  .pipe(Schema.brand("ProductModelCode"))
export type ProductModelCode = typeof ProductModelCode.Type

/** A model in one region: `eu_teapot`. */
export const ProductModelId = Regional.pipe(Schema.brand("ProductModelId"))
export type ProductModelId = typeof ProductModelId.Type

export const productModelId = (region: Region, code: ProductModelCode): ProductModelId =>
  ProductModelId.make(`${region}_${code}`)

/** What variants have in common, and what tells them apart. Each variant is a product with a SKU, a price and stock of its own. */
export const Description = Schema.Struct({
  title: copy(300),
  description: maybeCopy(4_000),
  /** Of all its variants, with the version of it that the attributes were checked with. */
  productType: CheckedType,
  /** Those of the type that do not differ between variants. */
  attributes: Attributes,
  axes: Schema.Array(AttributeCode).check(Schema.isMaxLength(axesMax), Schema.isUnique()),
  /** In the order in which they are shown; `attributes` has a value for each axis. */
  variants: Schema.Array(Schema.Struct({ sku: SkuCode, attributes: Attributes })).check(Schema.isMaxLength(variantsMax))
})
export type Description = typeof Description.Type

/** States what the model is from now on; the same again writes nothing. */
export class PutProductModel extends Schema.TaggedClass<PutProductModel>()("PutProductModel", {
  ...commandFields,
  ...Description.fields
}) {}

/** Its variants are products by themselves; putting it brings it back. */
export class RemoveProductModel extends Schema.TaggedClass<RemoveProductModel>()("RemoveProductModel", commandFields) {}

export class ProductModelView extends Schema.Class<ProductModelView>("ProductModelView")({
  region: Region,
  code: ProductModelCode,
  ...Description.fields,
  removed: Schema.Boolean,
  seq: Schema.Int
}) {}

export const ProductModel = Contract.make("ProductModel", [
  Contract.command(PutProductModel, ProductModelView, ContentRefused, PreconditionFailed),
  Contract.command(RemoveProductModel, ProductModelView, NotFound, PreconditionFailed),
  Contract.view(ProductModelView)
])
