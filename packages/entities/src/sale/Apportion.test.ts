import { assert, describe, it } from "@effect/vitest"
import { Amount } from "@halles/shared/Money"
import { Arbitrary, Schema } from "effect"
import type { Charge, Coupon } from "./Sale.ts"
import { bill } from "../cart/CartTotals.ts"
import { apportion, type Bought, paidUpTo, spread } from "./Apportion.ts"
import { lines } from "../../test/Carts.ts"

const upTo = (maximum: number, minimum = 0) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const Weights = Schema.Array(upTo(2 ** 40))

it.prop("shares add up to the amount, and none exceeds its weight", [Weights, upTo(10_000)], ([weights, part]) => {
  const sum = weights.reduce((sum, weight) => sum + weight, 0)
  const amount = Math.floor((sum / 10_000) * part)
  const shares = spread(amount, weights)
  assert.strictEqual(
    shares.reduce((sum, share) => sum + share, 0),
    amount
  )
  shares.forEach((share, index) => assert.isTrue(share >= 0 && share <= weights[index]!))
})

it.prop("a share is within one minor unit of the exact one", [Weights, Amount], ([weights, amount]) => {
  const sum = weights.reduce((sum, weight) => sum + BigInt(weight), 0n)
  if (sum === 0n) return
  spread(amount, weights).forEach((share, index) => {
    const error = BigInt(share) * sum - BigInt(amount) * BigInt(weights[index]!)
    assert.isTrue(error > -sum && error < sum)
  })
})

const sum = (amounts: ReadonlyArray<number>) => amounts.reduce((sum, amount) => sum + amount, 0)

/** Whatever a cart can be billed: a coupon, or charges of any kind that leave something to pay. */
const bought: Arbitrary.Arbitrary<Bought> = Arbitrary.map(
  Arbitrary.all({
    lines,
    coupon: Arbitrary.schema(upTo(10_000)),
    isAgreed: Arbitrary.schema(Schema.Boolean),
    off: Arbitrary.schema(upTo(10_000)),
    shipping: Arbitrary.schema(upTo(2_000)),
    fee: Arbitrary.schema(upTo(300))
  }),
  ({ coupon, fee, isAgreed, lines, off, shipping }): Bought => {
    const priced = { currency: "GBP", pricing: isAgreed ? "agreed" : "shop", lines, charges: [] } as const
    const code: Coupon | null = isAgreed || coupon === 0 ? null : { code: "OFF", basisPoints: coupon }
    if (!isAgreed) return { lines, ...bill({ ...priced, coupon: code }) }
    const added: ReadonlyArray<Charge> = [
      { code: "post", kind: "shipping", amount: shipping },
      { code: "wrap", kind: "fee", amount: fee }
    ]
    const { total } = apportion({ lines, charges: added, discount: 0 })
    const rebate = Math.floor((total / 10_000) * off)
    return { lines, charges: [...added, { code: "deal", kind: "discount", amount: 0 - rebate }], discount: 0 }
  }
)

const rebated = (amounts: ReadonlyArray<number>, rebate: number, post = 0) =>
  apportion({
    lines: amounts.map((unitPrice) => ({ unitPrice, quantity: 1, taxRate: 0 })),
    charges: [
      { code: "deal", kind: "discount", amount: -rebate },
      { code: "post", kind: "shipping", amount: post }
    ],
    discount: 0
  })
const paid = ({ lines }: ReturnType<typeof apportion>) => lines.map(({ paid }) => paid)

describe("apportion", () => {
  it.prop("says of each minor unit what it was paid for", [bought], ([sale]) => {
    const { lines, outbound, tax, total } = apportion(sale)
    assert.strictEqual(sum(lines.map(({ paid }) => paid)) + outbound, total)
    assert.strictEqual(
      sum(lines.map(({ goods }) => goods)) + sum(sale.charges.map(({ amount }) => amount)) + tax,
      total
    )
    assert.isAtLeast(outbound, 0)
    for (const { coupon, goods, paid, rebate, tax } of lines) {
      assert.isTrue([coupon, goods, paid, rebate, tax].every((amount) => Number.isSafeInteger(amount) && amount >= 0))
      assert.strictEqual(paid, goods - coupon + tax - rebate)
      assert.isAtMost(coupon, goods)
    }
  })

  it.prop(
    "a line that costs nothing bears nothing, and lines that cost the same bear the same, to one unit",
    [bought],
    ([sale]) => {
      const { lines } = apportion(sale)
      for (const [index, one] of lines.entries()) {
        if (one.goods === 0) assert.deepStrictEqual([one.coupon, one.rebate, one.paid], [0, 0, 0])
        for (const [other, two] of lines.entries()) {
          if (other <= index || one.goods - one.coupon + one.tax !== two.goods - two.coupon + two.tax) continue
          assert.isAtMost(Math.abs(one.rebate - two.rebate), 1)
        }
      }
    }
  )

  it.prop(
    "units of a line add up to the line in whatever order they are counted",
    [Amount, upTo(5_000, 1)],
    ([paid, quantity]) => {
      let before = 0
      for (let units = 1; units <= quantity; units += Math.ceil(quantity / 40)) {
        const now = paidUpTo(paid, units, quantity)
        assert.isAtLeast(now, before)
        before = now
      }
      assert.strictEqual(paidUpTo(paid, quantity, quantity), paid)
    }
  )

  it("shares a rebate in proportion to what the lines cost", () => {
    assert.deepStrictEqual(paid(rebated([1_000, 1_000], 1_200)), [400, 400])
    assert.deepStrictEqual(paid(rebated([1_000, 500], 300)), [800, 400])
    assert.deepStrictEqual(paid(rebated([1, 1, 1], 2)), [0, 0, 1])
    assert.deepStrictEqual(paid(rebated([1_000, 0], 999)), [1, 0])
  })

  it("takes what a rebate leaves beyond all lines off shipping and fees", () => {
    const sale = rebated([300, 200], 600, 395)
    assert.deepStrictEqual([paid(sale), sale.outbound, sale.total], [[0, 0], 295, 295])
  })

  it("leaves the tax as it is when a rebate comes off what is paid", () => {
    const sale = apportion({
      lines: [{ unitPrice: 1_000, quantity: 2, taxRate: 2_000 }],
      charges: [{ code: "deal", kind: "discount", amount: -400 }],
      discount: 0
    })
    assert.deepStrictEqual(sale.lines, [{ goods: 2_000, coupon: 0, tax: 400, rebate: 400, paid: 2_000 }])
  })
})
