import { Schema } from "effect"
import type { ProductDocument } from "./ProductDocument.ts"
import { business } from "./Ranking.ts"

/** In which order what was found is shown; `-` is downwards. */
export const Sort = Schema.Literals(["relevance", "price", "-price", "-sold", "title"])
export type Sort = typeof Sort.Type

/** Negative if the first document stands before the second one. */
export type Order = (a: number, b: number) => number

const by =
  (key: (number: number) => number): Order =>
  (a, b) =>
    key(a) - key(b) || a - b

/** Of equals those that came first stand first, so that pages do not overlap. */
export const order = (sort: Sort, documents: ReadonlyArray<ProductDocument | null>, scores: Float32Array): Order => {
  const price = (number: number): number | null => documents[number]?.price ?? null
  switch (sort) {
    case "relevance":
      return by((number) => -scores[number]! * business(documents[number]!))
    case "price":
      return by((number) => price(number) ?? Number.MAX_VALUE)
    case "-price":
      return by((number) => -(price(number) ?? -1))
    case "-sold":
      return by((number) => -documents[number]!.sold)
    case "title":
      return (a, b) => {
        const [left, right] = [documents[a]!.title, documents[b]!.title]
        return left < right ? -1 : left > right ? 1 : a - b
      }
  }
}

/** The first `max` in that order, without sorting the others: a heap whose top is the last of them so far. */
export const first = (found: ReadonlyArray<number>, max: number, order: Order): ReadonlyArray<number> => {
  const heap: Array<number> = []
  const sink = (from: number) => {
    let at = from
    while (true) {
      let last = at
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < heap.length && order(heap[child]!, heap[last]!) > 0) last = child
      if (last === at) return
      const moved = heap[at]!
      heap[at] = heap[last]!
      heap[last] = moved
      at = last
    }
  }
  for (const number of found) {
    if (heap.length < max) {
      heap.push(number)
      if (heap.length === max) for (let at = max >> 1; at >= 0; at--) sink(at)
    } else if (max > 0 && order(number, heap[0]!) < 0) {
      heap[0] = number
      sink(0)
    }
  }
  return heap.toSorted(order)
}
