import { assert, describe, it } from "@effect/vitest"
import { Effect, Random, Result } from "effect"
import * as fc from "fast-check"
import { keyspace, parse, weighted } from "../../src/workload/Keys.ts"
import { sampler } from "../../src/workload/Zipf.ts"

const randomOf = (seed: string) =>
  Effect.runSync(
    Random.withSeed(
      Effect.map(Random.Random, (service) => () => service.nextDoubleUnsafe()),
      seed
    )
  )

/** Pearson's statistic of draws against shares, over cells that expect at least five; with the degrees of freedom. */
const chiSquare = (counts: ReadonlyArray<number>, shares: ReadonlyArray<number>) => {
  const draws = counts.reduce((sum, count) => sum + count, 0)
  let statistic = 0
  let cells = 0
  let rest = { count: 0, expected: 0 }
  const add = (count: number, expected: number) => {
    statistic += (count - expected) ** 2 / expected
    cells += 1
  }
  counts.forEach((count, n) => {
    const expected = draws * shares[n]!
    if (expected >= 5) return add(count, expected)
    rest = { count: rest.count + count, expected: rest.expected + expected }
    if (rest.expected >= 5) {
      add(rest.count, rest.expected)
      rest = { count: 0, expected: 0 }
    }
  })
  return { statistic, freedom: cells - 1 }
}
/** The value that one fair sample in a thousand exceeds, by Wilson and Hilferty. */
const critical = (freedom: number) => freedom * (1 - 2 / (9 * freedom) + 3.09 * Math.sqrt(2 / (9 * freedom))) ** 3

const counted = (cells: number, draws: number, draw: () => number) => {
  const counts = Array.from({ length: cells }, () => 0)
  for (let n = 0; n < draws; n++) counts[draw()]! += 1
  return counts
}
const normalised = (weights: ReadonlyArray<number>) => {
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.map((weight) => weight / sum)
}
const fits = (counts: ReadonlyArray<number>, shares: ReadonlyArray<number>) => {
  const { freedom, statistic } = chiSquare(counts, shares)
  return statistic < critical(freedom)
}
const spaceOf = (text: string, options = { count: 300, run: "L1" }) =>
  Result.getOrThrow(keyspace(Result.getOrThrow(parse(text)), options))

describe("Keys", () => {
  for (const exponent of [0.5, 0.99, 1, 1.5, 3]) {
    it(`zipf:${exponent} draws ranks as often as its law says`, () => {
      const random = randomOf(`zipf ${exponent}`)
      const rank = sampler(1_000, exponent)
      const shares = normalised(Array.from({ length: 1_000 }, (_, n) => (n + 1) ** -exponent))
      const counts = counted(1_000, 200_000, () => rank(random) - 1)
      assert.isTrue(fits(counts, shares))
      // The same draws do not fit a law that is a little steeper.
      const steeper = normalised(Array.from({ length: 1_000 }, (_, n) => (n + 1) ** -(exponent + 0.05)))
      assert.isFalse(fits(counts, steeper))
    })
  }

  it("uniform draws all keys alike, and lays them over the regions in turn", () => {
    const random = randomOf("uniform")
    const { draw, keys } = spaceOf("uniform")
    const counts = counted(300, 100_000, () => draw(random))
    assert.isTrue(
      fits(
        counts,
        keys.map(() => 1 / 300)
      )
    )
    assert.deepStrictEqual(
      keys.slice(0, 4).map(({ region }) => region),
      ["eu", "am", "ap", "eu"]
    )
  })

  it("region: draws regions by weight and keys within a region alike", () => {
    const random = randomOf("region")
    const { draw, keys } = spaceOf("region:eu=70,am=20,ap=10")
    const shares = { eu: 0.7, am: 0.2, ap: 0.1 }
    const counts = counted(keys.length, 100_000, () => draw(random))
    assert.isTrue(
      fits(
        counts,
        keys.map(({ region }) => shares[region] / 100)
      )
    )
  })

  it("a file's weights are followed", () => {
    const random = randomOf("file")
    const lines = "# hot ones\neu_A 8\nam_B\nap_C 1\n"
    const { draw, keys } = Result.getOrThrow(keyspace({ _tag: "File", path: "keys" }, { count: 1, run: "L1", lines }))
    assert.deepStrictEqual(keys[0], { region: "eu", name: "A" })
    assert.isTrue(
      fits(
        counted(3, 20_000, () => draw(random)),
        [0.8, 0.1, 0.1]
      )
    )
  })

  it("a weighted draw is an index that has a weight, whatever the weights", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 50 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (weights, value) => {
          fc.pre(weights.some((weight) => weight > 0))
          assert.isAbove(weights[weighted(weights)(() => value)] ?? 0, 0)
        }
      )
    )
  })

  it("what is no distribution is refused with what is", () => {
    for (const text of [
      "",
      "zipf:0",
      "zipf:x",
      "hot:0",
      "flash:",
      "flash:a b",
      "region:xx=1",
      "region:eu=0",
      "file:"
    ]) {
      assert.isTrue(Result.isFailure(parse(text)), text)
    }
  })
})
