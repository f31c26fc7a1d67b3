import {
  categorySample,
  CategoryJson,
  CategoryTreeJson,
  DescriptionJson,
  descriptionOf,
  EditedCategoryJson
} from "./CategoryJson.ts"
import type { Region } from "@halles/shared/Region"
import { changes, everybody, ofCatalogue } from "@halles/shared/wire/AccessRule"
import { Effect, Schema } from "effect"
import { ProductJson } from "../catalogue/ProductJson.ts"
import { Channel, isIn } from "../catalogue/Channel.ts"
import { Product } from "../catalogue/Product.ts"
import { productsIn } from "../catalogue/ProductTable.ts"
import * as HistoryRoutes from "../history/HistoryRoutes.ts"
import { mediaKnown } from "../media/MediaKnown.ts"
import { coded } from "../routes/Coded.ts"
import { Edge, regional } from "../routes/Edge.ts"
import { list } from "../routes/List.ts"
import * as Routes from "../routes/Routes.ts"
import { Category, categoryId } from "./Category.ts"
import { listCategories, placeOf } from "./CategoryNavigation.ts"
import { CategoryCode, CategoryTree, categoryTreeId, PlaceCategory } from "./CategoryTree.ts"
import { type Standing, stands } from "./CategoryRule.ts"

const one = { contract: Category, json: CategoryJson }
const there = coded(CategoryCode, categoryId)
const change = { ...one, ...there.changes, access: { ...changes, ...ofCatalogue }, authored: true } as const
const changeOfTree = {
  ...change,
  contract: CategoryTree,
  json: CategoryTreeJson,
  id: ({ query }: { readonly query: { readonly region: Region } }) => categoryTreeId(query.region)
}
const { before, parent } = PlaceCategory.fields

interface Asked {
  readonly params: { readonly code: CategoryCode }
}
/** Asks the tree for the category and all categories below it, and the category for its rule. */
const standing = Effect.gen(function* () {
  const edge = yield* Edge
  const tree = yield* edge.entity(CategoryTree)
  const category = yield* edge.entity(Category)
  return Effect.fnUntraced(function* (
    { params: { code } }: Asked,
    region: Region
  ): Effect.fn.Return<Standing, unknown> {
    const subtree = (root: CategoryCode) => edge.call(tree(categoryTreeId(region)).Subtree({ category: root }))
    const said = yield* edge
      .call(category(categoryId(region, code)).View())
      .pipe(Effect.catchTag("NotFound", () => Effect.succeed(null)))
    const categories = yield* subtree(code)
    const rule = said === null || said.removed ? undefined : said.rule
    if (rule === undefined) return { categories, rule: null }
    const within = rule.category === undefined ? [] : yield* subtree(rule.category)
    return { categories, rule: { rule, within } }
  })
})

export const CategoryApi = Routes.group(
  "categories",
  { title: "Categories", about: "The tree of categories of a region, and the products in each." },
  [
    listCategories,
    Routes.query("getCategory", "/categories/:code", {
      ...one,
      ...there.reads,
      access: everybody,
      summary: "One category in a region, and its place in the tree",
      about:
        "`path` has the categories from the root down to this one, for breadcrumbs; it is empty where the category is not in the tree. `inherited` has the attributes of all categories above it; where two of them have different values, it has the value of the nearer one. With `If-None-Match`, a version that you have already is answered with 304.",
      beside: placeOf
    }),
    list("listCategoryProducts", "/categories/:code/products", {
      access: everybody,
      traffic: { priority: "browse", cost: 3 },
      summary: "The products in a category and in all categories below it",
      about:
        "In the order of their SKUs, a page at a time. A product is in the categories that its details name, and in all categories above those. A category that you move takes its products along at once. If the category has a rule, the list also has the products for which every condition of the rule holds, by their own attributes or those of their product model; it follows a change of a product within a moment.",
      contract: Product,
      of: productsIn,
      params: { code: CategoryCode },
      query: { ...regional, channel: Schema.optionalKey(Channel) },
      page: "CategoryProducts",
      json: ProductJson,
      asks: standing,
      wanted: ({ query: { channel, region } }, own, asked) => ({ region: region ?? own, channel, ...asked }),
      itemOf: (view, { query }, asked) =>
        view.listed && isIn(view.channels, query.channel) && stands(view, asked) ? view : null
    }),
    ...HistoryRoutes.routes("Category", "/categories/:code", {
      contract: Category,
      ...there.changes,
      json: EditedCategoryJson,
      what: "category"
    }),
    HistoryRoutes.history("getCategoryMoves", "/categories/:code/moves", {
      contract: CategoryTree,
      params: changeOfTree.params,
      id: changeOfTree.id,
      of: ({ code }) => ({ category: code }),
      what: "category's place",
      about: " `seq` is a version of the region's whole tree. `place` is `null` where the category is not in the tree."
    }),
    Routes.command("putCategory", "PUT", "/categories/:code", {
      ...change,
      summary: "Describe a category, or replace its description",
      about:
        'Replaces the whole description. `placeCategory` gives the category its place in the tree. Needs the `ETag` of the description that it replaces, or `"0"` for a new category.',
      example: categorySample,
      message: "PutCategory",
      payload: DescriptionJson,
      version: "required",
      before: mediaKnown,
      fields: ({ payload }) => descriptionOf(payload)
    }),
    Routes.command("removeCategory", "DELETE", "/categories/:code", {
      ...change,
      summary: "Remove a category",
      about:
        "`listCategories` leaves out a removed category and all categories below it. The tree keeps its place, and products keep naming it. `putCategory` brings it back.",
      message: "RemoveCategory"
    }),
    Routes.command("placeCategory", "PUT", "/categories/:code/place", {
      ...changeOfTree,
      summary: "Move a category, with all categories below it",
      about:
        "Puts it under `parent`, or makes it a root where `parent` is `null`; puts it in front of the sibling `before`, or last where `before` is `null`. Without `before`, a category that has this parent already keeps its place, and any other becomes the last child. A category cannot stand below itself. The whole subtree moves at once. `ETag` and `If-Match` are versions of the region's whole tree.",
      example: { parent: "tea", before: null },
      message: "PlaceCategory",
      payload: Schema.Struct({ parent, before }),
      fields: ({ params, payload }) => ({ category: params.code, ...payload })
    }),
    Routes.command("takeOutCategory", "DELETE", "/categories/:code/place", {
      ...changeOfTree,
      summary: "Take a category out of the tree",
      about: "Refused while categories stand below it. Products that name no other category are in none from then on.",
      message: "TakeOutCategory",
      fields: ({ params }) => ({ category: params.code })
    })
  ]
)
