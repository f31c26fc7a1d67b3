import type { ProductDocument } from "./ProductDocument.ts"

/** How soon more of the same word adds little (BM25). */
const k1 = 2
/** How much more the word as it was typed counts than its other forms. */
export const asTyped = 1.5
/** How much more a title counts in which all words of the query stand side by side, in its order. */
export const together = 0.3

/** How much a word tells: the rarer, the more. */
export const inverseFrequency = (found: number, all: number): number =>
  Math.log(1 + (all - found + 0.5) / (found + 0.5))

/** What one word adds to a document, in which it counts `weight`. */
export const saturated = (weight: number): number => (weight * (k1 + 1)) / (weight + k1)

/** What is known of the goods, in the formula of `business`. */
const effects = { sold: 0.15, soldMax: 10_000, outOfStock: 0.7, margin: 0.1 }

/**
 * What a product's relevance is multiplied by: `(1 + 0.15 ln(1 + sold) / ln(10,001)) (1 + 0.1 margin)`, and by 0.7 if it
 * cannot be ordered. What is not known changes nothing.
 */
export const business = ({ available, margin, sold }: ProductDocument): number => {
  const sales = 1 + (effects.sold * Math.log1p(Math.min(sold, effects.soldMax))) / Math.log1p(effects.soldMax)
  const earned = 1 + effects.margin * Math.min(1, Math.max(0, margin ?? 0))
  return sales * earned * (available === false ? effects.outOfStock : 1)
}
