import { ProductJson } from "@halles/entities/catalogue/ProductJson"
import { Channel } from "@halles/entities/catalogue/Channel"
import { Badge, Target } from "@halles/entities/searchrule/SearchRule"
import { regional } from "@halles/entities/routes/Edge"
import {
  Click,
  facetsMax,
  forMax,
  hitsMax,
  nameLengthMax,
  queryLengthMax,
  Recommend
} from "@halles/search/contract/SearchMessages"
import { Language } from "@halles/search/index/Language"
import { Sort } from "@halles/search/index/Sort"
import { Region } from "@halles/shared/Region"
import { askedMin, daysMax, linesMax, Report } from "@halles/entities/searchrule/SearchCounts"
import { SkuCode } from "@halles/shared/Ids"
import { everybody, looks, ofCatalogue } from "@halles/shared/wire/AccessRule"
import { InvalidRequest, Unavailable } from "@halles/shared/wire/EdgeErrors"
import * as Headers from "@halles/shared/wire/Headers"
import { named, samples } from "@halles/shared/wire/Named"
import { isMaxCharacters } from "@halles/shared/Text"
import { operation } from "@halles/shared/wire/Operation"
import * as Refusal from "@halles/shared/wire/Refusal"
import { WholeNumber } from "@halles/shared/wire/WholeNumber"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"

const text = (max: number) => Schema.String.check(isMaxCharacters(max))
const price = Schema.optionalKey(WholeNumber({ minimum: 0 }))
const language = Schema.optionalKey(Language)

/** From the first character to behind the last one, in UTF-16 units. */
const Range = Schema.Tuple([Schema.Int, Schema.Int])
const product = samples.get("Product")
const asOf = "2026-11-29T12:00:00.000Z"

const Hit = Schema.Struct({
  product: ProductJson,
  /** Where words of the query stand in the texts, which are shown as texts. */
  highlights: Schema.Struct({ title: Schema.Array(Range), description: Schema.Array(Range) }),
  /** Whether it can be ordered now, within a few seconds; `null` where that is not known. */
  available: Schema.NullOr(Schema.Boolean),
  /** A merchant has put it there. */
  pinned: Schema.Boolean,
  /** What to show of a pinned product: that it was picked by hand, or paid for. */
  badge: Schema.NullOr(Badge)
})
const Facet = Schema.Struct({
  name: Schema.String,
  values: Schema.Array(Schema.Struct({ value: Schema.String, count: Schema.Int })),
  /** Values that there are besides. */
  more: Schema.Int
})

export const SearchResults = Schema.Struct({
  items: Schema.Array(Hit),
  next: Schema.NullOr(Headers.Cursor),
  total: Schema.Int,
  /** So few products have all words that some are shown which lack one. */
  partial: Schema.Boolean,
  /** What the query was taken for, if it seems to be misspelt. */
  didYouMean: Schema.NullOr(Schema.String),
  facets: Schema.Array(Facet),
  /** Where a merchant sends whoever asks this; `null` where nowhere. */
  redirect: Schema.NullOr(Target),
  /** All that had been published then is in the answer. */
  asOf: Schema.String
}).pipe(
  named("SearchResults", {
    items: [
      {
        product,
        highlights: { title: [[10, 13]], description: [[12, 15]] },
        available: true,
        pinned: true,
        badge: "pick"
      }
    ],
    next: null,
    total: 1,
    partial: false,
    didYouMean: null,
    facets: [{ name: "category", values: [{ value: "black-tea", count: 1 }], more: 0 }],
    redirect: null,
    asOf
  })
)

export const Suggestions = Schema.Struct({
  queries: Schema.Array(Schema.String),
  products: Schema.Array(ProductJson),
  categories: Schema.Array(Schema.String),
  brands: Schema.Array(Schema.String),
  asOf: Schema.String
}).pipe(
  named("Suggestions", { queries: ["breakfast tea"], products: [product], categories: ["black-tea"], brands: [], asOf })
)

