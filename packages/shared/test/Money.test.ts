import { assert, it } from "@effect/vitest"
import { Amount, minorUnitDigits, Currency, portion } from "../src/Money.ts"
import { Schema } from "effect"

const BasisPoints = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 }))

it.prop("a portion is within half a minor unit of the exact value", [Amount, BasisPoints], ([amount, basisPoints]) => {
  const error = BigInt(portion(amount, basisPoints)) * 10_000n - BigInt(amount) * BigInt(basisPoints)
  assert.isTrue(error >= -5_000n && error <= 5_000n, `${amount} at ${basisPoints}: off by ${error} / 10,000`)
})

it.prop("a portion of nothing is nothing, of all is all", [Amount], ([amount]) => {
  assert.strictEqual(portion(amount, 0), 0)
  assert.strictEqual(portion(amount, 10_000), amount)
})

it("a half goes to the even neighbour, so that many of them do not drift", () => {
  assert.deepStrictEqual(
    [1, 3, 5, 7].map((amount) => portion(amount, 5_000)),
    [0, 2, 2, 4]
  )
  assert.strictEqual(portion(1_995, 2_000), 399)
})

it("every currency has its number of digits", () => {
  assert.deepStrictEqual(Object.keys(minorUnitDigits).toSorted(), [...Currency.literals].toSorted())
})
