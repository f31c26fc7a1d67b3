import type { Region } from "@halles/shared/Region"
import * as Page from "@halles/shared/Page"
import * as Answers from "@halles/shared/wire/Answers"
import { everybody } from "@halles/shared/wire/AccessRule"
import * as Headers from "@halles/shared/wire/Headers"
import { named } from "@halles/shared/wire/Named"
import { Effect, Schema } from "effect"
import { HttpApiEndpoint } from "effect/http-api"
import { Channel, isIn } from "../catalogue/Channel.ts"
import { Language } from "../producttype/Attributes.ts"
import * as Attributes from "../producttype/Attributes.ts"
import { Reads } from "../routes/Reads.ts"
import { DefaultRegion, Edge, regional } from "../routes/Edge.ts"
import * as Routes from "../routes/Routes.ts"
import { categoryId, type CategoryView, type Description } from "./Category.ts"
import { descriptions } from "./CategoryTable.ts"
import { CategoryCode, CategoryTree, categoryTreeId } from "./CategoryTree.ts"

/** The tree of a region, which is asked, and the descriptions of its categories, which are read from the read table. */
const navigation = Effect.gen(function* () {
  const edge = yield* Edge
  const reads = yield* Reads
  const tree = yield* edge.entity(CategoryTree)
  return {
    tree: (region: Region) => tree(categoryTreeId(region)),
    /** Descriptions by code. */
    said: (region: Region, codes: ReadonlyArray<CategoryCode>) =>
      Effect.map(
        edge.call(reads.read(region, descriptions(codes.map((code) => categoryId(region, code))))),
        (byId) => new Map([...byId].map(([id, description]) => [id.slice(3), description] as const))
      ),
    edge
  }
})

/** The view of a category with its path, its number of children, and the attributes that it inherits. */
export const placeOf = Effect.map(navigation, ({ edge, said, tree }) =>
  Effect.fnUntraced(function* (view: CategoryView) {
    const { code, region, title } = view
    const { children, path } = yield* edge.call(tree(region).Path({ category: code }))
    const above = path.slice(0, -1)
    const descriptions = yield* said(region, above)
    const titles = above.map((one) => ({ code: one, title: descriptions.get(one)?.title ?? one }))
    const inherited = above.map((one) => Attributes.jsonOf(descriptions.get(one)?.attributes ?? []))
    return {
      ...view,
      path: path.length === 0 ? [] : [...titles, { code, title }],
      children,
      inherited: Object.assign({}, ...inherited) as Attributes.AttributesJson
    }
  })
)

const Item = Schema.Struct({
  code: CategoryCode,
  title: Schema.String,
  /** Categories directly below it, hidden ones included. */
  children: Schema.Int
})
const item = { code: "black-tea", title: "Black tea", children: 2 }
const Categories = Schema.Struct({ items: Schema.Array(Item), next: Schema.NullOr(Headers.Cursor) }).pipe(
  named("Categories", { items: [item], next: null })
)

const Cursor = Page.Cursor("categories", [CategoryCode])

const isShown = (description: Description | undefined, channel: Channel | undefined): description is Description =>
  description !== undefined && description.hidden !== true && isIn(description.channels, channel)

const titleIn = ({ title, translations = [] }: Description, language: string | undefined): string =>
  translations.find((one) => one.language === language)?.title ?? title

export const listCategories = Routes.custom(
  HttpApiEndpoint.get("listCategories", "/categories", {
    query: {
      ...regional,
      ...Headers.paged,
      /** The answer has the categories directly below this one; without it the roots. */
      parent: Schema.optionalKey(CategoryCode),
      channel: Schema.optionalKey(Channel),
      language: Schema.optionalKey(Language)
    },
    success: Categories
  }),
  {
    access: everybody,
    traffic: { priority: "browse", cost: 3 },
    summary: "Navigation: the categories directly below a category",
    about:
      "In the merchant's order, a page at a time. Leaves out every category that is hidden, removed or not in the channel, and all categories below it, so a page may have fewer items than `limit`. Titles are in the language where the category has a translation."
  },
  Effect.gen(function* () {
    const { edge, said, tree } = yield* navigation
    const own = yield* DefaultRegion
    return ({ query, request }) => {
      const { channel, cursor, language, limit = Headers.limitDefault, parent = null, region = own } = query
      const answer = Effect.gen(function* () {
        const after = yield* Effect.mapError(Page.decodeCursor(Cursor, cursor), () => Answers.badCursor)
        const there = tree(region)
        const above = parent === null ? [] : (yield* edge.call(there.Path({ category: parent }))).path
        const { items, more } = yield* edge.call(
          there.Children({ parent, after: after === null ? null : after[1], limit })
        )
        const known = yield* said(region, [...above, ...items.map(({ code }) => code)])
        const isOpen = above.every((code) => isShown(known.get(code), channel))
        const shown = items.flatMap(({ children, code }) => {
          const description = known.get(code)
          return isOpen && isShown(description, channel)
            ? [{ code, title: titleIn(description, language), children }]
            : []
        })
        const last = items.at(-1)
        const next = more && last !== undefined ? Page.encodeCursor(["categories", last.code]) : null
        return Answers.listed(request, { items: shown, next })
      })
      return edge.shared(
        request,
        { key: `list:${request.url}`, invalidatedBy: null, freshMs: 1_000, staleMs: 2_000 },
        answer
      )
    }
  })
)
