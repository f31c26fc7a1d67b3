import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as WindowCounts from "../src/signin/WindowCounts.ts"

const points = 3
const windowMs = 100
const Act = Schema.Struct({
  key: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })),
  act: Schema.Literals(["take", "take", "take", "take", "giveBack", "reset"]),
  afterMs: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 }))
})
const acts = Schema.Array(Act)

describe("tries within windows", () => {
  it.prop("with room for all keys are counted each for itself", [acts], ([list]) => {
    const counts = WindowCounts.make({ points, windowMs, keysMax: 10 })
    const expected = new Map<number, { count: number; endsAtMs: number }>()
    let nowMs = 0
    for (const { act, afterMs, key } of list) {
      nowMs += afterMs
      const known = expected.get(key)
      if (act === "reset") {
        counts.reset(String(key))
        expected.delete(key)
      } else if (act === "giveBack") {
        counts.giveBack(String(key))
        if (known !== undefined) known.count = Math.min(known.count, points + 1) - 1
        if (known?.count === 0) expected.delete(key)
      } else {
        const current = known !== undefined && known.endsAtMs > nowMs ? known : { count: 0, endsAtMs: nowMs + windowMs }
        current.count += 1
        expected.set(key, current)
        assert.deepStrictEqual(counts.take(String(key), nowMs), {
          allowed: current.count <= points,
          waitMs: current.endsAtMs - nowMs
        })
      }
    }
  })

  it.prop("of a key are in no window's time more than twice the points, however many keys come", [acts], ([list]) => {
    const counts = WindowCounts.make({ points, windowMs, keysMax: 2 })
    const allowed = new Map<number, Array<number>>()
    let nowMs = 0
    for (const { afterMs, key } of list) {
      nowMs += afterMs
      if (!counts.take(String(key), nowMs).allowed) continue
      const times = [...(allowed.get(key) ?? []), nowMs]
      allowed.set(key, times)
      assert.isAtMost(times.filter((at) => at > nowMs - windowMs).length, 2 * points)
    }
    // And nobody is shut out for longer than a window after the others have stopped.
    for (let key = 0; key < 10; key++) {
      assert.isTrue(counts.take(String(key), nowMs + (key + 1) * windowMs).allowed)
    }
  })

  it("of one key are not had anew by bringing others in between", () => {
    const keysMax = 1_000
    const counts = WindowCounts.make({ points, windowMs: 1_000_000, keysMax })
    let guesses = 0
    for (let round = 0; round < 20; round++) {
      if (counts.take("victim", round).allowed) guesses += 1
      for (let other = 0; other < 2 * keysMax; other++) counts.take(`${round} ${other}`, round)
    }
    assert.isAtMost(guesses, points)
  })
})
