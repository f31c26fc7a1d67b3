import type { Lessons } from "./Lessons.ts"

/** An item that goes with a basket, and the item of the basket that says so most clearly. */
export interface Recommended {
  readonly item: string
  readonly because: string
  /** Baskets that had both. */
  readonly together: number
}

/** What goes with what, learnt from baskets. */
export class BasketModel {
  readonly baskets: number
  /** The items of most baskets first, with how many they are. */
  readonly popular: ReadonlyArray<readonly [item: string, baskets: number]>
  readonly #lessons: Lessons
  readonly #numbers: ReadonlyMap<string, number>

  constructor(lessons: Lessons) {
    this.#lessons = lessons
    this.#numbers = new Map(lessons.names.map((name, at) => [name, at]))
    this.baskets = lessons.baskets
    this.popular = lessons.names
      .map((name, at) => [name, lessons.counts[at]!] as const)
      .toSorted(([, a], [, b]) => b - a)
  }

  /** What goes with all that is in a basket, the best first; items of the basket are left out. */
  for(basket: ReadonlyArray<string>, max: number): ReadonlyArray<Recommended> {
    const { names, speaks } = this.#lessons
    const own = new Set(basket.flatMap((item) => this.#numbers.get(item) ?? []))
    const sums = new Map<number, { score: number; best: number; because: number; together: number }>()
    for (const from of own)
      for (const { item, together, weight } of speaks[from]!) {
        if (own.has(item)) continue
        const sum = sums.get(item) ?? { score: 0, best: 0, because: from, together }
        sum.score += weight
        if (weight > sum.best) Object.assign(sum, { best: weight, because: from, together })
        sums.set(item, sum)
      }
    return [...sums]
      .filter(([, { score }]) => score > 0)
      .toSorted(([, a], [, b]) => b.score - a.score)
      .slice(0, max)
      .map(([item, { because, together }]) => ({ item: names[item]!, because: names[because]!, together }))
  }
}
