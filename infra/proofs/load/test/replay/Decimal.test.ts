import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Decimal from "../../src/replay/Decimal.ts"

const max = 1_000_000_000

describe("Decimal", () => {
  it.each([
    ["4.95", 495, true],
    ["0", 0, true],
    ["-11062.06", -1_106_206, true],
    ["0.1", 10, true],
    ["1e+05", 10_000_000, true],
    ["1.5e-1", 15, true],
    ["0.001", 0, false],
    ["0.005", 0, false],
    ["0.015", 2, false],
    ["0.025", 2, false],
    ["-0.015", -2, false],
    ["1.2550001", 126, false]
  ])("reads %s pounds as %i pence", (text, pence, exact) => {
    assert.deepStrictEqual(Decimal.pence(text, max), { pence, exact })
  })

  it.each(["", " ", "4,95", "four", "0x10", "1.", ".5", "1e999", "--1", "NaN", "Infinity", "9".repeat(400)])(
    "refuses %j",
    (text) => {
      assert.isUndefined(Decimal.pence(text, max))
      assert.isUndefined(Decimal.whole(text, max))
    }
  )

  it("refuses what is no whole number, or too large", () => {
    assert.isUndefined(Decimal.whole("1.5", 10))
    assert.isUndefined(Decimal.whole("11", 10))
    assert.isUndefined(Decimal.pence("0.11", 10))
    assert.strictEqual(Decimal.whole("-10", 10), -10)
  })

  it.prop(
    "a price written in pence is read back",
    [Schema.Int.check(Schema.isBetween({ minimum: -max, maximum: max }))],
    ([pence]) => {
      const digits = String(Math.abs(pence)).padStart(3, "0")
      const text = `${pence < 0 ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`
      assert.strictEqual((Decimal.pence(text, max)?.pence ?? Number.NaN) + 0, pence + 0)
    }
  )
})
