import type { Applied, Expansion } from "../rules/Applied.ts"
import { isShortGram, queryWords } from "./Analyser.ts"
import type { Postings } from "./InvertedIndex.ts"
import { type Language, stem } from "./Language.ts"
import { parts, spaced, type Words } from "./Spacing.ts"
import type { Meant } from "./Spelling.ts"
import { begunMax } from "./Vocabulary.ts"

/** Words of which any stands for what was typed; `factor` is what they count of it. A document must have one of each group `beside` it too. */
export interface Alternative {
  readonly factor: number
  readonly any: ReadonlyArray<Postings>
  readonly beside?: ReadonlyArray<ReadonlyArray<Postings>>
}

/** One word of a query: what is looked for in its place. */
export interface Unit {
  readonly asTyped: Postings | undefined
  readonly alternatives: ReadonlyArray<Alternative>
}

export interface QueryPlan {
  readonly units: ReadonlyArray<Unit>
  /** The query as it was understood, if words of it were not. */
  readonly corrected: string | null
}

/** Words of a query that count: what stands behind them is not looked for. */
export const wordsMax = 16
/** Words that a beginning stands for, the most frequent first: of a letter or two nobody looks through all. */
const prefixMax = (prefix: string): number => Math.min(begunMax, 8 * prefix.length)
const factors = { synonym: 0.9, begun: 0.8, joined: 0.7, split: 0.7, other: 0.5 }
/** How much likelier a word is that stands beside its neighbour in some title. */
const pairTimes = 20
/** In so many titles two words must stand together to say what was meant by a third that stands beside one of them in none. */
const pairsMin = 3
/** A word that is as frequent as this stands for itself. */
const doubtedMax = 10
/** What is likelier than this, measured by the likeliest, is looked for too. */
const likelihoodMin = 0.2

/** The forms of a word in the catalogue. */
const forms = ({ index, vocabulary }: Words, language: Language, word: string): ReadonlyArray<Postings> => {
  if (isShortGram(word)) return vocabulary.beginningWith(word, Number.POSITIVE_INFINITY)
  const found = vocabulary.forms(language, stem(language, word)).flatMap((form) => index.byWord.get(form) ?? [])
  const own = index.byWord.get(word)
  return own === undefined || found.includes(own) ? found : [own, ...found]
}

/** One word of a query as it was understood, and what else may have been meant. */
interface Understood {
  readonly word: string
  readonly others: ReadonlyArray<Meant>
}

/** Words that stand together in titles are likelier meant than others: `hdm cable` is `hdmi cable`, `hdm` alone is `hd`. */
const understand = (
  words: Words,
  language: Language,
  typed: ReadonlyArray<string>,
  isPrefix: boolean,
  expansions: ReadonlyArray<Expansion>
): ReadonlyArray<Understood> => {
  const { spelling, vocabulary } = words
  return typed.map((word, at) => {
    const fit = (other: string) =>
      Math.max(vocabulary.pairs(typed[at - 1] ?? "", other), vocabulary.pairs(other, typed[at + 1] ?? ""))
    const own = spelling.frequency(word)
    const isBegun = isPrefix && at === typed.length - 1 && vocabulary.beginningWith(word, 1).length > 0
    // What a merchant has said something about is no mistake.
    const isKnown = expansions.some(({ from, to }) => from <= at && at < to)
    if (isKnown || isBegun || parts(words, word) !== null) return { word, others: [] }
    const fits = (other: string) => fit(other) >= Math.max(pairsMin, pairTimes * fit(word))
    const near = spelling.meant(word)
    // Of a word whose form nobody has written, another form may be known.
    const meant = (near.length > 0 ? near : spelling.meant(stem(language, word)))
      .map(({ likelihood, word }) => ({ word, likelihood: likelihood * (fits(word) ? pairTimes : 1) }))
      .toSorted((a, b) => b.likelihood - a.likelihood)
    const [first, ...others] = meant
    if (first === undefined) return { word, others: [] }
    const isMeant = forms(words, language, word).length === 0 || fits(first.word)
    if (isMeant) return { word: first.word, others }
    return { word, others: own <= doubtedMax && fit(word) === 0 ? meant : [] }
  })
}

/** A phrase that stands for words of a query; none where the catalogue lacks a word of it. */
const phrase = (words: Words, language: Language, texts: ReadonlyArray<string>): ReadonlyArray<Alternative> => {
  const [any = [], ...beside] = texts.map((word) => forms(words, language, word))
  const isWhole = any.length > 0 && beside.every((group) => group.length > 0)
  return isWhole ? [{ factor: factors.synonym, any, beside }] : []
}

/** What is looked for in place of the words of a query. The last one is a beginning if `isPrefix`. */
export const plan = (
  words: Words,
  language: Language,
  query: string,
  expand: Applied["expand"],
  isPrefix = false
): QueryPlan => {
  const { index, vocabulary } = words
  const asked = queryWords(query).slice(0, wordsMax)
  const spacedOut = [...new Set(spaced(words, asked))]
  const expansions = expand(spacedOut)
  const understood = understand(words, language, spacedOut, isPrefix, expansions)
  const units = understood.map(({ others, word }, at): Unit => {
    const alternatives: Array<Alternative> = []
    const add = (factor: number, any: ReadonlyArray<Postings>) => {
      if (any.length > 0) alternatives.push({ factor, any })
    }
    const own = forms(words, language, word)
    add(1, own)
    if (isPrefix && at === understood.length - 1)
      add(
        factors.begun,
        vocabulary.beginningWith(word, prefixMax(word)).filter((postings) => !own.includes(postings))
      )
    for (const [a, b] of [
      [understood[at - 1], understood[at]],
      [understood[at], understood[at + 1]]
    ])
      if (a !== undefined && b !== undefined) add(factors.joined, forms(words, language, a.word + b.word))
    const split = parts(words, word)
    if (split !== null) alternatives.push({ factor: factors.split, any: [split[0]], beside: [[split[1]]] })
    for (const { from, phrases, to } of expansions)
      if (from <= at && at < to) alternatives.push(...phrases.flatMap((texts) => phrase(words, language, texts)))
    for (const { likelihood, word: other } of others)
      if (likelihood >= likelihoodMin) add(factors.other * Math.min(1, likelihood), forms(words, language, other))
    return { asTyped: index.byWord.get(word), alternatives }
  })
  const text = understood.map(({ word }) => word).join(" ")
  return { units, corrected: text === [...new Set(asked)].join(" ") ? null : text }
}