/** Names with commas between. */
const facetsForm = new RegExp(`^[^,]{0,${nameLengthMax}}(,[^,]{0,${nameLengthMax}}){0,${facetsMax - 1}}$`, "u")
/** A character, percent-encoded as UTF-8 where it would part what stands beside it. */
const hex = "[0-9A-Fa-f]"
const more = `%[89ABab]${hex}`
const character = [
  "[^:;,%]",
  `%[0-7]${hex}`,
  `%([Cc][2-9A-Fa-f]|[Dd]${hex})${more}`,
  `%[Ee](0%[ABab]${hex}|[1-9A-CEFa-cef]${more}|[Dd]%[89]${hex})${more}`,
  `%[Ff](0%[9ABab]${hex}|[1-3]${more}|4%8${hex})${more}${more}`
].join("|")
const value = `(${character}){0,${queryLengthMax}}`
const filter = `(${character}){1,${nameLengthMax}}:${value}(,${value})*`
const filtersForm = new RegExp(`^(${filter}(;${filter})*)?$`, "u")

const sku = "[A-Za-z0-9_-]{1,40}"
/** Codes of articles with commas between. */
const Skus = Schema.String.check(Schema.isPattern(new RegExp(`^(${sku}(,${sku}){0,${forMax - 1}})?$`, "u"))).annotate({
  examples: ["TEA-01,MUG-07"]
})

const Recommended = Schema.Struct({
  product: ProductJson,
  /** The article of the basket that says so most clearly. */
  because: Schema.NullOr(SkuCode),
  /** Orders that had both; of what is popular, orders that had it. */
  orders: Schema.NullOr(Schema.Int)
})
export const Recommendations = Schema.Struct({
  items: Schema.Array(Recommended),
  /** What the model was made of, and when; `null` before the first one is made. */
  orders: Schema.Int,
  madeAt: Schema.NullOr(Schema.String)
}).pipe(named("Recommendations", { items: [{ product, because: "MUG-07", orders: 12 }], orders: 1_000, madeAt: asOf }))

export const SearchReport = Schema.Struct({
  items: Schema.Array(
    Schema.Struct({
      query: Schema.String,
      asked: Schema.Int,
      withoutResult: Schema.Int,
      clicks: Schema.Int,
      /** Clicks for each time that it was asked. */
      clickThrough: Schema.Finite,
      /** The mean place of what was clicked, counted from 1; `null` if nothing was. */
      meanPosition: Schema.NullOr(Schema.Finite)
    })
  ),
  next: Schema.Null
}).pipe(
  named("SearchReport", {
    items: [
      { query: "breakfast tea", asked: 120, withoutResult: 0, clicks: 66, clickThrough: 0.55, meanPosition: 2.1 }
    ],
    next: null
  })
)

/** Nobody searches the region at the moment, or the filters are none. */
const error = [Refusal.of(Unavailable), Refusal.of(InvalidRequest)]

