import { ProductView } from "@halles/entities/catalogue/Product"
import { isMaxCharacters } from "@halles/shared/Text"
import { SkuCode } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import { Badge, Target } from "@halles/entities/searchrule/SearchRule"
import { Schema } from "effect"
import { Language } from "../index/Language.ts"
import { Sort } from "../index/Sort.ts"

/** What one query may ask for. */
export const queryLengthMax = 200
export const facetsMax = 20
export const filtersMax = 20
export const valuesOfFilterMax = 50
/** Hits of one page, and how far behind the first one a page may begin. */
export const hitsMax = 100
export const offsetMax = 1_000

/** Characters of the name of a facet, a filter or a category. */
export const nameLengthMax = 100

const Name = Schema.String.check(Schema.isMinLength(1), isMaxCharacters(nameLengthMax))
const Text = Schema.String.check(isMaxCharacters(queryLengthMax))

export const Filter = Schema.Struct({
  name: Name,
  values: Schema.Array(Text).check(Schema.isMinLength(1), Schema.isMaxLength(valuesOfFilterMax))
})
export type Filter = typeof Filter.Type

/** Asks for products of a region. An empty text finds all of them. */
export class Search extends Schema.TaggedClass<Search>()("Search", {
  region: Region,
  text: Text,
  language: Language,
  filters: Schema.Array(Filter).check(Schema.isMaxLength(filtersMax)),
  /** In minor units, before tax, as `priceTo`. */
  priceFrom: Schema.NullOr(Schema.Finite),
  priceTo: Schema.NullOr(Schema.Finite),
  facets: Schema.Array(Name).check(Schema.isMaxLength(facetsMax)),
  sort: Sort,
  offset: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: offsetMax })),
  limit: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: hitsMax }))
}) {}

/** Asks what somebody may be about to type. */
export class Suggest extends Schema.TaggedClass<Suggest>()("Suggest", {
  region: Region,
  text: Text,
  language: Language
}) {}

/** Articles that recommendations are made for. */
export const forMax = 100

/**
 * Asks what goes with some articles (`together`), what is like one of them (`alternatives`), what somebody may want who has
 * looked at them, the last one first (`seen`), or what most orders have (`popular`), of a category if one is named.
 */
export class Recommend extends Schema.TaggedClass<Recommend>()("Recommend", {
  region: Region,
  kind: Schema.Literals(["together", "alternatives", "popular", "seen"]),
  skus: Schema.Array(SkuCode).check(Schema.isMaxLength(forMax)),
  /** Of the titles that are compared. */
  language: Language,
  category: Schema.NullOr(Name),
  limit: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: hitsMax }))
}) {}

/** The last place of a click that is counted. */
export const positionMax = offsetMax + hitsMax

/** Tells that somebody chose a product from the answer to a query; `position` is its place there, counted from 1. */
export class Click extends Schema.TaggedClass<Click>()("Click", {
  region: Region,
  text: Text,
  sku: SkuCode,
  position: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: positionMax }))
}) {}

export const Question = Schema.Union([Search, Suggest, Recommend, Click])
export type Question = typeof Question.Type

/** What the answer was made from: `asOf` is the last moment at which all that had been published was in it. */
const Freshness = { asOf: Schema.Int, products: Schema.Int }
const Range = Schema.Tuple([Schema.Int, Schema.Int])

export class SearchAnswer extends Schema.TaggedClass<SearchAnswer>()("SearchAnswer", {
  ...Freshness,
  total: Schema.Int,
  isPartial: Schema.Boolean,
  corrected: Schema.NullOr(Schema.String),
  hits: Schema.Array(
    Schema.Struct({
      /** As it was at its `seq`. */
      product: ProductView,
      title: Schema.Array(Range),
      description: Schema.Array(Range),
      /** Whether it can be ordered, where that is known. */
      available: Schema.NullOr(Schema.Boolean),
      isPinned: Schema.Boolean,
      badge: Schema.NullOr(Badge)
    })
  ),
  facets: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      values: Schema.Array(Schema.Struct({ value: Schema.String, count: Schema.Int })),
      /** Values that there are besides. */
      more: Schema.Int
    })
  ),
  redirect: Schema.NullOr(Target)
}) {}

export class SuggestAnswer extends Schema.TaggedClass<SuggestAnswer>()("SuggestAnswer", {
  ...Freshness,
  queries: Schema.Array(Schema.String),
  products: Schema.Array(ProductView),
  categories: Schema.Array(Schema.String),
  brands: Schema.Array(Schema.String)
}) {}

/** Each with the article that it is recommended for, and in how many orders both were; of what is popular, how many had it. */
export class RecommendAnswer extends Schema.TaggedClass<RecommendAnswer>()("RecommendAnswer", {
  ...Freshness,
  /** Orders that the model was made of, and when; 0 before the first one is made. */
  orders: Schema.Int,
  madeAt: Schema.Int,
  items: Schema.Array(
    Schema.Struct({ product: ProductView, because: Schema.NullOr(SkuCode), orders: Schema.NullOr(Schema.Int) })
  )
}) {}

/** Whether it was counted: a click on what is not on sale is not. */
export class ClickAnswer extends Schema.TaggedClass<ClickAnswer>()("ClickAnswer", { isCounted: Schema.Boolean }) {}

export const Answer = Schema.Union([SearchAnswer, SuggestAnswer, RecommendAnswer, ClickAnswer])
export type Answer = typeof Answer.Type

const json = <S extends Schema.Codec<unknown, unknown>>(schema: S) => Schema.fromJsonString(Schema.toCodecJson(schema))
export const decodeQuestion = Schema.decodeUnknownOption(json(Question))
export const encodeQuestion = Schema.encodeSync(json(Question))
export const decodeAnswer = Schema.decodeUnknownOption(json(Answer))
export const encodeAnswer = Schema.encodeSync(json(Answer))
