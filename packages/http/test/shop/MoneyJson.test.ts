import { assert, describe, it } from "@effect/vitest"
import { Currency } from "@halles/shared/Money"
import { Exit, Schema } from "effect"
import { Money, money, Price } from "@halles/shared/wire/MoneyJson"

const decode = Schema.decodeUnknownExit(Money)

describe("MoneyJson", () => {
  it.prop("what is written is read as it was", [Schema.Int, Currency], ([amount, currency]) => {
    const written = money(amount, currency)
    assert.deepStrictEqual(Schema.decodeUnknownSync(Money)(written), { amount: amount === 0 ? 0 : amount, currency })
    assert.deepStrictEqual(Schema.encodeUnknownSync(Money)({ amount, currency }), written)
  })

  it("takes whole digits and nothing else", () => {
    for (const amount of [1995, "19.95", "1e3", "+5", "-0", "007", "", " 5", "0x10", "9007199254740993", "NaN", null]) {
      assert.isTrue(Exit.isFailure(decode({ amount, currency: "GBP" })), String(amount))
    }
    assert.isTrue(Exit.isFailure(decode({ amount: "5", currency: "XXX" })))
    assert.isTrue(Exit.isFailure(Schema.decodeUnknownExit(Price)({ amount: "-5", currency: "GBP" })))
  })
})
