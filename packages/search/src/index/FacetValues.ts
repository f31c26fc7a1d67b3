import type { ProductDocument } from "./ProductDocument.ts"

/** Facets that every product has beside its attributes. */
export const brand = "brand"
export const category = "category"
export const type = "type"
const availability = "availability"
export const price = "price"
export const channel = "channel"
const builtIn: ReadonlySet<string> = new Set([brand, category, type, availability, price, channel])

/** The facet of an attribute: its code, or `attributes.price` where a facet that every product has is named so. */
const facetOf = (code: string): string => (builtIn.has(code) ? `attributes.${code}` : code)

/** Values of a facet that are told, the most frequent first. */
export const valuesMax = 100
/** Values of one product that are facets: what comes behind them is none. */
export const valuesOfProductMax = 500
/** Lower bounds of the ranges of prices, in minor units. */
const priceBounds = [0, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000]

/** Bytes of the values that are told of all facets of an answer, each facet an equal part of them. */
export const valuesBytesMax = 524_288
/** What a value takes in a message beside its text. */
const besideBytes = 40

/** The most frequent values of a facet, and how many there are besides. */
export interface Facet {
  readonly values: ReadonlyArray<FacetCount>
  readonly more: number
}

export interface FacetCount {
  readonly value: string
  readonly count: number
}

/** What of each facet must be so: one of the values. */
export type Filters = ReadonlyMap<string, ReadonlyArray<string>>

const textsOf = (document: ProductDocument): ReadonlyArray<readonly [string, string]> => {
  const range = document.price === null ? -1 : priceBounds.findLastIndex((bound) => bound <= document.price!)
  const own: ReadonlyArray<readonly [string, ReadonlyArray<string | number | boolean>]> = [
    [brand, document.attributes[brand] ?? (document.brand === "" ? [] : [document.brand])],
    [category, document.categories],
    [type, document.productType === null ? [] : [document.productType]],
    [channel, document.channels],
    [availability, document.available === null ? [] : [document.available ? "in_stock" : "out_of_stock"]],
    [price, range < 0 ? [] : [priceBounds[range]!]]
  ]
  const others = Object.entries(document.attributes).flatMap(([code, values]) =>
    code === brand ? [] : [[facetOf(code), values] as const]
  )
  return [...own, ...others]
    .flatMap(([name, values]) => [...new Set(values)].map((value) => [name, String(value)] as const))
    .slice(0, valuesOfProductMax)
}

/** The facets of documents: of each value the number of its facet, and its place in it. */
export class FacetValues {
  /** Of each facet the places of its values, by value. */
  readonly #places: Array<Map<string, number>> = []
  readonly #byName = new Map<string, number>()
  readonly #ofDocument: Array<Int32Array> = []

  put(document: ProductDocument): void {
    this.replace(this.#ofDocument.length, document)
  }

  /** Takes what has changed of a document that keeps its number. */
  replace(number: number, document: ProductDocument): void {
    this.#ofDocument[number] = Int32Array.from(textsOf(document).flatMap(([name, value]) => this.#number(name, value)))
  }

  #number(name: string, value: string): readonly [number, number] {
    let facet = this.#byName.get(name)
    if (facet === undefined) {
      facet = this.#places.push(new Map()) - 1
      this.#byName.set(name, facet)
    }
    const places = this.#places[facet]!
    let place = places.get(value)
    if (place === undefined) places.set(value, (place = places.size))
    return [facet, place]
  }

  /** Values of a facet, in the order in which they came. */
  valuesOf(name: string): ReadonlyArray<string> {
    return [...this.#placesOf(name).keys()]
  }

  #placesOf(name: string): ReadonlyMap<string, number> {
    return this.#places[this.#byName.get(name) ?? -1] ?? new Map()
  }

  /**
   * Documents that pass all filters, and for each wanted facet how many have each value. The counts of a facet are of the documents
   * that pass all *other* filters: so they say what a choice of another value of it would find.
   */
  select(found: ReadonlyArray<number>, filters: Filters, wanted: ReadonlyArray<string>) {
    const asked = [...filters].map(([name, values]) => ({
      facet: this.#byName.get(name) ?? -1,
      places: new Set(values.map((value) => this.#placesOf(name).get(value)))
    }))
    const counts = new Map(
      wanted.map((name) => [this.#byName.get(name) ?? -1, new Int32Array(this.#placesOf(name).size)] as const)
    )
    const passing: Array<number> = []
    for (const document of found) {
      const values = this.#ofDocument[document]!
      const failed = asked.length === 0 ? [] : failedBy(values, asked)
      if (failed.length === 0) passing.push(document)
      // Of those that fail one filter only, the facet of that filter counts.
      if (counts.size === 0 || failed.length > 1) continue
      for (let at = 0; at < values.length; at += 2) {
        if (failed.length === 1 && failed[0] !== values[at]) continue
        const counted = counts.get(values[at]!)
        if (counted !== undefined) counted[values[at + 1]!]! += 1
      }
    }
    const bytesMax = valuesBytesMax / Math.max(1, wanted.length)
    const facets = new Map(
      wanted.map((name) => [name, this.#counted(name, counts.get(this.#byName.get(name) ?? -1)!, bytesMax)])
    )
    return { passing, facets }
  }

  #counted(name: string, counts: Int32Array, bytesMax: number): Facet {
    const all: Array<FacetCount> = []
    for (const [value, place] of this.#placesOf(name))
      if (counts[place]! > 0) all.push({ value, count: counts[place]! })
    const values: Array<FacetCount> = []
    let bytes = 0
    for (const one of all.toSorted((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))) {
      // Of the characters of a text, quotes and the like take two.
      bytes += 2 * Buffer.byteLength(one.value) + besideBytes
      if (values.length === valuesMax || bytes > bytesMax) break
      values.push(one)
    }
    return { values, more: all.length - values.length }
  }
}

interface Asked {
  readonly facet: number
  readonly places: ReadonlySet<number | undefined>
}

/** The filters that a document with these values does not pass. */
const failedBy = (values: Int32Array, asked: ReadonlyArray<Asked>): ReadonlyArray<number> =>
  asked.flatMap(({ facet, places }) => {
    for (let at = 0; at < values.length; at += 2) if (values[at] === facet && places.has(values[at + 1])) return []
    return [facet]
  })
