import type { ProductRow } from "@halles/entities/catalogue/ProductTable"
import type { Description } from "@halles/entities/searchrule/SearchRule"
import type { SearchRuleRow } from "@halles/entities/searchrule/SearchRuleTable"
import { SkuCode } from "@halles/shared/Ids"
import { Currency } from "@halles/shared/Money"
import type { ProductDocument } from "@halles/search/index/ProductDocument"
import { SearchIndex, type Query } from "@halles/search/index/SearchIndex"

export const product = (id: string, title: string, more: Partial<ProductDocument> = {}): ProductDocument => ({
  id,
  title,
  description: "",
  translations: [],
  channels: [],
  brand: "",
  codes: [id],
  categories: [],
  productType: null,
  standsIn: more.categories ?? [],
  languages: new Map(),
  counted: null,
  attributes: {},
  price: 1_000,
  available: null,
  sold: 0,
  margin: null,
  ...more
})

export const indexOf = (...documents: ReadonlyArray<ProductDocument>): SearchIndex => {
  const index = new SearchIndex()
  for (const document of documents) index.put(document)
  index.buildSuggestions()
  return index
}

export const query = (text: string, more: Partial<Query> = {}): Query => ({
  text,
  language: "en",
  filters: new Map(),
  priceFrom: null,
  priceTo: null,
  facets: [],
  sort: "relevance",
  offset: 0,
  limit: 10,
  ...more
})

export const found = (index: SearchIndex, text: string, more: Partial<Query> = {}): ReadonlyArray<string> =>
  index.search(query(text, more)).hits.map(({ document }) => document.id)

/** A row of the table of search rules, in `eu`. */
export const ruleRow = (code: string, description: Omit<Description, "title">, seq = 1): SearchRuleRow => ({
  id: `eu_${code}`,
  seq,
  title: code,
  kind: description.effect.kind,
  description: { title: code, ...description },
  removed: false
})

/** A row of the table of products: one that is on sale in `eu`. */
export const productRow = (sku: string, title: string, description = ""): ProductRow => ({
  id: `eu_${sku}`,
  seq: 1,
  sku: SkuCode.make(sku),
  title,
  description,
  price_amount: 500,
  currency: Currency.make("GBP"),
  tax_rate: 2_000,
  listed: true,
  draft: false,
  slug: null,
  translations: [],
  details: {}
})
