import { categorySample, CategoryJson, CategoryTreeJson, DescriptionJson, descriptionOf } from "./CategoryJson.ts"
import type { Region } from "@halles/shared/Region"
import { changes, everybody, ofCatalogue } from "@halles/shared/wire/AccessRule"
import { Effect, Schema } from "effect"
import { ProductJson } from "../catalogue/ProductJson.ts"
import { Channel, isIn } from "../catalogue/Channel.ts"
import { Product } from "../catalogue/Product.ts"
import { productsIn } from "../catalogue/ProductTable.ts"
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
const change = { ...one, ...there.changes, access: { ...changes, ...ofCatalogue } }
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
  { title: "Categories", about: "The tree of categories of a region, and what stands in each." },
  [
    listCategories,
    Routes.query("getCategory", "/categories/:code", {
      ...one,
      ...there.reads,
      access: everybody,
      summary: "One category in a region, and where it stands",
      about:
        "`path` leads from its root to it, for breadcrumbs; it is empty where the category does not stand in the tree. `inherited` are attributes that hold for it since one above it says so, the nearest first. Send `If-None-Match` to be told 304.",
      beside: placeOf
    }),
    list("listCategoryProducts", "/categories/:code/products", {
      access: everybody,
      traffic: { priority: "browse", cost: 3 },
      summary: "What stands in a category, or in one below it",
      about:
        "In the order of their codes, a page at a time. Where a product stands follows from the categories that it names and from the tree of this moment: what is moved takes its products along at once. A category with a rule has, beside those, the products for which its conditions hold, as of a moment ago.",
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
    Routes.command("putCategory", "PUT", "/categories/:code", {
      ...change,
      summary: "Describe a category, or replace what is said of it",
      about:
        'States what the category is from now on; where it stands is told the tree by `placeCategory`. Needs the `ETag` of what it replaces, or `"0"` for a category that is new.',
      example: categorySample,
      message: "PutCategory",
      payload: DescriptionJson,
      version: "required",
      fields: ({ payload }) => descriptionOf(payload)
    }),
    Routes.command("removeCategory", "DELETE", "/categories/:code", {
      ...change,
      summary: "Show the category to nobody any more",
      about: "It keeps its place in the tree, and products keep naming it. Describing it again brings it back.",
      message: "RemoveCategory"
    }),
    Routes.command("placeCategory", "PUT", "/categories/:code/place", {
      ...changeOfTree,
      summary: "State where a category stands, with all that is below it",
      about:
        "Under `parent`, or as a root where that is `null`; before the sibling `before`, or as the last one where that is `null`. Without `before` it stays where it is among its siblings, and one that is new becomes the last. A category cannot stand below itself. Subtrees move as a whole, in one moment. `ETag` and `If-Match` are of the region's whole tree.",
      example: { parent: "tea", before: null },
      message: "PlaceCategory",
      payload: Schema.Struct({ parent, before }),
      fields: ({ params, payload }) => ({ category: params.code, ...payload })
    }),
    Routes.command("takeOutCategory", "DELETE", "/categories/:code/place", {
      ...changeOfTree,
      summary: "Take a category out of the tree",
      about: "Only where nothing stands below it. Its products stand in no category, unless they name another one.",
      message: "TakeOutCategory",
      fields: ({ params }) => ({ category: params.code })
    })
  ]
)
