import { words } from "./Analyser.ts"
import { fields, fieldsOf, type ProductDocument } from "./ProductDocument.ts"

/** Words of one field that count: what stands behind them is shown, but not searched. */
export const wordsOfFieldMax = 2_000

/** Where a word stands: numbers of documents, rising, and what it counts in each. */
export interface Postings {
  readonly word: string
  documents: Int32Array
  weights: Float32Array
  size: number
  /** Documents whose title has the word. */
  inTitles: number
}

const make = (word: string): Postings => ({
  word,
  documents: new Int32Array(4),
  weights: new Float32Array(4),
  size: 0,
  inTitles: 0
})

const append = (postings: Postings, document: number, weight: number): void => {
  if (postings.size === postings.documents.length) {
    const documents = new Int32Array(2 * postings.size)
    const weights = new Float32Array(2 * postings.size)
    documents.set(postings.documents)
    weights.set(postings.weights)
    postings.documents = documents
    postings.weights = weights
  }
  postings.documents[postings.size] = document
  postings.weights[postings.size] = weight
  postings.size += 1
}

/**
 * Which documents have which words. Words are kept as they were written (folded), so that one index serves all languages: the forms
 * of a word are found when it is asked for. Documents are numbered as they come; one that is replaced gets a new number, and its
 * old one is dead.
 */
export class InvertedIndex {
  readonly documents: Array<ProductDocument | null> = []
  readonly byId = new Map<string, number>()
  readonly byWord = new Map<string, Postings>()
  /** Words in the order in which they came. */
  readonly words: Array<string> = []
  /** Words of the titles, in order. */
  readonly titles: Array<ReadonlyArray<string>> = []
  live = 0
  /** What many documents have in common is taken apart once. */
  readonly #values = new Map<string, ReadonlyArray<string>>()

  put(document: ProductDocument): void {
    this.remove(document.id)
    const number = this.documents.length
    const texts = fieldsOf(document)
    const counted = new Map<string, number>()
    for (const [at, { b, weight, words: usual }] of fields.entries()) {
      const own = (texts[at] ?? []).flatMap((text) => this.#wordsOf(text)).slice(0, wordsOfFieldMax)
      if (at === 0) this.titles.push(own)
      // BM25F: what a word counts falls with the length of its field, by a usual length instead of the mean, which changes.
      const each = weight / (1 - b + (b * own.length) / usual)
      for (const word of own) counted.set(word, (counted.get(word) ?? 0) + each)
    }
    for (const [word, weight] of counted) {
      let postings = this.byWord.get(word)
      if (postings === undefined) {
        this.byWord.set(word, (postings = make(word)))
        this.words.push(word)
      }
      append(postings, number, weight)
    }
    for (const word of new Set(this.titles[number])) this.byWord.get(word)!.inTitles += 1
    this.documents.push(document)
    this.byId.set(document.id, number)
    this.live += 1
  }

  remove(id: string): void {
    const number = this.byId.get(id)
    if (number === undefined) return
    this.byId.delete(id)
    for (const word of new Set(this.titles[number])) this.byWord.get(word)!.inTitles -= 1
    this.documents[number] = null
    this.titles[number] = []
    this.live -= 1
  }

  /** Dead numbers cost time and memory: beyond so many the index is to be made anew. */
  get isStale(): boolean {
    return this.documents.length > 1_000 + 1.5 * this.live
  }

  #wordsOf(text: string): ReadonlyArray<string> {
    const known = this.#values.get(text)
    if (known !== undefined) return known
    const found = words(text).map(({ word }) => word)
    if (text.length < 60 && this.#values.size < 50_000) this.#values.set(text, found)
    return found
  }
}
