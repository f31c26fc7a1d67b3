import { Schema } from "effect"
import type { ProductDocument } from "./ProductDocument.ts"
import { business } from "./Ranking.ts"

/** In which order what was found is shown; `-` is downwards. */
export const Sort = Schema.Literals(["relevance", "price", "-price", "-sold", "title"])
export type Sort = typeof Sort.Type

/** What a document is sorted by, the least first; by title all are equal here. */
const keyOf = (sort: Sort, document: ProductDocument, score: number): number => {
  switch (sort) {
    case "relevance":
      return -score * business(document)
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
  scores: Float32Array,
  sort: Sort,
  max: number
): ReadonlyArray<number> => {
  const keys = Float64Array.from(found, (number) => keyOf(sort, documents[number]!, scores[number]!))
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
