import { assert, it } from "@effect/vitest"
import { Gaps, patienceMs } from "@halles/search/process/Gaps"

it("a gap that is never filled is asked for seldom after a while, told once, and holds up nothing", () => {
  const gaps = new Gaps()
  gaps.note("eu_A", 3, 0)
  gaps.note("eu_A", 5, 10)
  assert.deepStrictEqual(gaps.due(0, 10), ["eu_A"])
  assert.deepStrictEqual(gaps.due(50, 10), [])
  assert.deepStrictEqual(gaps.due(100, 10), ["eu_A"])
  assert.isTrue(gaps.isWaiting(patienceMs - 1))
  assert.deepStrictEqual(gaps.givenUp(patienceMs - 1), [])
  assert.isFalse(gaps.isWaiting(patienceMs))
  assert.deepStrictEqual(gaps.givenUp(patienceMs), ["eu_A"])
  assert.deepStrictEqual(gaps.givenUp(patienceMs), [])
  gaps.due(patienceMs, 10)
  assert.isAbove(gaps.dueInMs(patienceMs) ?? 0, 10_000)
  // A younger one is waited for all the same.
  gaps.note("eu_B", 2, patienceMs)
  assert.isTrue(gaps.isWaiting(patienceMs))
  assert.strictEqual(gaps.dueInMs(patienceMs), 0)
  gaps.fill("eu_B", 2)
  gaps.fill("eu_A", 4)
  assert.deepStrictEqual(gaps.entries(), [["eu_A", 5]])
  gaps.fill("eu_A", 5)
  assert.isNull(gaps.dueInMs(0))
})
