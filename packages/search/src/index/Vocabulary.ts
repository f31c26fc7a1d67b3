import type { InvertedIndex, Postings } from "./InvertedIndex.ts"
import { type Language, stem } from "./Language.ts"

const insertedMax = 1_000
/** Words of one short beginning that are kept in order. */
export const begunMax = 40
const shortMax = 2

/** The words of a catalogue in order, by their stems in each language, and which stand beside which. */
export class Vocabulary {
  readonly #index: InvertedIndex
  readonly #byStem = new Map<Language, { readonly stems: Map<string, Array<string>>; words: number }>()
  #sorted: Array<string> = []
  /** What begins with a short beginning, until a word comes. */
  readonly #begun = new Map<string, ReadonlyArray<Postings>>()
  #pairs = new Map<string, number>()
  #pairsUpTo = 0

  constructor(index: InvertedIndex) {
    this.#index = index
  }

  /** Words with that stem. What has come since the last question is taken in first. */
  forms(language: Language, stemmed: string): ReadonlyArray<string> {
    let known = this.#byStem.get(language)
    if (known === undefined) this.#byStem.set(language, (known = { stems: new Map(), words: 0 }))
    for (; known.words < this.#index.words.length; known.words++) {
      const word = this.#index.words[known.words]!
      const own = stem(language, word)
      const words = known.stems.get(own)
      if (words === undefined) known.stems.set(own, [word])
      else words.push(word)
    }
    return known.stems.get(stemmed) ?? []
  }

  /** The most frequent words that begin so. */
  beginningWith(prefix: string, max: number): ReadonlyArray<Postings> {
    if (this.#sorted.length < this.#index.words.length) {
      this.#sort()
      this.#begun.clear()
    }
    const known = this.#begun.get(prefix)
    if (known !== undefined && max <= begunMax) return known.slice(0, max)
    const found: Array<Postings> = []
    for (let at = lowerBound(this.#sorted, prefix); at < this.#sorted.length; at++) {
      const word = this.#sorted[at]!
      if (!word.startsWith(prefix)) break
      found.push(this.#index.byWord.get(word)!)
    }
    const best = found.toSorted((a, b) => b.inTitles - a.inTitles || b.size - a.size)
    // Short ones have many words to sort, and there are few of them.
    if (prefix.length <= shortMax) this.#begun.set(prefix, best.slice(0, begunMax))
    return best.slice(0, max)
  }

  /** A few new words are put in their places: to sort all of them takes as long as many queries. */
  #sort(): void {
    const { words } = this.#index
    if (words.length - this.#sorted.length > insertedMax) this.#sorted = words.toSorted(ascending)
    for (const word of words.slice(this.#sorted.length)) this.#sorted.splice(lowerBound(this.#sorted, word), 0, word)
  }

  /** In how many titles the one stands before the other. */
  pairs(left: string, right: string): number {
    const { titles } = this.#index
    for (; this.#pairsUpTo < titles.length; this.#pairsUpTo++) {
      const title = titles[this.#pairsUpTo]!
      for (let at = 1; at < title.length; at++) {
        const pair = `${title[at - 1]} ${title[at]}`
        this.#pairs.set(pair, (this.#pairs.get(pair) ?? 0) + 1)
      }
    }
    return this.#pairs.get(`${left} ${right}`) ?? 0
  }
}

const ascending = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Where in a sorted list the first entry that is not below stands. */
export const lowerBound = (sorted: ReadonlyArray<string>, least: string): number => {
  let [from, to] = [0, sorted.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (sorted[middle]! < least) from = middle + 1
    else to = middle
  }
  return from
}
