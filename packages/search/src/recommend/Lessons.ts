/** Items of a basket that are learnt from: what wholesalers order says little of what goes with what. */
export const basketItemsMax = 300
/** Other items that may speak for one. */
const neighboursMax = 50
/** How strongly what is seen seldom is distrusted. */
const ridge = 2

/** What one item says of another one: how much, and how many baskets had both. Items are places in `names`. */
interface Learnt {
  readonly item: number
  readonly weight: number
  readonly together: number
}

/** What baskets taught, as it passes between threads. */
export interface Lessons {
  readonly names: ReadonlyArray<string>
  /** Baskets that each item is in. */
  readonly counts: ReadonlyArray<number>
  /** What each item says of others. */
  readonly speaks: ReadonlyArray<ReadonlyArray<Learnt>>
  readonly baskets: number
}

/**
 * Each item is foretold from its nearest neighbours: a ridge regression of the item on those items that share most baskets with it
 * (SLIM, Ning and Karypis 2011, in the closed form of EASE, Steck 2019, over 50 neighbours, so that its time grows with the
 * items instead of their third power). A basket of n items counts as n^-1/2.
 */
export const learn = (all: ReadonlyArray<ReadonlyArray<string>>): Lessons => {
  const numbers = new Map<string, number>()
  const names: Array<string> = []
  const number = (item: string): number => {
    const known = numbers.get(item)
    if (known !== undefined) return known
    numbers.set(item, names.length)
    return names.push(item) - 1
  }
  const baskets = all.map((basket) => Int32Array.from([...new Set(basket)].slice(0, basketItemsMax), number))
  const ofItem: Array<Array<number>> = names.map(() => [])
  for (const [at, basket] of baskets.entries()) for (const item of basket) ofItem[item]!.push(at)
  const rows = ofItem.map((own) => shared(own, baskets, names.length))
  const speaks: Array<Array<Learnt>> = names.map(() => [])
  const room = new Float64Array(names.length)
  for (const item of names.keys()) {
    const near = neighbours(item, rows)
    const weights = regress(item, near, rows, room)
    for (const [at, { item: other, together }] of near.entries())
      speaks[other]!.push({ item, weight: weights[at]!, together })
  }
  return { names, counts: ofItem.map(({ length }) => length), speaks, baskets: baskets.length }
}

/** What the baskets of one item have: other items with the sum of the baskets' weights, and how many they are. */
interface Row {
  readonly items: Int32Array
  readonly weights: Float64Array
  readonly counts: Int32Array
  readonly own: number
}

const shared = (own: ReadonlyArray<number>, baskets: ReadonlyArray<Int32Array>, size: number): Row => {
  const weights = new Float64Array(size)
  const counts = new Int32Array(size)
  const touched: Array<number> = []
  for (const at of own) {
    const basket = baskets[at]!
    const weight = 1 / Math.sqrt(basket.length)
    for (const item of basket) {
      if (counts[item] === 0) touched.push(item)
      counts[item]! += 1
      weights[item]! += weight
    }
  }
  return {
    items: Int32Array.from(touched),
    weights: Float64Array.from(touched, (item) => weights[item]!),
    counts: Int32Array.from(touched, (item) => counts[item]!),
    own: own.reduce((sum, at) => sum + 1 / Math.sqrt(baskets[at]!.length), 0)
  }
}

/** The items that are most like one, by the cosine of their baskets. */
const neighbours = (item: number, rows: ReadonlyArray<Row>): ReadonlyArray<Learnt> => {
  const { counts, items, own, weights } = rows[item]!
  const all: Array<Learnt> = []
  for (const [at, other] of items.entries())
    if (other !== item)
      all.push({ item: other, weight: weights[at]! / Math.sqrt(own * rows[other]!.own), together: counts[at]! })
  return all.toSorted((a, b) => b.weight - a.weight).slice(0, neighboursMax)
}

/** How much each neighbour says of the item: solves (G + ridge I) w = g by Cholesky's method. */
const regress = (
  item: number,
  near: ReadonlyArray<Learnt>,
  rows: ReadonlyArray<Row>,
  room: Float64Array
): Float64Array => {
  const size = near.length
  const matrix = new Float64Array(size * size)
  const right = new Float64Array(size)
  for (const [i, { item: one }] of near.entries()) {
    const { items, weights } = rows[one]!
    for (const [at, other] of items.entries()) room[other] = weights[at]!
    for (const [j, { item: other }] of near.entries()) matrix[i * size + j] = room[other]! + (i === j ? ridge : 0)
    right[i] = room[item]!
    for (const other of items) room[other] = 0
  }
  for (let i = 0; i < size; i++)
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * size + j]!
      for (let k = 0; k < j; k++) sum -= matrix[i * size + k]! * matrix[j * size + k]!
      matrix[i * size + j] = i === j ? Math.sqrt(sum) : sum / matrix[j * size + j]!
    }
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) right[i]! -= matrix[i * size + k]! * right[k]!
    right[i]! /= matrix[i * size + i]!
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) right[i]! -= matrix[k * size + i]! * right[k]!
    right[i]! /= matrix[i * size + i]!
  }
  return right
}
