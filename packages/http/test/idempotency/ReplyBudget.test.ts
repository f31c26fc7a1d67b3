import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as ReplyBudget from "../../src/idempotency/ReplyBudget.ts"

const nobody = (address: string) => ({ principal: { kind: "anonymous", subject: "anonymous" }, address }) as const
const account = (subject: string) => ({ principal: { kind: "customer", subject }, address: "203.0.113.1" }) as const
const partner = (subject: string) => ({ principal: { kind: "partner", subject }, address: "203.0.113.1" }) as const
const kib = 1_024

describe("what is kept of answers", () => {
  it("is so much a sender, so that whoever asks much pushes out nothing of others", () => {
    const budget = ReplyBudget.make(() => 0)
    let kept = 0
    while (budget.bytes(nobody("203.0.113.1"), 16 * kib)) kept += 16 * kib
    assert.strictEqual(kept, 8 * kib * kib)
    // One subscriber has a whole /64.
    while (budget.bytes(nobody("2001:db8::1"), 16 * kib)) kept += 16 * kib
    assert.isFalse(budget.bytes(nobody("2001:db8::ffff:1"), 16 * kib))
    assert.isTrue(budget.bytes(account("a"), 16 * kib))
    assert.isTrue(budget.bytes(partner("b"), 16 * kib))
  })

  it("is so much of all who have no name, from however many addresses, and leaves the others theirs", () => {
    const budget = ReplyBudget.make(() => 0)
    let kept = 0
    for (let index = 0; index < 60_000; index++) {
      if (budget.bytes(nobody(`2001:db8:${(index >> 8).toString(16)}:${(index & 255).toString(16)}::1`), 16 * kib))
        kept += 16
    }
    assert.strictEqual(kept, 65_536)
    assert.isTrue(budget.bytes(account("a"), 16 * kib))
    let places = 0
    for (let index = 0; index < 300_000; index++)
      if (budget.place(nobody(`198.51.${index >> 8}.${index & 255}`))) places++
    assert.strictEqual(places, 200_000)
    assert.isTrue(budget.place(partner("b")))
  })

  it("comes back with time, and in no day is more than twice the budget there", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ hours: fc.integer({ min: 0, max: 12 }), size: fc.integer({ min: 64, max: 512 }) }), {
          maxLength: 60
        }),
        (asked) => {
          let now = 0
          const budget = ReplyBudget.make(() => now)
          const granted: Array<readonly [number, number]> = []
          for (const { hours, size } of asked) {
            now += hours * 3_600_000
            for (let times = 0; times < 30; times++)
              if (budget.bytes(account("a"), size * kib)) granted.push([now, size])
          }
          for (const [at] of granted) {
            const there = granted.filter(([when]) => when > at - 24 * 3_600_000 && when <= at)
            assert.isAtMost(
              there.reduce((sum, [, size]) => sum + size, 0),
              2 * 8_192
            )
          }
        }
      ),
      { numRuns: 30 }
    )
  })
})
