import * as Contract from "@halles/engine/eventsourced/Contract"
import { NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { commandFields } from "@halles/shared/Command"
import { Regional, SkuCode } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import { copy, maybeCopy } from "@halles/shared/Text"
import { Schema } from "effect"
import { VersionsJson } from "../history/FieldVersions.ts"
import * as History from "../history/History.ts"
import { Attributes } from "../producttype/Attributes.ts"
import { AttributeCode } from "../producttype/Declaration.ts"
import { CheckedType } from "../producttype/ProductType.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"

/** Most variants that one model has. */
export const variantsMax = 200
/** Most axes that one model has. An axis is an attribute by which customers choose a variant: colour, size. */
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

/** All that a model knows: what its variants have in common, and the axes by which they differ. Each variant is a product with a SKU, a price and stock of its own. */
export const Description = Schema.Struct({
  title: copy(300),
  description: maybeCopy(4_000),
  /** The product type of all its variants, with the version that the edge checked their attributes with. */
  productType: CheckedType,
  /** Values that all its variants share. */
  attributes: Attributes,
  axes: Schema.Array(AttributeCode).check(Schema.isMaxLength(axesMax), Schema.isUnique()),
  /** In the order in which shops show them. The attributes of a variant are its values on the axes, one for each. */
  variants: Schema.Array(Schema.Struct({ sku: SkuCode, attributes: Attributes })).check(Schema.isMaxLength(variantsMax))
})
export type Description = typeof Description.Type

/** Replaces the description of the model; the same description again writes no event. */
export class PutProductModel extends Schema.TaggedClass<PutProductModel>()("PutProductModel", {
  ...commandFields,
  ...Description.fields
}) {}

/** Removes the model. Its variants stay products, and the next `PutProductModel` brings the model back. */
export class RemoveProductModel extends Schema.TaggedClass<RemoveProductModel>()("RemoveProductModel", commandFields) {}

export class ProductModelView extends Schema.Class<ProductModelView>("ProductModelView")({
  region: Region,
  code: ProductModelCode,
  ...Description.fields,
  removed: Schema.Boolean,
  seq: Schema.Int
}) {}

/** With the versions of its fields. */
export const Edited = Schema.Struct({ ...ProductModelView.fields, versions: VersionsJson })

export const ProductModel = Contract.make("ProductModel", [
  Contract.command(PutProductModel, ProductModelView, ContentRefused, PreconditionFailed),
  Contract.command(RemoveProductModel, ProductModelView, NotFound, PreconditionFailed),
  ...History.messages(Edited),
  Contract.view(ProductModelView)
])
