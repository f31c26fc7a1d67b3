import { Language } from "./Language.ts"
import type { ProductDocument } from "./ProductDocument.ts"

/** Facets that every product has beside its attributes. */
export const brand = "brand"
export const category = "category"
export const type = "type"
const availability = "availability"
export const price = "price"
export const channel = "channel"
const builtIn: ReadonlySet<string> = new Set([brand, category, type, availability, price, channel])

/** The facet of an attribute: its code, or `attributes.price` where a facet that every product has is named so. That of the brand is the brand. */
const facetOf = (code: string): string => (builtIn.has(code) && code !== brand ? `attributes.${code}` : code)

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

/** In which languages somebody sees a value, a bit each, and whether it is counted. */
const bitOf = (language: Language): number => 1 << Language.literals.indexOf(language)
const allLanguages = (1 << Language.literals.length) - 1
const counted = 1 << Language.literals.length

/** Languages in which the text at a place is seen: each query sees the text of its language, or else the first one. */
const seenIn = (languages: ReadonlyArray<string>, at: number): number =>
  Language.literals.reduce((seen, language) => {
    const own = languages.findIndex((one) => one.split("-")[0] === language)
    return Math.max(0, own) === at ? seen | bitOf(language) : seen
  }, 0)

/** A facet, a value of it, and how the value is seen. */
type Told = readonly [name: string, value: string, seen: number]

const toldOf = (document: ProductDocument): ReadonlyArray<Told> => {
  const range = document.price === null ? -1 : priceBounds.findLastIndex((bound) => bound <= document.price!)
  const own: ReadonlyArray<readonly [string, ReadonlyArray<string | number | boolean>]> = [
    [brand, document.brand === "" || document.attributes[brand] !== undefined ? [] : [document.brand]],
    [type, document.productType === null ? [] : [document.productType]],
    [channel, document.channels],
    [availability, document.available === null ? [] : [document.available ? "in_stock" : "out_of_stock"]],
    [price, range < 0 ? [] : [priceBounds[range]!]],
    [category, document.standsIn]
  ]
  const attributes = Object.entries(document.attributes).flatMap(([code, values]): ReadonlyArray<Told> => {
    const isCounted = code === brand || document.counted === null || document.counted.has(code) ? counted : 0
    const languages = document.languages.get(code)
    return values.map((value, at) => {
      const seen = languages === undefined ? allLanguages : seenIn(languages, at)
      return [facetOf(code), String(value), seen | isCounted]
    })
  })
  const always = own.flatMap(([name, values]) =>
    values.map((value): Told => [name, String(value), allLanguages | counted])
  )
  return [...always, ...attributes].slice(0, valuesOfProductMax)
}

/** A value of a document: its facet, its place there, and how it is seen. */
const width = 3
const nothing = new Int32Array()

/** The facets of documents: of each value the number of its facet, its place in it, and how it is seen. */
export class FacetValues {
  /** Of each facet the places of its values, by value. */
  readonly #places: Array<Map<string, number>> = []
  readonly #byName = new Map<string, number>()
  readonly #ofDocument: Array<Int32Array> = []
  /** Of each facet, by place, how many documents have the value. */
  readonly #uses: Array<Array<number>> = []

  put(document: ProductDocument): void {
    this.replace(this.#ofDocument.length, document)
  }

  /** Takes what has changed of a document that keeps its number. */
  replace(number: number, document: ProductDocument): void {
    const values = new Map<string, [facet: number, place: number, seen: number]>()
    for (const [name, value, seen] of toldOf(document)) {
      const [facet, place] = this.#number(name, value)
      const known = values.get(`${facet} ${place}`)
      // A value that is told twice counts once.
      if (known === undefined) values.set(`${facet} ${place}`, [facet, place, seen])
      else known[2] |= seen
    }
    this.forget(number)
    this.#ofDocument[number] = Int32Array.from([...values.values()].flat())
    this.#use(number, 1)
  }

  /** Takes out a document, whose number is dead from then on. */
  forget(number: number): void {
    if (this.#ofDocument[number] === undefined) return
    this.#use(number, -1)
    this.#ofDocument[number] = nothing
  }

  #use(number: number, by: 1 | -1): void {
    const values = this.#ofDocument[number]!
    for (let at = 0; at < values.length; at += width) this.#uses[values[at]!]![values[at + 1]!]! += by
  }

  #number(name: string, value: string): readonly [number, number] {
    let facet = this.#byName.get(name)
    if (facet === undefined) {
      facet = this.#places.push(new Map()) - 1
      this.#byName.set(name, facet)
      this.#uses.push([])
    }
    const places = this.#places[facet]!
    let place = places.get(value)
    if (place === undefined) {
      places.set(value, (place = places.size))
      this.#uses[facet]!.push(0)
    }
    return [facet, place]
  }

  /** Values of a facet that some document has, in the order in which they came. */
  valuesOf(name: string): ReadonlyArray<string> {
    const uses = this.#uses[this.#byName.get(name) ?? -1] ?? []
    return [...this.#placesOf(name)].flatMap(([value, place]) => (uses[place]! > 0 ? [value] : []))
  }

  #placesOf(name: string): ReadonlyMap<string, number> {
    return this.#places[this.#byName.get(name) ?? -1] ?? new Map()
  }

  /**
   * Documents that pass all filters, and for each wanted facet how many have each value. The counts of a facet are of the documents
   * that pass all *other* filters: so they say what a choice of another value of it would find. Of texts for each language that
   * of the asked one counts.
   */
  select(found: ReadonlyArray<number>, language: Language, filters: Filters, wanted: ReadonlyArray<string>) {
    const bit = bitOf(language)
    const shown = bit | counted
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
      const failed = asked.length === 0 ? [] : failedBy(values, asked, bit)
      if (failed.length === 0) passing.push(document)
      // Of those that fail one filter only, the facet of that filter counts.
      if (counts.size === 0 || failed.length > 1) continue
      for (let at = 0; at < values.length; at += width) {
        if (failed.length === 1 && failed[0] !== values[at]) continue
        const of = counts.get(values[at]!)
        if (of !== undefined && (values[at + 2]! & shown) === shown) of[values[at + 1]!]! += 1
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
const failedBy = (values: Int32Array, asked: ReadonlyArray<Asked>, bit: number): ReadonlyArray<number> =>
  asked.flatMap(({ facet, places }) => {
    for (let at = 0; at < values.length; at += width)
      if (values[at] === facet && places.has(values[at + 1]) && (values[at + 2]! & bit) !== 0) return []
    return [facet]
  })
