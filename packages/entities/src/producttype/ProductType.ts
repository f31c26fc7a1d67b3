import * as Contract from "@halles/engine/eventsourced/Contract"
import { NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { commandFields } from "@halles/shared/Command"
import { Regional } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import { copy } from "@halles/shared/Text"
import { Refusal } from "@halles/shared/wire/Refusal"
import { Schema } from "effect"
import { VersionsJson } from "../history/FieldVersions.ts"
import * as History from "../history/History.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { AttributeCode, attributesMax, Declaration, Kind } from "./Declaration.ts"

/** The merchant's name of a product type, the same in every region: `loose-tea`. */
export const ProductTypeCode = Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9-]{0,39}$/u))
  .annotate({ examples: ["loose-tea"] })
  .pipe(Schema.brand("ProductTypeCode"))
export type ProductTypeCode = typeof ProductTypeCode.Type

/** A product type in one region: `eu_loose-tea`. */
export const ProductTypeId = Regional.pipe(Schema.brand("ProductTypeId"))
export type ProductTypeId = typeof ProductTypeId.Type

export const productTypeId = (region: Region, code: ProductTypeCode): ProductTypeId =>
  ProductTypeId.make(`${region}_${code}`)

/** Most attributes that a product type declares in its life. It remembers the kind of each for good. */
export const everDeclaredMax = 1_000

/** A product type, and the version of it that the edge checked attributes with. */
export const CheckedType = Schema.Struct({ code: ProductTypeCode, version: Schema.Int })
export type CheckedType = typeof CheckedType.Type

export const Title = copy(200)
/** In the order in which shops show them. */
export const Declarations = Schema.Array(Declaration).check(Schema.isMaxLength(attributesMax))

/** Replaces the title and the declarations of the type; the same again writes no event. Products keep what they have. */
export class PutProductType extends Schema.TaggedClass<PutProductType>()("PutProductType", {
  ...commandFields,
  title: Title,
  attributes: Declarations
}) {}

/** Removes the type: the edge refuses it in descriptions. Products that have it keep it, and the next `PutProductType` brings it back. */
export class RemoveProductType extends Schema.TaggedClass<RemoveProductType>()("RemoveProductType", commandFields) {}

/** A type declares an attribute with another kind than before. Products may have values of the kind that was declared first. */
export class AttributeKindFixed extends Refusal<AttributeKindFixed>()("AttributeKindFixed", {
  status: 409,
  title: "The kind of an attribute is fixed",
  fields: { attribute: AttributeCode, kind: Kind },
  sample: { attribute: "net_weight", kind: "number" },
  detail: ({ attribute, kind }) =>
    `${attribute} is of the kind ${kind}. Declare another attribute under a code of its own.`
}) {}

/** The type has declared too many attributes in its life. */
export class AttributesUsedUp extends Refusal<AttributesUsedUp>()("AttributesUsedUp", {
  status: 409,
  title: "The type has had too many attributes",
  fields: { max: Schema.Int },
  sample: { max: everDeclaredMax },
  detail: ({ max }) =>
    `A product type declares at most ${max} attributes in its life, those that it no longer has included.`
}) {}

export class ProductTypeView extends Schema.Class<ProductTypeView>("ProductTypeView")({
  region: Region,
  code: ProductTypeCode,
  title: Title,
  attributes: Declarations,
  removed: Schema.Boolean,
  seq: Schema.Int
}) {}

/** With the versions of its fields. */
export const Edited = Schema.Struct({ ...ProductTypeView.fields, versions: VersionsJson })

export const ProductType = Contract.make("ProductType", [
  Contract.command(
    PutProductType,
    ProductTypeView,
    ContentRefused,
    AttributeKindFixed,
    AttributesUsedUp,
    PreconditionFailed
  ),
  Contract.command(RemoveProductType, ProductTypeView, NotFound, PreconditionFailed),
  ...History.messages(Edited),
  Contract.view(ProductTypeView)
])
