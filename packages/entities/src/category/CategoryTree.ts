import * as Contract from "@halles/engine/eventsourced/Contract"
import { NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { commandFields } from "@halles/shared/Command"
import { Regional } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import { Refusal } from "@halles/shared/wire/Refusal"
import { Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Entry, HistoryTooLong } from "../history/History.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"

/** Categories in the tree of one region. */
export const categoriesMax = 10_000
/** Categories on the path from a root to the deepest category below it, both counted. */
export const depthMax = 20
/** Categories in one answer to `Children`. */
export const pageMax = 200

/** The merchant's name of a category, the same in every region: `black-tea`. */
export const CategoryCode = Schema.String.check(
  Schema.isPattern(/^[a-z0-9][a-z0-9-]{0,39}$/u, { expected: "1 to 40 of a-z, 0-9 and -, the first no hyphen" })
)
  .annotate({ examples: ["black-tea"] })
  .pipe(Schema.brand("CategoryCode"))
export type CategoryCode = typeof CategoryCode.Type

/** `eu_categories`: one tree a region, so that a move is one event. */
export const CategoryTreeId = Regional.pipe(Schema.brand("CategoryTreeId"))
export type CategoryTreeId = typeof CategoryTreeId.Type

export const categoryTreeId = (region: Region): CategoryTreeId => CategoryTreeId.make(`${region}_categories`)

/** Moves the category, with all categories below it, under `parent`; `null` makes it a root. */
export class PlaceCategory extends Schema.TaggedClass<PlaceCategory>()("PlaceCategory", {
  ...commandFields,
  category: CategoryCode,
  parent: Schema.NullOr(CategoryCode),
  /** The sibling that follows the category; `null` makes the category the last one. Absent: the category keeps its place among its siblings, and one that comes from elsewhere becomes the last. */
  before: Schema.optionalKey(Schema.NullOr(CategoryCode))
}) {}

/** Takes the category out of the tree. */
export class TakeOutCategory extends Schema.TaggedClass<TakeOutCategory>()("TakeOutCategory", {
  ...commandFields,
  category: CategoryCode
}) {}

/** The move would put a category below itself. */
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

/** Other categories stand below it, so it stays in the tree. */
export class CategoryHasChildren extends Refusal<CategoryHasChildren>()("CategoryHasChildren", {
  status: 409,
  title: "Categories stand below it",
  fields: { children: Schema.Int },
  sample: { children: 3 },
  detail: ({ children }) => `${children} categories stand directly below it. Move them, or take them out first.`
}) {}

export class CategoryTreeView extends Schema.Class<CategoryTreeView>("CategoryTreeView")({
  region: Region,
  /** Categories in the tree. */
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
  /** The categories from the root down to this one, empty where it is not in the tree, and the number of categories directly below it. */
  Rpc.make("Path", {
    payload: { category: CategoryCode },
    success: Schema.Struct({ path: Schema.Array(CategoryCode), children: Schema.Int })
  }),
  /** A page of the categories directly below `parent`, or of the roots, in their order. */
  Rpc.make("Children", {
    payload: { parent: Schema.NullOr(CategoryCode), after: Schema.NullOr(CategoryCode), limit: Schema.Int },
    success: Schema.Struct({ items: Schema.Array(Node), more: Schema.Boolean })
  }),
  /** The category and all categories below it; empty where it is not in the tree. */
  Rpc.make("Subtree", { payload: { category: CategoryCode }, success: Schema.Array(CategoryCode) }),
  /** Those of the categories that are not in the tree. */
  Rpc.make("Missing", { payload: { categories: Schema.Array(CategoryCode) }, success: Schema.Array(CategoryCode) }),
  /** The places that a category had, below the version `before` of the tree, the newest first. */
  Rpc.make("History", {
    payload: { category: CategoryCode, before: Schema.NullOr(Schema.Int), limit: Schema.Int },
    success: Schema.Struct({ items: Schema.Array(Entry), more: Schema.Boolean }),
    error: HistoryTooLong
  }),
  Contract.view(CategoryTreeView)
])
