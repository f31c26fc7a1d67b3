import { assert, it } from "@effect/vitest"
import { type SaleLine, Charge, Coupon } from "../sale/Sale.ts"
import { Currency } from "@halles/shared/Money"
import { Schema } from "effect"
import { bill, type Priced, shopShipping } from "./CartTotals.ts"
import { lines } from "../../test/Carts.ts"

const shop = (lines: ReadonlyArray<SaleLine>, over: Partial<Priced> = {}): Priced => ({
  currency: "GBP",
  pricing: "shop",
  lines,
  charges: [],
  coupon: null,
  ...over
})

it.prop(
  "total = goods + charges + tax, in whole minor units, and never negative for a shop's cart",
  [lines, Schema.NullOr(Coupon), Currency],
  ([lines, coupon, currency]) => {
    const { charges, discount, totals } = bill(shop(lines, { coupon, currency }))
    assert.strictEqual(totals.total, totals.goods + totals.charges + totals.tax)
    assert.strictEqual(
      totals.charges,
      charges.reduce((sum, { amount }) => sum + amount, 0)
    )
    assert.isTrue(Object.values(totals).every(Number.isSafeInteger))
    assert.isTrue(totals.total >= 0 && totals.tax >= 0 && discount >= 0 && discount <= totals.goods)
    charges.forEach((charge) => assert.isTrue(Schema.is(Charge)(charge)))
  }
)

const price = (cart: Priced) => {
  const { discount, totals } = bill(cart)
  return totals.goods - discount + totals.tax
}
it.prop("a coupon never makes a cart dearer, before shipping", [lines, Coupon], ([lines, coupon]) => {
  assert.isTrue(price(shop(lines, { coupon })) <= price(shop(lines)))
})

it.prop("to agreed prices nothing is added", [lines], ([lines]) => {
  const agreed = lines.map((line) => ({ ...line, taxRate: 0 }))
  const { charges, totals } = bill(shop(agreed, { pricing: "agreed" }))
  assert.deepStrictEqual(charges, [])
  assert.strictEqual(totals.total, totals.goods)
})

const tea = { sku: "TEA", variant: "", title: "Tea", quantity: 1, unitPrice: 1_000, taxRate: 2_000 } as SaleLine

it("shipping is flat, free from the threshold after the discount, and nothing for an empty cart", () => {
  const shipping = (quantity: number, coupon: Coupon | null = null) =>
    bill(shop([{ ...tea, quantity }], { coupon })).charges.filter(({ kind }) => kind === "shipping")
  assert.deepStrictEqual(shipping(4), [{ code: "standard", kind: "shipping", amount: shopShipping.GBP.rate }])
  assert.deepStrictEqual(shipping(5), [])
  assert.lengthOf(shipping(5, { code: "TENTH", basisPoints: 1_000 }), 1)
  assert.deepStrictEqual(bill(shop([])).totals, { goods: 0, charges: 0, tax: 0, total: 0 })
})

it("tax is computed after the discount", () => {
  const { charges, discount, totals } = bill(
    shop([{ ...tea, quantity: 10 }], { coupon: { code: "HALF", basisPoints: 5_000 } })
  )
  assert.strictEqual(discount, 5_000)
  assert.deepStrictEqual(charges, [{ code: "HALF", kind: "discount", amount: -5_000 }])
  assert.deepStrictEqual(totals, { goods: 10_000, charges: -5_000, tax: 1_000, total: 6_000 })
})
