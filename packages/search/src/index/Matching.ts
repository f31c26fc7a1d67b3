import type { InvertedIndex, Postings } from "./InvertedIndex.ts"
import type { Alternative, Unit } from "./QueryPlan.ts"
import { asTyped, inverseFrequency, saturated, together } from "./Ranking.ts"

/** Documents that have words of a query, and how well they answer it. */
export interface Matching {
  /** Numbers of documents. */
  readonly found: ReadonlyArray<number>
  /** By number of document. */
  readonly scores: Float32Array
  /** Documents that have each word of the query. */
  readonly complete: number
  /** How many words of the query a document has, by its number. */
  readonly units: Uint8Array
}

/**
 * Scores documents for queries, one after the other. The arrays are as long as the catalogue and kept from query to query: a query wipes what
 * the one before has written in them. So a `Matching` holds until the next `match`.
 */
export class Matcher {
  readonly #index: InvertedIndex
  #weights = new Float32Array(0)
  #best = new Float32Array(0)
  #covered = new Float32Array(0)
  #scores = new Float32Array(0)
  #units = new Uint8Array(0)
  #found: Array<number> = []

  constructor(index: InvertedIndex) {
    this.#index = index
  }

  match(units: ReadonlyArray<Unit>): Matching {
    this.#wipe()
    let total = 0
    for (const unit of units) total += this.#add(unit)
    let complete = 0
    const sets = units.length > 1 ? units.map(wordsOf) : []
    for (const document of this.#found) {
      const isComplete = this.#units[document] === units.length
      if (isComplete) complete += 1
      const near = isComplete && sets.length > 0 ? this.#together(document, sets) : 0
      // A document that lacks a word counts as much less as that word tells.
      this.#scores[document]! *= (this.#covered[document]! / total) * (1 + together * near)
    }
    return { found: this.#found, scores: this.#scores, complete, units: this.#units }
  }

  #wipe(): void {
    const size = this.#index.documents.length
    if (this.#scores.length < size) {
      const room = Math.ceil(1.25 * size)
      this.#weights = new Float32Array(room)
      this.#best = new Float32Array(room)
      this.#covered = new Float32Array(room)
      this.#scores = new Float32Array(room)
      this.#units = new Uint8Array(room)
    } else {
      for (const document of this.#found) {
        this.#covered[document] = 0
        this.#scores[document] = 0
        this.#units[document] = 0
      }
    }
    this.#found = []
  }

  /** Adds what one word of the query says; gives how much it tells. */
  #add({ alternatives, asTyped: typed }: Unit): number {
    const touched: Array<number> = []
    let first = 0
    for (const [rank, alternative] of alternatives.entries()) {
      this.#alternative(alternative, touched)
      if (rank === 0) first = touched.length
    }
    if (typed !== undefined) this.#prefer(typed)
    // What is looked for beside it does not make a word tell less.
    const tells = inverseFrequency(first, this.#index.live)
    for (const document of touched) {
      if (this.#units[document] === 0) this.#found.push(document)
      this.#scores[document]! += tells * this.#best[document]!
      this.#covered[document]! += tells
      this.#units[document]! += 1
      this.#best[document] = 0
    }
    return tells
  }

  /** The best that an alternative says of each document. */
  #alternative({ any, beside = [], factor }: Alternative, touched: Array<number>): void {
    const { documents } = this.#index
    const here: Array<number> = []
    for (const postings of any) {
      for (let at = 0; at < postings.size; at++) {
        const document = postings.documents[at]!
        if (this.#weights[document] === 0) here.push(document)
        this.#weights[document]! += postings.weights[at]!
      }
    }
    const needed = beside.map(documentsOf)
    for (const document of here) {
      const score = factor * saturated(this.#weights[document]!)
      this.#weights[document] = 0
      if (documents[document] === null || needed.some((own) => !own.has(document))) continue
      if (score <= this.#best[document]!) continue
      if (this.#best[document] === 0) touched.push(document)
      this.#best[document] = score
    }
  }

  /** The word as it was typed counts more than its other forms. */
  #prefer({ documents, size }: Postings): void {
    for (let at = 0; at < size; at++) this.#best[documents[at]!]! *= asTyped
  }

  /** The share of the query's neighbours that are neighbours in the title. */
  #together(document: number, sets: ReadonlyArray<ReadonlySet<string>>): number {
    const title = this.#index.titles[document]!
    let pairs = 0
    for (let unit = 1; unit < sets.length; unit++) {
      for (let at = 1; at < title.length; at++) {
        if (sets[unit]!.has(title[at]!) && sets[unit - 1]!.has(title[at - 1]!)) {
          pairs += 1
          break
        }
      }
    }
    return pairs / (sets.length - 1)
  }
}

const documentsOf = (group: ReadonlyArray<Postings>): ReadonlySet<number> =>
  new Set(group.flatMap(({ documents, size }) => [...documents.subarray(0, size)]))

const wordsOf = ({ alternatives }: Unit): ReadonlySet<string> =>
  new Set(alternatives.flatMap(({ any }) => any.map(({ word }) => word)))
