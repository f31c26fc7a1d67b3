import { assert, it } from "@effect/vitest"
import * as fc from "fast-check"
import { balance, type Move, type Places, rescue } from "@halles/engine/placement/PlacementPlan"

const names = ["eu-1", "eu-2", "eu-3", "eu-4", "eu-5"]
const places = fc
  .array(fc.option(fc.constantFrom(...names), { nil: null }), { minLength: 1, maxLength: 64 })
  .map((runners): Places => new Map(runners.map((runner, index) => [index + 1, runner])))
const some = fc.subarray(names, { minLength: 1 })

const after = (before: Places, moves: ReadonlyArray<Move>): Places =>
  new Map([...before, ...moves.map(({ shard, to }) => [shard, to] as const)])
const loads = (placed: Places, runners: ReadonlyArray<string>) =>
  runners.map((runner) => [...placed.values()].filter((owner) => owner === runner).length)

it("a balanced region has every shard on an eligible runner, and no two differ by more than one", () =>
  fc.assert(
    fc.property(places, some, (before, eligible) => {
      const balanced = after(before, balance(before, eligible))
      assert.isTrue([...balanced.values()].every((runner) => runner !== null && eligible.includes(runner)))
      const shares = loads(balanced, eligible)
      assert.isAtMost(Math.max(...shares) - Math.min(...shares), 1)
      assert.deepStrictEqual(balance(balanced, eligible), [], "nothing is left to move")
    })
  ))

it("a plan moves no shard that could stay", () =>
  fc.assert(
    fc.property(places, some, (before, eligible) => {
      const moves = balance(before, eligible)
      assert.strictEqual(new Set(moves.map(({ shard }) => shard)).size, moves.length)
      for (const { from, shard } of moves) assert.strictEqual(from, before.get(shard) ?? null)
      // At least what is homeless, and what is above the larger share, must move.
      const homeless = [...before.values()].filter((runner) => runner === null || !eligible.includes(runner)).length
      const share = Math.floor(before.size / eligible.length)
      const odd = before.size % eligible.length
      const shares = loads(before, eligible).toSorted((a, b) => b - a)
      const surplus = shares.reduce((sum, load, rank) => sum + Math.max(0, load - share - (rank < odd ? 1 : 0)), 0)
      assert.strictEqual(moves.length, homeless + surplus)
    })
  ))

const pinned = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 64 }), fc.constantFrom(...names)), { maxLength: 20 })
  .map((pins) => new Map(pins))

it("what an operator gave to a runner goes there and stays there, and the rest is spread as evenly as that allows", () =>
  fc.assert(
    fc.property(places, some, pinned, (before, eligible, pins) => {
      const balanced = after(before, balance(before, eligible, pins))
      const held = [...pins].filter(([shard, runner]) => before.has(shard) && eligible.includes(runner))
      for (const [shard, runner] of held) assert.strictEqual(balanced.get(shard), runner)
      assert.deepStrictEqual(balance(balanced, eligible, pins), [], "nothing is left to move")
      const shares = loads(balanced, eligible)
      const least = Math.min(...shares)
      // Whoever has more than one above the least has nothing but what was given to it.
      for (const [index, runner] of eligible.entries()) {
        const given = held.filter(([, to]) => to === runner).length
        assert.isTrue(shares[index]! <= Math.max(given, least + 1), `${runner} has ${shares[index]}`)
      }
    })
  ))

it("who dies is replaced by those who have least, and nobody else's shards move", () =>
  fc.assert(
    fc.property(places, some, some, (before, gone, eligible) => {
      const targets = eligible.filter((runner) => !gone.includes(runner))
      const moves = rescue(before, gone, targets)
      for (const { from, to } of moves) {
        assert.isTrue(from === null || gone.includes(from))
        assert.isTrue(targets.includes(to))
      }
      const rescued = after(before, moves)
      if (targets.length > 0)
        assert.isTrue([...rescued.values()].every((runner) => runner !== null && !gone.includes(runner)))
    })
  ))
