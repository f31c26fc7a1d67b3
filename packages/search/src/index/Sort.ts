import { Schema } from "effect"
import type { ProductDocument } from "./ProductDocument.ts"
import { business } from "./Ranking.ts"

/** In which order what was found is shown; `-` is downwards. */
export const Sort = Schema.Literals(["relevance", "price", "-price", "-sold", "title"])
export type Sort = typeof Sort.Type

/** What merchants say of the order by relevance, by number of document: what stands first, and in which order; what counts more or less. */
export interface Arranged {
  readonly places: ReadonlyMap<number, number>
  readonly factors: ReadonlyMap<number, number>
}

/** Before whatever is relevant. */
const pinned = Number.MIN_SAFE_INTEGER

/** What a document is sorted by, the least first; by title all are equal here. */
const keyOf = (
  sort: Sort,
  document: ProductDocument,
  score: number,
  number: number,
  { factors, places }: Arranged
): number => {
  switch (sort) {
    case "relevance": {
      const place = places.get(number)
      if (place !== undefined) return pinned + place
      return -score * business(document) * (factors.get(number) ?? 1)
    }
    case "price":
      return document.price ?? Number.MAX_VALUE
    case "-price":
      return -(document.price ?? -1)
    case "-sold":
      return -document.sold
    case "title":
      return 0
  }
}

/**
 * The first `max` of what was found, without sorting the others: a heap whose top is the last of them so far. Of equals those stand
 * first that came first, so that pages do not overlap.
 */
export const first = (
  found: ReadonlyArray<number>,
  documents: ReadonlyArray<ProductDocument | null>,
  /** `null` where all are as relevant. */
  scores: Float32Array | null,
  sort: Sort,
  max: number,
  arranged: Arranged
): ReadonlyArray<number> => {
  const keys = Float64Array.from(found, (number) =>
    keyOf(sort, documents[number]!, scores === null ? 1 : scores[number]!, number, arranged)
  )
  const titles = sort === "title" ? found.map((number) => documents[number]!.title) : null
  /** Of places in `found`. */
  const compare = (a: number, b: number): number => {
    if (titles !== null && titles[a] !== titles[b]) return titles[a]! < titles[b]! ? -1 : 1
    return keys[a]! - keys[b]! || found[a]! - found[b]!
  }
  const heap: Array<number> = []
  const sink = (from: number) => {
    let at = from
    while (true) {
      let last = at
      for (let child = 2 * at + 1; child <= 2 * at + 2 && child < heap.length; child++)
        if (compare(heap[child]!, heap[last]!) > 0) last = child
      if (last === at) return
      const moved = heap[at]!
      heap[at] = heap[last]!
      heap[last] = moved
      at = last
    }
  }
  for (let at = 0; at < found.length; at++) {
    if (heap.length < max) {
      heap.push(at)
      if (heap.length === max) for (let parent = max >> 1; parent >= 0; parent--) sink(parent)
    } else if (max > 0 && compare(at, heap[0]!) < 0) {
      heap[0] = at
      sink(0)
    }
  }
  return heap.toSorted(compare).map((at) => found[at]!)
}
