import * as Contract from "@halles/engine/eventsourced/Contract"
import { NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { commandFields } from "@halles/shared/Command"
import { Regional } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import { copy, maybeCopy } from "@halles/shared/Text"
import { Schema } from "effect"
import { Channels } from "../catalogue/Channel.ts"
import { Translations } from "../catalogue/Translations.ts"
import { Attributes } from "../producttype/Attributes.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { CategoryCode } from "./CategoryTree.ts"
import { CategoryRule } from "./CategoryRule.ts"

/** A category in one region: `eu_black-tea`. */
export const CategoryId = Regional.pipe(Schema.brand("CategoryId"))
export type CategoryId = typeof CategoryId.Type

export const categoryId = (region: Region, code: CategoryCode): CategoryId => CategoryId.make(`${region}_${code}`)

/** What a category says of itself. Where it stands says the tree. */
export const Description = Schema.Struct({
  title: copy(200),
  description: maybeCopy(4_000),
  translations: Schema.optionalKey(Translations),
  /** They hold for all categories below it, as far as those say nothing else. */
  attributes: Schema.optionalKey(Attributes),
  /** What stands in it beside the products that name it. */
  rule: Schema.optionalKey(CategoryRule),
  /** Navigation leaves it out, and what is below it. */
  hidden: Schema.optionalKey(Schema.Boolean),
  /** Navigation of another channel leaves it out; without it, it is in all of them. */
  channels: Schema.optionalKey(Channels)
})
export type Description = typeof Description.Type

/** States what the category is from now on; the same again writes nothing. */
export class PutCategory extends Schema.TaggedClass<PutCategory>()("PutCategory", {
  ...commandFields,
  ...Description.fields
}) {}

/** Nobody is shown it any more, wherever it stands; putting it brings it back. */
export class RemoveCategory extends Schema.TaggedClass<RemoveCategory>()("RemoveCategory", commandFields) {}

export class CategoryView extends Schema.Class<CategoryView>("CategoryView")({
  region: Region,
  code: CategoryCode,
  ...Description.fields,
  removed: Schema.Boolean,
  seq: Schema.Int
}) {}

export const Category = Contract.make("Category", [
  Contract.command(PutCategory, CategoryView, ContentRefused, PreconditionFailed),
  Contract.command(RemoveCategory, CategoryView, NotFound, PreconditionFailed),
  Contract.view(CategoryView)
])
