import * as Contract from "@halles/engine/eventsourced/Contract"
import { NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { commandFields } from "@halles/shared/Command"
import { Regional } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import { Refusal } from "@halles/shared/wire/Refusal"
import { Schema } from "effect"
import { Rpc } from "effect/rpc"
import { ContentRefused } from "../routes/ContentRefused.ts"

/** Categories of one region. */
export const categoriesMax = 10_000
/** Categories from a root to the deepest one below it, both counted. */
export const depthMax = 20
/** Categories of one answer. */
export const pageMax = 200

/** The merchant's name of a category, the same in every region: `black-tea`. */
export const CategoryCode = Schema.String.check(Schema.isPattern(/^[a-z0-9][a-z0-9-]{0,39}$/u))
  .annotate({ examples: ["black-tea"] })
  .pipe(Schema.brand("CategoryCode"))
export type CategoryCode = typeof CategoryCode.Type

/** `eu_categories`: one tree a region, so that a move is one event. */
export const CategoryTreeId = Regional.pipe(Schema.brand("CategoryTreeId"))
export type CategoryTreeId = typeof CategoryTreeId.Type

export const categoryTreeId = (region: Region): CategoryTreeId => CategoryTreeId.make(`${region}_categories`)

/** States where the category stands, with all that is below it: under `parent`, or as a root. */
export class PlaceCategory extends Schema.TaggedClass<PlaceCategory>()("PlaceCategory", {
  ...commandFields,
  category: CategoryCode,
  parent: Schema.NullOr(CategoryCode),
  /** The one that comes after it; `null`: it is the last one. Without it, it stays where it is among its siblings, or becomes the last one. */
  before: Schema.optionalKey(Schema.NullOr(CategoryCode))
}) {}

/** Takes the category out of the tree. */
export class TakeOutCategory extends Schema.TaggedClass<TakeOutCategory>()("TakeOutCategory", {
  ...commandFields,
  category: CategoryCode
}) {}

/** A category would stand below itself. */
export class CategoryCycle extends Refusal<CategoryCycle>()("CategoryCycle", {
  status: 409,
  title: "A category cannot stand below itself",
  fields: { category: CategoryCode, parent: CategoryCode },
  sample: { category: "tea", parent: "black-tea" },
  detail: ({ category, parent }) => `${parent} is ${category} itself or stands below it.`
}) {}

export class CategoryTreeFull extends Refusal<CategoryTreeFull>()("CategoryTreeFull", {
  status: 409,
  title: "The tree has no room for it",
  fields: { bound: Schema.Literals(["categories", "depth"]), max: Schema.Int },
  sample: { bound: "depth", max: depthMax },
  detail: ({ bound, max }) =>
    bound === "depth" ? `At most ${max} categories stand below each other.` : `A region has at most ${max} categories.`
}) {}

/** Others stand below it. */
export class CategoryHasChildren extends Refusal<CategoryHasChildren>()("CategoryHasChildren", {
  status: 409,
  title: "Categories stand below it",
  fields: { children: Schema.Int },
  sample: { children: 3 },
  detail: ({ children }) => `${children} categories stand directly below it. Move them, or take them out first.`
}) {}

export class CategoryTreeView extends Schema.Class<CategoryTreeView>("CategoryTreeView")({
  region: Region,
  /** Categories that stand in it. */
  count: Schema.Int,
  seq: Schema.Int
}) {}

const Node = Schema.Struct({ code: CategoryCode, children: Schema.Int })

export const CategoryTree = Contract.make("CategoryTree", [
  Contract.command(
    PlaceCategory,
    CategoryTreeView,
    ContentRefused,
    CategoryCycle,
    CategoryTreeFull,
    PreconditionFailed
  ),
  Contract.command(TakeOutCategory, CategoryTreeView, NotFound, CategoryHasChildren, PreconditionFailed),
  /** From its root to the category; nothing where it does not stand in the tree. And how many stand directly below it. */
  Rpc.make("Path", {
    payload: { category: CategoryCode },
    success: Schema.Struct({ path: Schema.Array(CategoryCode), children: Schema.Int })
  }),
  /** What stands directly below it, or the roots, in their order. */
  Rpc.make("Children", {
    payload: { parent: Schema.NullOr(CategoryCode), after: Schema.NullOr(CategoryCode), limit: Schema.Int },
    success: Schema.Struct({ items: Schema.Array(Node), more: Schema.Boolean })
  }),
  /** The category and all that stands below it; nothing where it does not stand in the tree. */
  Rpc.make("Subtree", { payload: { category: CategoryCode }, success: Schema.Array(CategoryCode) }),
  /** Those that do not stand in the tree. */
  Rpc.make("Missing", { payload: { categories: Schema.Array(CategoryCode) }, success: Schema.Array(CategoryCode) }),
  Contract.view(CategoryTreeView)
])
