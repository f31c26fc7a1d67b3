import type { SearchCount } from "@halles/entities/searchrule/SearchCounts"
import { words } from "../index/Analyser.ts"

/** A query that was asked less often on a day is not kept: it may be somebody's own. */
export const askedMin = 3
/** Queries of a day that are counted at a time. */
export const countedMax = 20_000

const address = /\S*@\S*/gu
const number = /\d[\d\s()./-]*\d/gu
/** Telephones, cards and accounts have numbers with so many digits. */
const digitsMin = 7
const withoutLong = (number: string): string => (number.replace(/\D/gu, "").length < digitsMin ? number : " ")
/** What a query is counted as: its words, without what may be somebody's. */
export const countedAs = (text: string): string =>
  words(text.replace(address, " ").replace(number, withoutLong))
    .map(({ word }) => word)
    .join(" ")

type Counts = Omit<SearchCount, "day" | "query">
const none: Counts = { asked: 0, withoutResult: 0, clicks: 0, positions: 0 }
const sum = (a: Counts, b: Counts): Counts => ({
  asked: a.asked + b.asked,
  withoutResult: a.withoutResult + b.withoutResult,
  clicks: a.clicks + b.clicks,
  positions: a.positions + b.positions
})

interface Counted {
  /** What was not taken yet. */
  readonly counts: Counts
  /** Whether it was asked often enough to be kept, on this day. */
  readonly isOften: boolean
}

const dayOf = (now: number): string => new Date(now).toISOString().slice(0, 10)

/** What is asked and clicked on a day, until it is taken to the table. What was asked seldom goes when the day ends. */
export class QueryCounts {
  readonly #byQuery = new Map<string, Counted>()
  #day = ""
  /** Of the days before. */
  #over: Array<SearchCount> = []

  noteAsked(query: string, isFound: boolean, now: number): void {
    this.#note(query, { ...none, asked: 1, withoutResult: isFound ? 0 : 1 }, now)
  }

  /** `position` is the place at which it stood, counted from 1. */
  noteClick(query: string, position: number, now: number): void {
    this.#note(query, { ...none, clicks: 1, positions: position }, now)
  }

  #note(query: string, counts: Counts, now: number): void {
    this.#turn(now)
    if (query === "") return
    const before = this.#byQuery.get(query)
    if (before === undefined && this.#byQuery.size >= countedMax) this.#makeRoom()
    if (before === undefined && this.#byQuery.size >= countedMax) return
    const after = sum(before?.counts ?? none, counts)
    this.#byQuery.set(query, { counts: after, isOften: before?.isOften === true || after.asked >= askedMin })
  }

  /** As in lossy counting (Manku and Motwani, 2002): what was asked least goes, and begins anew when it is asked again. */
  #makeRoom(): void {
    for (const least of [2, askedMin]) {
      for (const [query, { counts, isOften }] of this.#byQuery)
        if (!isOften && counts.asked < least) this.#byQuery.delete(query)
      if (this.#byQuery.size < 0.9 * countedMax) return
    }
  }

  #turn(now: number): void {
    const day = dayOf(now)
    if (day === this.#day) return
    this.#over = [...this.#over, ...this.#taken(({ isOften }) => isOften)].slice(0, countedMax)
    this.#byQuery.clear()
    this.#day = day
  }

  #taken(isWanted: (counted: Counted) => boolean): ReadonlyArray<SearchCount> {
    const taken: Array<SearchCount> = []
    for (const [query, counted] of this.#byQuery) {
      if (!isWanted(counted) || counted.counts.asked + counted.counts.clicks === 0) continue
      taken.push({ day: this.#day, query, ...counted.counts })
      this.#byQuery.set(query, { ...counted, counts: none })
    }
    return taken
  }

  /** What is to be kept of what was counted since the last time. */
  take(now: number): ReadonlyArray<SearchCount> {
    this.#turn(now)
    const over = this.#over
    this.#over = []
    return [...over, ...this.#taken(({ isOften }) => isOften)]
  }

  /** Counts of queries that this process was asked seldom, to be added where another one has kept the query. */
  seldom(max: number): ReadonlyArray<SearchCount> {
    const seldom: Array<SearchCount> = []
    for (const [query, { counts, isOften }] of this.#byQuery) {
      if (seldom.length === max) break
      if (!isOften && counts.clicks > 0) seldom.push({ day: this.#day, query, ...counts })
    }
    return seldom
  }

  /** Takes those whose counts were added: whatever was counted meanwhile stays. */
  added(counts: ReadonlyArray<SearchCount>): void {
    for (const { day, query, ...taken } of counts) {
      const counted = this.#byQuery.get(query)
      if (counted === undefined || day !== this.#day) continue
      const left = {
        asked: counted.counts.asked - taken.asked,
        withoutResult: counted.counts.withoutResult - taken.withoutResult,
        clicks: counted.counts.clicks - taken.clicks,
        positions: counted.counts.positions - taken.positions
      }
      this.#byQuery.set(query, { counts: left, isOften: true })
    }
  }

  /** Gives back what was taken and could not be kept. */
  giveBack(counts: ReadonlyArray<SearchCount>): void {
    for (const count of counts) {
      const { day, query, ...taken } = count
      if (day !== this.#day) {
        this.#over.push(count)
        continue
      }
      const counted = this.#byQuery.get(query)
      this.#byQuery.set(query, { counts: sum(counted?.counts ?? none, taken), isOften: true })
    }
    this.#over = this.#over.slice(0, countedMax)
  }
}
