/** What is known of a product where it is searched. */
export interface ProductDocument {
  /** `eu_TEA-01`; a later document of the same id takes its place. */
  readonly id: string
  readonly title: string
  readonly description: string
  /** The same in other languages. */
  readonly translations: ReadonlyArray<string>
  readonly brand: string
  /** Article code, GTIN, name of the model: what somebody types who knows exactly what they want. */
  readonly codes: ReadonlyArray<string>
  /** The categories that it names, the narrowest first. */
  readonly categories: ReadonlyArray<string>
  readonly productType: string | null
  /** The categories that find and count it: also those above, and those whose rules have it. The narrowest comes first. */
  readonly standsIn: ReadonlyArray<string>
  /** By name. Texts are searched; all values are facets and filters. */
  readonly attributes: Readonly<Record<string, ReadonlyArray<string | number | boolean>>>
  /** Of those attributes that have a text for each language, which text is of which language, in the order of `attributes`. */
  readonly languages: ReadonlyMap<string, ReadonlyArray<string>>
  /** Attributes that are counted: the values of others are filters only. `null` if all are. */
  readonly counted: ReadonlySet<string> | null
  /** Where it is sold. */
  readonly channels: ReadonlyArray<string>
  /** Minor units before tax; `null` if it has no price. */
  readonly price: number | null
  /** Whether it can be ordered now; `null` if that is not known. */
  readonly available: boolean | null
  /** Units sold lately. */
  readonly sold: number
  /** Share of the price that is left after the cost, 0 to 1; `null` if that is not known. */
  readonly margin: number | null
}

/** The texts of a document and what a word counts in each. The order is that of `fieldsOf`. */
export const fields = [
  { name: "title", weight: 2.5, b: 0.5, words: 10 },
  { name: "codes", weight: 1.5, b: 0.5, words: 5 },
  { name: "description", weight: 0.7, b: 0.5, words: 9 },
  { name: "brand", weight: 1, b: 0, words: 1 },
  { name: "categories", weight: 1, b: 0, words: 2 },
  { name: "attributes", weight: 0.4, b: 0.75, words: 32 }
] as const

export const fieldsOf = (document: ProductDocument): ReadonlyArray<ReadonlyArray<string>> => [
  [document.title],
  document.codes,
  [document.description, ...document.translations],
  [document.brand],
  document.productType === null ? document.categories : [...document.categories, document.productType],
  Object.values(document.attributes).flatMap((values) => values.filter((value) => typeof value === "string"))
]
