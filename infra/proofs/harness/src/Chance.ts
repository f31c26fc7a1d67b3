import { Effect, Random } from "effect"

/** Draws from one stream of random numbers: the same seed and the same calls give the same draws. */
export interface Chance {
  /** A whole number, both ends included. */
  readonly between: (min: number, max: number) => number
  readonly pick: <A>(items: ReadonlyArray<A>) => A
  /** True in `share` of all cases. */
  readonly happens: (share: number) => boolean
  /** One of the names, as often as their weights say. */
  readonly weighted: <Name extends string>(weights: Readonly<Record<Name, number>>) => Name
  readonly shuffled: <A>(items: ReadonlyArray<A>) => ReadonlyArray<A>
}

/** Effect's own generator, seeded, for pure code. */
export const make = (seed: string): Chance => {
  const random = Effect.runSync(
    Random.withSeed(
      Effect.map(Random.Random, (service) => service),
      seed
    )
  )
  const next = () => random.nextDoubleUnsafe()
  const between = (min: number, max: number) => min + Math.min(max - min, Math.floor(next() * (max - min + 1)))
  const pick = <A>(items: ReadonlyArray<A>): A => items[between(0, items.length - 1)]!
  return {
    between,
    pick,
    happens: (share) => next() < share,
    weighted: <Name extends string>(weights: Readonly<Record<Name, number>>) => {
      const entries = Object.entries(weights) as unknown as ReadonlyArray<[Name, number]>
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
      for (const [name, weight] of entries) {
        left -= weight
        if (left < 0) return name
      }
      return entries.at(-1)![0]
    },
    shuffled: (items) =>
      items
        .map((item) => [next(), item] as const)
        .toSorted(([a], [b]) => a - b)
        .map(([, item]) => item)
  }
}