export class SearchApi extends HttpApiGroup.make("search")
  .add(
    HttpApiEndpoint.get("searchProducts", "/search", {
      query: {
        ...regional,
        /** Without it all products. */
        q: Schema.optionalKey(text(queryLengthMax)),
        language,
        channel: Schema.optionalKey(Channel),
        filters: Schema.optionalKey(
          text(4_000)
            .check(
              Schema.isPattern(filtersForm, {
                expected: "name:value,value;name:value, with what is else in them percent-encoded"
              })
            )
            .annotate({ examples: ["colour:black,grey;category:bags"] })
        ),
        priceFrom: price,
        priceTo: price,
        facets: Schema.optionalKey(Schema.String.check(Schema.isPattern(facetsForm))),
        sort: Schema.optionalKey(Sort),
        cursor: Schema.optionalKey(Headers.Cursor),
        limit: Schema.optionalKey(WholeNumber({ minimum: 1, maximum: hitsMax }))
      },
      success: SearchResults,
      error
    }).annotateMerge(
      operation({
        access: everybody,
        traffic: { priority: "browse", cost: 2 },
        summary: "Search the products of a region",
        about:
          "Without `q` all products. Finds forms of the words in the `language` of the query (`en` without it), words that were misspelt, and words that are written apart or together. The counts of a facet are exact, and of what passes all other filters. What was published is found within a second; `asOf` says how old the answer is. Search rules of merchants add synonyms, put products first (`pinned`) and name a `redirect`. The facet `availability` has `in_stock` and `out_of_stock`. The facet `category` counts a product in the categories that it names, in all above those, and in those whose rules have it. An attribute is counted where the product type declares it `facetable`, and is a filter in any case; a variant has the attributes of its product model too. Of a text for each language, facets and filters have the text in `language`, or the first one where there is none."
      })
    ),
    HttpApiEndpoint.get("suggest", "/search/suggest", {
      query: { ...regional, q: text(queryLengthMax), language },
      success: Suggestions,
      error
    }).annotateMerge(
      operation({
        access: everybody,
        traffic: { priority: "browse", cost: 1 },
        summary: "Complete what is being typed",
        about: "Queries that begin so, and products, categories and brands. From the first letter on."
      })
    ),
    HttpApiEndpoint.post("noteClick", "/search/clicks", {
      query: regional,
      payload: Schema.Struct({ q: text(queryLengthMax), sku: SkuCode, position: Click.fields.position }),
      success: HttpApiSchema.NoContent,
      error
    }).annotateMerge(
      operation({
        access: everybody,
        traffic: { priority: "browse", cost: 1 },
        summary: "Tell that somebody chose a product from what a search found",
        about:
          "For the reports of merchants. `q` is the query as it was sent, `position` the place of the product in the answer, counted from 1. Nothing about who it was is asked or kept. A click on a product that is not on sale is not counted.",
        example: { q: "breakfast tea", sku: "TEA-01", position: 2 }
      })
    ),
    HttpApiEndpoint.get("getSearchReport", "/search/reports/:report", {
      params: { report: Report },
      query: {
        region: Region,
        days: Schema.optionalKey(WholeNumber({ minimum: 1, maximum: daysMax })),
        limit: Schema.optionalKey(WholeNumber({ minimum: 1, maximum: linesMax }))
      },
      success: SearchReport,
      error: [Refusal.of(Unavailable)]
    }).annotateMerge(
      operation({
        access: { ...looks, ...ofCatalogue },
        summary: "How searches of a region were answered",
        about: `\`queries\`: those asked most come first. \`without-results\`: those that found nothing most often. \`click-through\`: of those asked at least ${askedMin} times, those with the fewest clicks for each time. A query is kept once one search process was asked it three times on a day, without e-mail addresses and long numbers; counts come within ten seconds.`
      })
    ),
    HttpApiEndpoint.get("recommend", "/recommendations", {
      query: {
        ...regional,
        kind: Schema.optionalKey(Recommend.fields.kind),
        skus: Schema.optionalKey(Skus),
        seen: Schema.optionalKey(Skus),
        language,
        category: Schema.optionalKey(text(nameLengthMax)),
        limit: Schema.optionalKey(WholeNumber({ minimum: 1, maximum: hitsMax }))
      },
      success: Recommendations,
      error
    }).annotateMerge(
      operation({
        access: everybody,
        traffic: { priority: "browse", cost: 1 },
        summary: "Recommend products",
        about:
          "`together`: what orders had beside these articles (`skus`), for a product page or a basket. `alternatives`: what is like the first of them, by the words of its title in the `language`. `seen`: what goes with the articles in `seen`, the last one first, and is none of them; the client says what somebody has looked at, and nothing of it is kept. `popular`: what most orders have. Without a kind, `seen` where the parameter is there, else `popular`. Each says why."
      })
    )
  )
  .prefix("/v1")
  .annotate(OpenApi.Title, "Search")
  .annotate(
    OpenApi.Description,
    "Full-text search of what a region sells, completion of queries, and recommendations."
  ) {}
