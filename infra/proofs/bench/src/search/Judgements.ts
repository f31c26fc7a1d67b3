import type * as Chance from "@halles/harness/Chance"
import type { ProductDocument } from "@halles/search/index/ProductDocument"
import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"

/** How well products answer a query: grades by id, 0 to 3. */
export interface Judged {
  readonly query: string
  readonly grades: ReadonlyMap<string, number>
}

export const textOf = (file: string): string => {
  const bytes = readFileSync(file)
  return (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8")
}

const attribute = /^attr_[a-z]_(.+)$/
const typeOf = "attr_t_product_type"

/** A line of Open Icecat content: typed attributes have names that begin with `attr_`. */
const asDocument = (line: string): ProductDocument => {
  const product: Record<string, string | number | boolean | ReadonlyArray<string>> = JSON.parse(line)
  const text = (name: string): string => String(product[name] ?? "")
  const attributes = Object.entries(product).flatMap(([name, value]) => {
    const [, own] = attribute.exec(name) ?? []
    return own === undefined || name === typeOf || typeof value === "object" ? [] : [[own, [value]] as const]
  })
  const categories = product[typeOf] === undefined ? [] : [text(typeOf)]
  return {
    id: text("id"),
    title: text("title"),
    description: text("short_description"),
    translations: [],
    channels: [],
    brand: text("supplier"),
    codes: [text("name")],
    categories,
    productType: null,
    standsIn: categories,
    languages: new Map(),
    counted: null,
    attributes: Object.fromEntries(attributes),
    price: typeof product["price"] === "number" ? product["price"] : null,
    available: null,
    sold: 0,
    margin: null
  }
}

export const products = (file: string): ReadonlyArray<ProductDocument> =>
  textOf(file)
    .split("\n")
    .filter((line) => line !== "")
    .map(asDocument)

/** Queries with grades of at least one product that answers them. */
export const judged = (file: string): ReadonlyArray<Judged> => {
  const byQuery = new Map<string, Map<string, number>>()
  for (const line of textOf(file).split(/\r?\n/).slice(1)) {
    const [, query, id, grade] = /^"?(.*?)"?,"?([^",]*)"?,"?(\d+)"?$/.exec(line) ?? []
    if (query === undefined || id === undefined) continue
    const grades = byQuery.get(query) ?? new Map<string, number>()
    byQuery.set(query, grades.set(id, Number(grade)))
  }
  return [...byQuery]
    .map(([query, grades]) => ({ query, grades }))
    .filter(({ grades }) => [...grades.values()].some((grade) => grade > 0))
}

const gain = (grades: ReadonlyArray<number>): number =>
  grades.slice(0, 10).reduce((sum, grade, at) => sum + grade / Math.log2(at + 2), 0)

/** Normalised discounted cumulative gain of the first ten, with linear gain; what nobody judged counts nothing. */
export const ndcg10 = (ids: ReadonlyArray<string>, grades: ReadonlyMap<string, number>): number =>
  gain(ids.map((id) => grades.get(id) ?? 0)) / gain([...grades.values()].toSorted((a, b) => b - a))

/** The query with one letter of its longest word left out, doubled by another, replaced or swapped with the next one. */
export const withTypo = (query: string, { between, pick }: Chance.Chance): string => {
  const words = query.split(" ")
  const at = words.reduce((longest, word, index) => (word.length > words[longest]!.length ? index : longest), 0)
  const word = words[at]!
  const place = between(Math.min(1, word.length - 1), word.length - 1)
  const letter = pick([..."abcdefghijklmnopqrstuvwxyz"])
  const [before, after] = [word.slice(0, place), word.slice(place + 1)]
  const swapped = `${before}${after.slice(0, 1)}${word.slice(place, place + 1)}${after.slice(1)}`
  const typos = [before + after, before + letter + word.slice(place), before + letter + after, swapped]
  return words.with(at, pick(typos)).join(" ")
}
