import { assert, describe, it } from "@effect/vitest"
import { run } from "../src/Seed.ts"

const seeds = Array.from({ length: 40 }, (_, index) => index + 1)

describe("a simulated world", () => {
  it("is the same world for the same seed, whether or not it is traced", () => {
    const lines: Array<string> = []
    const traced = seeds.slice(0, 10).map((seed) => run(seed, (line) => lines.push(line)))
    assert.deepStrictEqual(
      traced,
      seeds.slice(0, 10).map((seed) => run(seed, null))
    )
    const again: Array<string> = []
    for (const seed of seeds.slice(0, 10)) run(seed, (line) => again.push(line))
    assert.deepStrictEqual(again, lines)
  })

  it("is another world for another seed", () => {
    assert.strictEqual(new Set(seeds.map((seed) => run(seed, null).hash)).size, seeds.length)
  })

  it("has faults of every kind, and no law is broken", () => {
    const worlds = seeds.map((seed) => run(seed, null))
    const sum = (of: (world: (typeof worlds)[number]) => number) =>
      worlds.reduce((total, world) => total + of(world), 0)
    assert.deepStrictEqual(
      worlds.flatMap(({ violations }) => violations),
      []
    )
    for (const count of ["crashes", "doubleOwners", "freezes", "drops", "duplicates", "orders"] as const) {
      assert.isAbove(
        sum((world) => world[count]),
        0,
        count
      )
    }
  })
})
