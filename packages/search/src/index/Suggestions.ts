import { fold, words } from "./Analyser.ts"
import type { InvertedIndex } from "./InvertedIndex.ts"
import { lowerBound } from "./Vocabulary.ts"

/** Words of a suggested query at the most. */
const phraseWordsMax = 3
/** A phrase that fewer titles have is no query of its own. */
const titlesMin = 3
const phraseLengthMax = 60

/** Queries that somebody who types is offered: phrases of titles. */
export class Suggestions {
  /** Phrases in order, each with how many titles have it. */
  #sorted: ReadonlyArray<readonly [string, number]> = []
  #keys: ReadonlyArray<string> = []

  /** Makes the list anew from the titles of an index. */
  build(index: InvertedIndex): void {
    const titlesOf = new Map<string, number>()
    for (const title of index.titles) {
      const phrases = new Set<string>()
      for (let from = 0; from < title.length; from++)
        for (let length = 1; length <= phraseWordsMax && from + length <= title.length; length++) {
          const part = title.slice(from, from + length)
          if (part.some((word) => /^[\d.]+$/.test(word) || (length === 1 && word.length < 3))) continue
          phrases.add(part.join(" "))
        }
      for (const phrase of phrases) titlesOf.set(phrase, (titlesOf.get(phrase) ?? 0) + 1)
    }
    this.#sorted = [...titlesOf]
      .filter(([phrase, count]) => count >= titlesMin && phrase.length <= phraseLengthMax)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
    this.#keys = this.#sorted.map(([phrase]) => phrase)
  }

  /** What begins as was typed so far, the most frequent first; of two that tell the same, the longer one is left out. */
  beginningWith(typed: string, max: number): ReadonlyArray<string> {
    const prefix = words(typed)
      .map(({ word }) => word)
      .join(" ")
      .concat(/\s$/.test(typed) ? " " : "")
    if (prefix.trim() === "") return []
    const best: Array<readonly [string, number]> = []
    for (let at = lowerBound(this.#keys, prefix); at < this.#keys.length; at++) {
      const entry = this.#sorted[at]!
      if (!entry[0].startsWith(prefix)) break
      const worst = best.at(-1)
      if (best.length === 2 * max && worst !== undefined && worst[1] >= entry[1]) continue
      const place = best.findIndex(([, count]) => count < entry[1])
      best.splice(place < 0 ? best.length : place, 0, entry)
      if (best.length > 2 * max) best.pop()
    }
    const told: Array<readonly [string, number]> = []
    for (const entry of best) {
      const isSame = told.some(
        ([other, count]) =>
          (entry[0].startsWith(`${other} `) || other.startsWith(`${entry[0]} `)) && entry[1] > 0.8 * count
      )
      if (!isSame && told.length < max) told.push(entry)
    }
    return told.map(([phrase]) => phrase)
  }
}

/** What begins like the typed text, however it is written, in the order that the names came. */
export const namesBeginningWith = (names: ReadonlyArray<string>, typed: string, max: number): ReadonlyArray<string> => {
  const prefix = fold(typed.trim())
  return prefix === "" ? [] : names.filter((name) => fold(name).startsWith(prefix)).slice(0, max)
}
