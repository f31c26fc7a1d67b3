import type { Badge, Target } from "@halles/entities/searchrule/SearchRule"

/** Words of a query, from one place to before another, for which any of the phrases stands too. */
export interface Expansion {
  readonly from: number
  readonly to: number
  readonly phrases: ReadonlyArray<ReadonlyArray<string>>
}

/** What the rules of merchants say of a query. */
export interface Applied {
  /** By id of the product, in the order in which they stand first. */
  readonly pins: ReadonlyMap<string, Badge | null>
  /** By id of the product: what its relevance is multiplied by. */
  readonly factors: ReadonlyMap<string, number>
  readonly redirect: Target | null
  /** Whether some of it is for this query, and not for all. */
  readonly isForQuery: boolean
  /** The synonyms of the words of a query, as the analyser has them. */
  readonly expand: (words: ReadonlyArray<string>) => ReadonlyArray<Expansion>
}

export const nothing: Applied = {
  pins: new Map(),
  factors: new Map(),
  redirect: null,
  isForQuery: false,
  expand: () => []
}
