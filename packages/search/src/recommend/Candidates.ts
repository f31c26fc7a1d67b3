import type { Recommend } from "../contract/SearchMessages.ts"
import type { BasketModel } from "./BasketModel.ts"

/** Recommendations that are looked through for those on sale. */
export const candidatesMax = 200
/** Of what somebody has seen, so many articles say what they look for: the last ones. */
export const seenMax = 10
/** How soon places in a list stop to matter, in reciprocal rank fusion. */
const k = 60
/** How much less an article says than the one that was seen after it. */
const fading = 0.8

/** An article that may be recommended, as `RecommendAnswer` has it. */
export type Candidate = readonly [sku: string, because: string | null, orders: number | null]

/** Articles that are like one, the likest first. */
type Similar = (sku: string, max: number) => ReadonlyArray<string>

/**
 * What is like the articles that somebody has seen, or was bought with them, and not among them. Each of them gives a list of what is like it
 * and one of what is bought with it; the lists become one by reciprocal rank fusion (Cormack and others, 2009), the last article seen first.
 */
const afterSeen = (seen: ReadonlyArray<string>, model: BasketModel, similar: Similar): ReadonlyArray<Candidate> => {
  const all = new Set(seen)
  const sums = new Map<string, { score: number; best: number; because: string; orders: number | null }>()
  const add = (sku: string, because: string, orders: number | null, score: number) => {
    if (all.has(sku)) return
    const sum = sums.get(sku) ?? { score: 0, best: 0, because, orders: null }
    sum.score += score
    sum.orders ??= because === sum.because ? orders : null
    if (score > sum.best) Object.assign(sum, { best: score, because, orders })
    sums.set(sku, sum)
  }
  for (const [age, sku] of [...all].slice(0, seenMax).entries()) {
    const weight = fading ** age
    for (const [place, { item, together }] of model.for([sku], candidatesMax).entries())
      add(item, sku, together, weight / (k + place))
    for (const [place, like] of similar(sku, candidatesMax).entries()) add(like, sku, null, weight / (k + place))
  }
  return [...sums]
    .toSorted(([, a], [, b]) => b.score - a.score)
    .map(([sku, { because, orders }]) => [sku, because, orders])
}

/** What may be recommended, the best first; some of it may not be on sale. */
export const candidatesOf = (
  { kind, skus }: Recommend,
  model: BasketModel,
  similar: Similar
): ReadonlyArray<Candidate> => {
  switch (kind) {
    case "together":
      return model.for(skus, candidatesMax).map(({ because, item, together }) => [item, because, together])
    case "popular":
      return model.popular.map(([item, orders]) => [item, null, orders])
    case "alternatives": {
      const [of] = skus
      return of === undefined ? [] : similar(of, candidatesMax).map((sku) => [sku, of, null])
    }
    case "seen":
      return afterSeen(skus, model, similar)
  }
}
