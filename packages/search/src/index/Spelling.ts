import type { InvertedIndex } from "./InvertedIndex.ts"

/** A word that may have been meant, and how likely, 0 to 1; the first has 1. */
export interface Meant {
  readonly word: string
  readonly likelihood: number
}

/** Of a longer word only the beginning is compared by what it lacks; the rest by its distance. */
const lengthMax = 24
/** From this length on two edits are tried where one finds nothing. */
const twoEditsFrom = 6
const meantMax = 6
/** A word that is there is doubted if another one is so much more frequent. */
const doubtedTimes = 5

/** The word with each of its letters left out. */
const without = (word: string): ReadonlyArray<string> =>
  Array.from({ length: word.length }, (_, at) => word.slice(0, at) + word.slice(at + 1))

/** Insertions, deletions, replacements and swaps of neighbours that make one word of the other; `max + 1` if more than `max`. */
export const distance = (a: string, b: string, max: number): number => {
  if (Math.abs(a.length - b.length) > max) return max + 1
  let before: Array<number> = []
  let last = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    let least = i
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2]! + 1)
      row.push(cost)
      if (cost < least) least = cost
    }
    if (least > max) return max + 1
    before = last
    last = row
  }
  return Math.min(max + 1, last[b.length]!)
}

const letters = (word: string): string => [...word].toSorted().join("")

/**
 * How likely it is to type the one for the other, measured by the likeliest. A word of n letters has n - 1 swaps of neighbours and n
 * letters to leave out, but 25 n replacements and 26 (n + 1) insertions, each of which is so much less likely.
 */
const slip = (typed: string, word: string): number => {
  const first = typed[0] === word[0] ? 1 : 0.5
  if (typed.length < word.length) return first
  const isSwap = typed.length === word.length && letters(typed) === letters(word)
  return isSwap ? 1 : first * 0.04
}

/**
 * Words of the catalogue that are one edit (of longer words: two) away from one that was typed. SymSpell (W. Garbe): two words that are one
 * edit apart become equal by leaving out at most one letter of each, so a table of words with a letter left out finds all of them.
 */
export class Spelling {
  readonly #index: InvertedIndex
  readonly #byRest = new Map<string, Array<string>>()
  readonly #known = new Set<string>()

  constructor(index: InvertedIndex) {
    this.#index = index
    for (const word of index.byWord.keys()) this.add(word)
  }

  add(word: string): void {
    if (word.length < 2 || word.length > lengthMax || this.#known.has(word)) return
    this.#known.add(word)
    for (const rest of [word, ...without(word)]) {
      const words = this.#byRest.get(rest)
      if (words === undefined) this.#byRest.set(rest, [word])
      else words.push(word)
    }
  }

  /** Other words that may have been meant by one, the likeliest first; nothing if the word is more common than they are. */
  meant(typed: string): ReadonlyArray<Meant> {
    if (typed.length > lengthMax) return []
    const own = this.#index.byWord.get(typed)
    if (own !== undefined && /\d/.test(typed)) return []
    const near = this.#near(typed, 1)
    const found = near.length === 0 && typed.length >= twoEditsFrom && own === undefined ? this.#near(typed, 2) : near
    const rated = found
      .filter((word) => word !== typed && this.frequency(word) > doubtedTimes * this.frequency(typed))
      .map((word) => ({ word, rating: Math.sqrt(this.frequency(word)) * slip(typed, word) }))
      .toSorted((a, b) => b.rating - a.rating)
      .slice(0, meantMax)
    const [first] = rated
    return first === undefined ? [] : rated.map(({ rating, word }) => ({ word, likelihood: rating / first.rating }))
  }

  /** Titles count: most of what else is in texts nobody looks for. */
  frequency(word: string): number {
    const postings = this.#index.byWord.get(word)
    return postings === undefined ? 0 : postings.inTitles + 0.1 * postings.size
  }

  #near(typed: string, edits: number): ReadonlyArray<string> {
    if (edits > 1) {
      // Few mistake the first letter, and all words would be too many to compare.
      return this.#index.words.filter(
        (word) => word[0] === typed[0] && this.#known.has(word) && distance(typed, word, edits) <= edits
      )
    }
    const candidates = new Set([typed, ...without(typed)].flatMap((rest) => this.#byRest.get(rest) ?? []))
    return [...candidates].filter((word) => distance(typed, word, edits) <= edits)
  }
}
