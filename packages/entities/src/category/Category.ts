import * as Contract from "@halles/engine/eventsourced/Contract"
import { NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { commandFields } from "@halles/shared/Command"
import { Regional } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import { copy, maybeCopy } from "@halles/shared/Text"
import { Schema } from "effect"
import { VersionsJson } from "../history/FieldVersions.ts"
import * as History from "../history/History.ts"
import { Channels } from "../catalogue/Channel.ts"
import { Translations } from "../catalogue/Translations.ts"
import { ShownMedia } from "../media/ShownMedia.ts"
import { Attributes } from "../producttype/Attributes.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { CategoryCode } from "./CategoryTree.ts"
import { CategoryRule } from "./CategoryRule.ts"

/** A category in one region: `eu_black-tea`. */
export const CategoryId = Regional.pipe(Schema.brand("CategoryId"))
export type CategoryId = typeof CategoryId.Type

export const categoryId = (region: Region, code: CategoryCode): CategoryId => CategoryId.make(`${region}_${code}`)

/** All that a category knows of itself. Its place is known to the region's `CategoryTree`. */
export const Description = Schema.Struct({
  title: copy(200),
  description: maybeCopy(4_000),
  translations: Schema.optionalKey(Translations),
  /** Every category below inherits them. A category that has a value of its own for an attribute keeps its own. */
  attributes: Schema.optionalKey(Attributes),
  /** Adds products to those that name the category. */
  rule: Schema.optionalKey(CategoryRule),
  /** `listCategories` leaves it out, with all categories below it. */
  hidden: Schema.optionalKey(Schema.Boolean),
  /** `listCategories` leaves it out for any other channel. Absent: the category is shown in all channels. */
  channels: Schema.optionalKey(Channels),
  media: Schema.optionalKey(ShownMedia)
})
export type Description = typeof Description.Type

/** Replaces the description of the category; the same description again writes no event. */
export class PutCategory extends Schema.TaggedClass<PutCategory>()("PutCategory", {
  ...commandFields,
  ...Description.fields
}) {}

/** Removes the category: `listCategories` leaves it out, with all categories below it. The tree keeps its place, and the next `PutCategory` brings it back. */
export class RemoveCategory extends Schema.TaggedClass<RemoveCategory>()("RemoveCategory", commandFields) {}

export class CategoryView extends Schema.Class<CategoryView>("CategoryView")({
  region: Region,
  code: CategoryCode,
  ...Description.fields,
  removed: Schema.Boolean,
  seq: Schema.Int
}) {}

/** With the versions of its fields. */
export const Edited = Schema.Struct({ ...CategoryView.fields, versions: VersionsJson })

export const Category = Contract.make("Category", [
  Contract.command(PutCategory, CategoryView, ContentRefused, PreconditionFailed),
  Contract.command(RemoveCategory, CategoryView, NotFound, PreconditionFailed),
  ...History.messages(Edited),
  Contract.view(CategoryView)
])
