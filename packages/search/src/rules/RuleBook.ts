import type { Channel } from "@halles/entities/catalogue/Channel"
import { type Badge, factors as factorBounds, pinsMax, type Target } from "@halles/entities/searchrule/SearchRule"
import type { SearchRuleRow } from "@halles/entities/searchrule/SearchRuleTable"
import { queryWords } from "../index/Analyser.ts"
import { type Language, stem } from "../index/Language.ts"
import type { Applied, Expansion } from "./Applied.ts"

/** Phrases that stand for the words of one query, all rules together. */
export const phrasesMax = 50

/** Words of a text as the rules of a language compare them, so that their forms are one. */
const stems = (language: Language, text: string): ReadonlyArray<string> =>
  queryWords(text).map((word) => stem(language, word))

/** A phrase that somebody searches for, and what it stands for. */
interface Synonym {
  readonly stems: ReadonlyArray<string>
  readonly phrases: ReadonlyArray<ReadonlyArray<string>>
}

/** The rules for queries in one language. */
class LanguageRules {
  readonly #language: Language
  readonly #byQuery = new Map<string, Set<string>>()
  /** For all queries. */
  readonly #always = new Set<string>()
  /** By the first stem of the phrase. */
  readonly #synonyms = new Map<string, Map<string, ReadonlyArray<Synonym>>>()
  /** How to take a rule out again. */
  readonly #undo = new Map<string, ReadonlyArray<() => void>>()

  constructor(language: Language, rows: Iterable<SearchRuleRow>) {
    this.#language = language
    for (const row of rows) this.put(row)
  }

  put({ description, id, removed }: SearchRuleRow): void {
    for (const undo of this.#undo.get(id) ?? []) undo()
    this.#undo.delete(id)
    const { effect, language = this.#language } = description
    if (removed || language.split("-")[0] !== this.#language) return
    if (effect.kind === "synonyms") return this.#putSynonyms(id, effect.terms, effect.root)
    const keys = effect.queries.map((query) => stems(this.#language, query).join(" "))
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
    const synonyms = (root === undefined ? terms : [root]).map((term, at): Synonym => ({
      stems: stems(this.#language, term),
      phrases: root === undefined ? phrases.filter((_, other) => other !== at) : phrases
    }))
    const undo: Array<() => void> = []
    for (const [first = "", own] of Map.groupBy(synonyms, ({ stems }) => stems[0])) {
      const rules = this.#synonyms.get(first) ?? new Map<string, ReadonlyArray<Synonym>>()
      this.#synonyms.set(first, rules.set(id, own))
      undo.push(() => rules.delete(id))
    }
    this.#undo.set(id, undo)
  }

  /** Ids of the rules for a query, and of those for all. */
  rulesFor(text: string): { readonly own: ReadonlyArray<string>; readonly always: ReadonlyArray<string> } {
    const words = stems(this.#language, text)
    const own = words.length === 0 ? undefined : this.#byQuery.get(words.join(" "))
    return { own: [...(own ?? [])].toSorted(), always: [...this.#always].toSorted() }
  }

  expand(words: ReadonlyArray<string>, holds: (id: string) => boolean): ReadonlyArray<Expansion> {
    const query = words.map((word) => stem(this.#language, word))
    const found: Array<Expansion> = []
    let room = phrasesMax
    for (const [from, first] of query.entries()) {
      for (const [id, synonyms] of this.#synonyms.get(first) ?? []) {
        if (room === 0 || !holds(id)) continue
        for (const { phrases, stems } of synonyms) {
          if (!stems.every((one, at) => query[from + at] === one)) continue
          const some = phrases.slice(0, room)
          room -= some.length
          found.push({ from, to: from + stems.length, phrases: some })
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
          for (const product of effect.skus.map(productOf))
            if (pins.size < pinsMax && !pins.has(product)) pins.set(product, effect.badge ?? null)
          break
        case "boost":
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
