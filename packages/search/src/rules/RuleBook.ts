import type { Channel } from "@halles/entities/catalogue/Channel"
import { type Badge, factors as factorBounds, pinsMax, type Target } from "@halles/entities/searchrule/SearchRule"
import type { SearchRuleRow } from "@halles/entities/searchrule/SearchRuleTable"
import { queryWords } from "../index/Analyser.ts"
import { type Language, stem } from "../index/Language.ts"
import type { Applied, Expansion } from "./Applied.ts"

/** Phrases that stand for the words of one query, all rules together. */
export const phrasesMax = 50

/** Products whose relevance the rules change for one query. */
export const boostedOfQueryMax = 1_000

type Phrase = ReadonlyArray<string>

/** Words of rules whose stems are kept. */
const stemsMax = 50_000

/** The rules for queries in one language. */
class LanguageRules {
  readonly #language: Language
  readonly #byQuery = new Map<string, Set<string>>()
  /** For all queries. */
  readonly #always = new Set<string>()
  #alwaysSorted: ReadonlyArray<string> | null = null
  /** By what somebody searches for: what it stands for, by rule. */
  readonly #synonyms = new Map<string, Map<string, ReadonlyArray<Phrase>>>()
  /** Words of the longest synonym that there ever was. */
  #longest = 0
  readonly #stems = new Map<string, string>()
  /** How to take a rule out again. */
  readonly #undo = new Map<string, ReadonlyArray<() => void>>()

  constructor(language: Language, rows: Iterable<SearchRuleRow>) {
    this.#language = language
    for (const row of rows) this.put(row)
  }

  /** Words as the rules compare them, so that their forms are one. Rules have many words in common. */
  #keyOf(words: ReadonlyArray<string>): string {
    return words
      .map((word) => {
        const known = this.#stems.get(word)
        if (known !== undefined) return known
        const own = stem(this.#language, word)
        if (this.#stems.size < stemsMax) this.#stems.set(word, own)
        return own
      })
      .join(" ")
  }

  put({ description, id, removed }: SearchRuleRow): void {
    this.#alwaysSorted = null
    for (const undo of this.#undo.get(id) ?? []) undo()
    this.#undo.delete(id)
    const { effect, language = this.#language } = description
    if (removed || language.split("-")[0] !== this.#language) return
    if (effect.kind === "synonyms") return this.#putSynonyms(id, effect.terms, effect.root)
    const keys = effect.queries.map((query) => this.#keyOf(queryWords(query)))
    const sets = keys.length === 0 ? [this.#always] : keys.map((key) => this.#rulesOf(key))
    for (const set of sets) set.add(id)
    this.#undo.set(
      id,
      sets.map((set) => () => set.delete(id))
    )
  }

  #rulesOf(key: string): Set<string> {
    const known = this.#byQuery.get(key)
    if (known !== undefined) return known
    const rules = new Set<string>()
    this.#byQuery.set(key, rules)
    return rules
  }

  #putSynonyms(id: string, terms: ReadonlyArray<string>, root: string | undefined): void {
    const phrases = terms.map(queryWords)
    const undo: Array<() => void> = []
    for (const searched of root === undefined ? phrases : [queryWords(root)]) {
      const key = this.#keyOf(searched)
      const rules = this.#synonyms.get(key) ?? new Map<string, ReadonlyArray<Phrase>>()
      this.#synonyms.set(
        key,
        rules.set(
          id,
          phrases.filter((phrase) => phrase !== searched)
        )
      )
      this.#longest = Math.max(this.#longest, searched.length)
      undo.push(() => rules.delete(id))
    }
    this.#undo.set(id, undo)
  }

  /** Ids of the rules for a query, and of those for all. */
  rulesFor(text: string): { readonly own: ReadonlyArray<string>; readonly always: ReadonlyArray<string> } {
    const words = queryWords(text)
    const own = words.length === 0 ? undefined : this.#byQuery.get(this.#keyOf(words))
    this.#alwaysSorted ??= [...this.#always].toSorted()
    return { own: [...(own ?? [])].toSorted(), always: this.#alwaysSorted }
  }

  expand(words: ReadonlyArray<string>, holds: (id: string) => boolean): ReadonlyArray<Expansion> {
    const found: Array<Expansion> = []
    let room = phrasesMax
    for (const from of words.keys()) {
      for (let to = from + 1; to <= Math.min(words.length, from + this.#longest); to++) {
        for (const [id, phrases] of this.#synonyms.get(this.#keyOf(words.slice(from, to))) ?? []) {
          if (room === 0) return found
          if (!holds(id)) continue
          const some = phrases.slice(0, room)
          room -= some.length
          found.push({ from, to, phrases: some })
        }
      }
    }
    return found
  }
}

const clamped = (factor: number): number => Math.min(factorBounds.maximum, Math.max(factorBounds.minimum, factor))

/** The search rules of a region, looked up by query. */
export class RuleBook {
  readonly rows = new Map<string, SearchRuleRow>()
  readonly #byLanguage = new Map<Language, LanguageRules>()

  /** Takes a rule that is newer than what is there; says whether it was. */
  put(row: SearchRuleRow): boolean {
    const before = this.rows.get(row.id)
    if (before !== undefined && before.seq >= row.seq) return false
    this.rows.set(row.id, row)
    for (const rules of this.#byLanguage.values()) rules.put(row)
    return true
  }

  /** What holds for a query at a moment. Rules for other channels hold for no query that names none. */
  for(query: {
    readonly text: string
    readonly language: Language
    readonly channel: Channel | null
    readonly now: number
  }): Applied {
    const { channel, language, now, text } = query
    const rules = this.#rulesIn(language)
    const holds = (id: string): boolean => {
      const { channels, from = 0, until = Number.POSITIVE_INFINITY } = this.rows.get(id)!.description
      return from <= now && now < until && (channels === undefined || (channel !== null && channels.includes(channel)))
    }
    const pins = new Map<string, Badge | null>()
    const factors = new Map<string, number>()
    let redirect: Target | null = null
    const { always, own } = rules.rulesFor(text)
    const forQuery = own.filter(holds)
    // What is for this query goes before what is for all.
    for (const id of [...forQuery, ...always.filter(holds)]) {
      const { effect } = this.rows.get(id)!.description
      const productOf = (sku: string) => `${id.slice(0, 2)}_${sku}`
      switch (effect.kind) {
        case "redirect":
          redirect ??= effect.target
          break
        case "pins":
          if (pins.size === pinsMax) break
          for (const product of effect.skus.map(productOf))
            if (pins.size < pinsMax && !pins.has(product)) pins.set(product, effect.badge ?? null)
          break
        case "boost":
          if (factors.size + effect.skus.length > boostedOfQueryMax) break
          for (const product of effect.skus.map(productOf))
            factors.set(product, clamped((factors.get(product) ?? 1) * effect.factor))
          break
        case "synonyms":
          break
      }
    }
    const isForQuery = forQuery.length > 0
    return { pins, factors, redirect, isForQuery, expand: (words) => rules.expand(words, holds) }
  }

  #rulesIn(language: Language): LanguageRules {
    const known = this.#byLanguage.get(language)
    if (known !== undefined) return known
    const rules = new LanguageRules(language, this.rows.values())
    this.#byLanguage.set(language, rules)
    return rules
  }
}
