import type { ProductDocument } from "@halles/search/index/ProductDocument"
import { SearchIndex, type Query } from "@halles/search/index/SearchIndex"

export const product = (id: string, title: string, more: Partial<ProductDocument> = {}): ProductDocument => ({
  id,
  version: 1,
  title,
  description: "",
  translations: [],
  channels: [],
  brand: "",
  codes: [id],
  categories: [],
  attributes: {},
  price: 1_000,
  currency: "EUR",
  stock: null,
  sold: 0,
  margin: null,
  ...more
})

export const indexOf = (...documents: ReadonlyArray<ProductDocument>): SearchIndex => {
  const index = new SearchIndex()
  for (const document of documents) index.put(document)
  index.learn(new Map())
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
