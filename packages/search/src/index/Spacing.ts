import type { InvertedIndex, Postings } from "./InvertedIndex.ts"
import type { Spelling } from "./Spelling.ts"
import type { Vocabulary } from "./Vocabulary.ts"

/** What a catalogue knows of words. */
export interface Words {
  readonly index: InvertedIndex
  readonly vocabulary: Vocabulary
  readonly spelling: Spelling
}

/** The shortest part of a word that was typed without its space. */
const partMin = 2
/** The same if no title has the parts together. */
const longPartMin = 4
/** Parts that no title has together must each be so frequent (`Spelling.frequency`). */
const frequencyMin = 3

/** What was typed as one word and is written as two, such as `2tb` and `2 tb`, `smartwatch` and `smart watch`. */
export const parts = (
  { index, spelling, vocabulary }: Words,
  word: string
): readonly [left: Postings, right: Postings] | null => {
  for (let at = 1; at < word.length; at++) {
    // Without a space, or with another key hit in its place.
    for (const from of [at, at + 1]) {
      const [left, right] = [word.slice(0, at), word.slice(from)]
      const isMeasure = from === at && /^\d+$/.test(left) && /^\p{L}+$/u.test(right)
      if (!isMeasure && (left.length < partMin || right.length < partMin)) continue
      const isKnown = from > at || index.byWord.has(word) || Math.min(left.length, right.length) < longPartMin
      const areKnown = Math.min(spelling.frequency(left), spelling.frequency(right)) >= frequencyMin
      if (vocabulary.pairs(left, right) === 0 && (isKnown || !areKnown)) continue
      const [before, behind] = [index.byWord.get(left), index.byWord.get(right)]
      if (before !== undefined && behind !== undefined) return [before, behind]
    }
  }
  return null
}

/** A space that stands one letter too early or too late: `us bhub` is `usb hub`. */
const respaced = ({ spelling, vocabulary }: Words, left: string, right: string): readonly [string, string] | null => {
  const all = left + right
  for (const at of [left.length - 1, left.length + 1]) {
    const [a, b] = [all.slice(0, at), all.slice(at)]
    if (a.length < partMin || b.length < partMin) continue
    const areKnown = Math.min(spelling.frequency(a), spelling.frequency(b)) >= frequencyMin
    if (vocabulary.pairs(a, b) > 0 || areKnown) return [a, b]
  }
  return null
}

/** Words as they were typed, with spaces where they are in the catalogue, if a word is in none of its documents otherwise. */
export const spaced = (words: Words, typed: ReadonlyArray<string>): ReadonlyArray<string> => {
  const done = [...typed]
  for (let at = 1; at < done.length; at++) {
    const [left, right] = [done[at - 1]!, done[at]!]
    if (words.vocabulary.pairs(left, right) > 0) continue
    if (words.index.byWord.has(left) && words.index.byWord.has(right)) continue
    const better = respaced(words, left, right)
    if (better !== null) [done[at - 1], done[at]] = better
  }
  return done
}
