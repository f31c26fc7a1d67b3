import { assert, describe, it } from "@effect/vitest"
import { CartId, checkoutsMax, CustomerId, OrderId } from "@halles/shared/Ids"
import { Result } from "effect"
import { AddLine, ApplyCoupon, HandOver, Merge, type Prices, PutCharge, PutLine, RemoveLine, Reopen } from "./Cart.ts"
import { amountMax, type Coupon, linesMax, unitsMax } from "../sale/Sale.ts"
import * as CartLines from "./CartLines.ts"
import * as CartState from "./CartState.ts"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import * as Carts from "../../test/Carts.ts"

const shop = Carts.after(CartState.initial, Carts.open("shop"))
const agreed = Carts.after(CartState.initial, Carts.open("agreed"))
const { absorb, commandId, handOver, linesOf, tea } = Carts
const price = { amount: 250, currency: "GBP", taxRate: 2_000 } as const
const prices: typeof Prices.Type = { [tea]: price }
const listing = { title: "Tea", price }
const put = (quantity: number, over: Partial<PutLine> = {}) =>
  new PutLine({ commandId: commandId(), sku: tea, variant: "", quantity, listing, ...over })
const add = (quantity: number, over: Partial<AddLine> = {}) =>
  new AddLine({ commandId: commandId(), sku: tea, variant: "", quantity, listing, ...over })
const at = (agreedPrice: number) => ({ commandId: commandId(), sku: tea, variant: "", quantity: 1, agreedPrice })
const from = CartId.make("eu_b")

const agreedTo = (amount: number) => ({ expectedTotal: { amount, currency: "GBP" as const } })
const bringing = (coupon: Coupon | null, customerId: CustomerId | null = null) =>
  new CartState.AbsorbLines({ commandId: commandId(), attempt: 1, lines: [], charges: [], coupon, customerId })

const decided = (state: CartState.State, command: CartState.Command, now = 0) =>
  Result.getOrThrow(CartState.decide(state, command, now))
const refused = (state: CartState.State, command: CartState.Command, now = 0) =>
  Result.getOrThrow(Result.flip(CartState.decide(state, command, now)))
const charge = (kind: "discount" | "fee", amount: number) =>
  new PutCharge({ commandId: commandId(), charge: { code: "x", kind, amount } })
/** Why a cart gives nothing up; `null` when it does. */
const reason = (state: CartState.State, over: Partial<HandOver> = {}) => {
  const [event] = decided(state, new HandOver({ ...handOver, ...over }))
  return event?._tag === "HandOverRefused" ? event.reason : null
}
const all = (...commands: ReadonlyArray<CartState.Command>) =>
  commands.reduce((state, one) => Carts.after(state, one), shop)

describe("opening and changing", () => {
  it("an id is opened once", () => assert.strictEqual(refused(shop, Carts.open())._tag, "AlreadyExists"))

  it("what was never opened is not found", () => {
    assert.strictEqual(refused(CartState.initial, put(1))._tag, "NotFound")
    assert.strictEqual(CartState.view("eu_a", CartState.initial, 0), null)
  })

  it("lines keep the order in which they came", () => {
    const state = Carts.skus.reduce((state, sku) => Carts.after(state, put(1, { sku })), shop)
    assert.deepStrictEqual(
      linesOf(Carts.after(state, put(5, { sku: Carts.skus[1]! }))).map(({ sku }) => sku),
      [...Carts.skus]
    )
  })

  it("a shop's line needs a listing in the cart's currency and no price of the caller's", () => {
    const { listing: _, ...unlisted } = put(1)
    const euros = { title: "Tea", price: { ...price, currency: "EUR" as const } }
    assert.strictEqual(refused(shop, new PutLine(unlisted))._tag, "NotSold")
    assert.strictEqual(refused(shop, put(1, { listing: euros }))._tag, "NotSold")
    assert.strictEqual(refused(shop, put(1, { agreedPrice: 1 }))._tag, "PricingMismatch")
    assert.strictEqual(refused(shop, put(1, { agreedPrice: 0 }))._tag, "PricingMismatch")
  })

  it("an agreed line needs its price, bears no tax, and one line has one price", () => {
    assert.strictEqual(refused(agreed, put(1))._tag, "PricingMismatch")
    const state = Carts.after(agreed, new PutLine(at(100)))
    assert.deepStrictEqual(linesOf(state), [
      { sku: tea, variant: "", title: tea, quantity: 1, unitPrice: 100, taxRate: 0 }
    ])
    assert.strictEqual(refused(state, new AddLine(at(101)))._tag, "PricingMismatch")
    assert.strictEqual(linesOf(Carts.after(state, new AddLine(at(100))))[0]?.quantity, 2)
    assert.strictEqual(linesOf(Carts.after(state, new PutLine(at(101))))[0]?.unitPrice, 101)
  })

  it("charges are for agreed prices, discounts below zero, others above; 0 takes one away", () => {
    assert.strictEqual(refused(shop, charge("fee", 1))._tag, "PricingMismatch")
    assert.strictEqual(refused(agreed, charge("fee", -1))._tag, "PricingMismatch")
    assert.strictEqual(refused(agreed, charge("discount", 1))._tag, "PricingMismatch")
    assert.deepStrictEqual(decided(agreed, charge("fee", 0)), [])
    assert.deepStrictEqual(decided(agreed, charge("discount", -0)), [])
    const state = Carts.after(agreed, charge("fee", 5))
    assert.deepStrictEqual(Carts.after(state, charge("fee", 0)), agreed)
  })

  it("bounds are kept", () => {
    const full = Array.from({ length: linesMax }).reduce<CartState.State>(
      (state, _, index) => Carts.after(state, put(1, { variant: `v${index}` })),
      shop
    )
    assert.deepInclude(refused(full, put(1)), { bound: "lines", max: linesMax })
    assert.deepStrictEqual(decided(full, put(1, { variant: "v0" })), [])
    const units = Carts.after(shop, put(unitsMax, { variant: "a" }))
    assert.deepInclude(refused(units, add(1)), { bound: "units", max: unitsMax })
    const dear = { title: "Tea", price: { ...price, amount: Number.MAX_SAFE_INTEGER } }
    assert.deepInclude(refused(shop, put(unitsMax, { listing: dear })), { bound: "goods", max: amountMax })
  })

  it("a cart expires at the end of the day on which it was idle for 30 days, and not before", () => {
    const due = CartState.dueAt(shop)!
    const timerFired = new TimerFired({ commandId: commandId() })
    assert.strictEqual(due, CartState.idleMaxMs)
    assert.deepStrictEqual(decided(shop, timerFired, due - 1), [])
    const expired = Carts.after(shop, timerFired, due)
    assert.strictEqual(expired._tag, "Expired")
    assert.strictEqual(CartState.dueAt(expired), null)
    assert.deepInclude(refused(expired, put(1)), { status: "expired" })
    assert.strictEqual(CartState.dueAt(Carts.after(shop, put(1), 1)), CartState.idleMaxMs + 86_400_000)
  })
})

describe("checking out", () => {
  const dearer = { [tea]: { ...price, amount: 1_000 } }
  const cheaper = { [tea]: { ...price, amount: 200 } }
  /** 4 × 250, 395 shipping, 20 % tax. */
  const four = Carts.after(shop, put(4))
  const displayed = 1_595

  it("takes the prices of now, and placing the order is pending until that is done", () => {
    const state = Carts.after(four, Carts.checkOut({ prices: dearer, ...agreedTo(5_195) }), 7)
    assert.deepInclude(CartState.next(state), { key: "place:1", _tag: "PlaceOrder", attempt: 1 })
    assert.strictEqual(CartState.dueAt(state), 7 + CartState.redriveMs)
    const view = CartState.view("eu_a", state, 3)!
    assert.deepStrictEqual(view.totals, { goods: 4_000, charges: 395, tax: 800, total: 5_195 })
    assert.strictEqual(view.orderId, OrderId.make("eu_a"))
    const placed = Carts.after(state, new CartState.NoteOrderPlaced({ commandId: commandId(), attempt: 1 }))
    assert.strictEqual(CartState.next(placed), null)
    assert.strictEqual(CartState.dueAt(placed), null)
  })

  it("refuses more than the customer agreed to, with both totals, and then shows the new one", () => {
    const both = {
      expected: { amount: displayed, currency: "GBP" },
      actual: { amount: 5_195, currency: "GBP" }
    } as const
    for (const said of [{}, { expectedSeq: 2 }, agreedTo(displayed)]) {
      const [repriced, refusal] = decided(four, Carts.checkOut({ prices: dearer, ...said }))
      assert.strictEqual(repriced?._tag, "Repriced")
      assert.deepInclude(refusal, { _tag: "CheckOutRefused", ...both })
      const state = Carts.after(four, Carts.checkOut({ prices: dearer, ...said }))
      assert.deepInclude(CartState.view("eu_a", state, 3), { status: "open", orderId: null })
      assert.strictEqual(CartState.view("eu_a", state, 3)!.totals.total, 5_195)
      assert.strictEqual(Carts.after(state, Carts.checkOut({ prices: dearer }))._tag, "CheckedOut")
    }
  })

  it("takes less than the cart said from who states nothing, and only what was stated from who does", () => {
    const less = { amount: 800 + 395 + 160, currency: "GBP" } as const
    const paid = Carts.after(four, Carts.checkOut({ prices: cheaper }))
    assert.strictEqual(CartState.view("eu_a", paid, 3)!.totals.total, less.amount)
    for (const said of [{ expectedSeq: 2 }, agreedTo(displayed)]) {
      assert.deepInclude(decided(four, Carts.checkOut({ prices: cheaper, ...said }))[1], { actual: less })
    }
    assert.strictEqual(
      Carts.after(four, Carts.checkOut({ prices: cheaper, ...agreedTo(less.amount) }))._tag,
      "CheckedOut"
    )
  })

  it("refuses what was agreed to before another tab, a coupon or a merge changed the cart", () => {
    const coupon = { code: "SPRING", basisPoints: 1_000 }
    const line = { sku: tea, variant: "", title: "Tea", quantity: 2, unitPrice: 250, taxRate: 2_000 }
    const merging = Carts.after(four, new Merge({ commandId: commandId(), from }))
    const ways: ReadonlyArray<readonly [CartState.State, number]> = [
      [Carts.after(four, put(5)), 1_895],
      [Carts.after(four, new ApplyCoupon({ commandId: commandId(), coupon })), 900 + 395 + 180],
      [Carts.after(merging, absorb([line])), 2_195],
      // Above the threshold the shipping is free.
      [Carts.after(four, put(20)), 6_000]
    ]
    for (const [state, amount] of ways) {
      const command = Carts.checkOut({ prices, ...agreedTo(displayed) })
      assert.deepInclude(refused(state, command), { actual: { amount, currency: "GBP" } })
      assert.strictEqual(Carts.after(state, Carts.checkOut({ prices, ...agreedTo(amount) }))._tag, "CheckedOut")
    }
    const euros = { expectedTotal: { amount: displayed, currency: "EUR" as const } }
    assert.strictEqual(refused(four, Carts.checkOut({ prices, ...euros }))._tag, "TotalChanged")
    const taxed = { [tea]: { ...price, taxRate: 0 } }
    assert.deepInclude(decided(four, Carts.checkOut({ prices: taxed, ...agreedTo(displayed) }))[1], {
      actual: { amount: 1_395, currency: "GBP" }
    })
  })

  it("that failed can be tried again, as often as the bound says", () => {
    const failure = { code: "card_declined", detail: "declined", missing: [] } as const
    let state = four
    for (let attempt = 1; attempt <= checkoutsMax; attempt++) {
      state = Carts.after(state, Carts.checkOut({ prices }))
      assert.strictEqual(CartState.view("eu_a", state, 1)!.orderId, attempt === 1 ? "eu_a" : `eu_a-${attempt}`)
      const late = new Reopen({ commandId: commandId(), attempt: attempt - 1, failure })
      assert.deepStrictEqual(decided(state, late), [])
      assert.deepStrictEqual(decided(state, new CartState.NoteOrderPlaced({ commandId: commandId(), attempt: 99 })), [])
      state = Carts.after(state, new Reopen({ commandId: commandId(), attempt, failure }))
      assert.deepInclude(CartState.view("eu_a", state, 1), { status: "open", lastFailure: failure })
    }
    assert.deepInclude(refused(state, Carts.checkOut({ prices })), { bound: "checkouts", max: checkoutsMax })
    // Nothing is lost by it: another cart can take its lines.
    assert.strictEqual(decided(state, handOver)[0]?._tag, "HandedOver")
    assert.isNull(CartState.view("eu_a", Carts.after(state, put(1)), 1)!.lastFailure)
  })

  it("is refused when there is nothing to buy, a product is gone, or it was done", () => {
    assert.strictEqual(refused(shop, Carts.checkOut())._tag, "CartEmpty")
    assert.deepInclude(refused(all(put(1)), Carts.checkOut()), { skus: [tea] })
    const inherited = all(put(1, { sku: Carts.skus[4]! }))
    assert.strictEqual(refused(inherited, Carts.checkOut({ prices }))._tag, "NotSold")
    const done = all(put(1), Carts.checkOut({ prices }))
    assert.deepInclude(refused(done, Carts.checkOut({ prices })), { status: "checked_out" })
  })

  it("is refused when the discounts exceed what there is to pay", () => {
    const state = Carts.after(Carts.after(agreed, new PutLine(at(100))), charge("discount", -101))
    assert.deepInclude(refused(state, Carts.checkOut()), { bound: "discounts", max: 100 })
    assert.strictEqual(Carts.after(Carts.after(state, charge("discount", -100)), Carts.checkOut())._tag, "CheckedOut")
  })
})

describe("merging", () => {
  const merge = new Merge({ commandId: commandId(), from })
  const pending = all(put(1), merge)
  const line = { sku: tea, variant: "", title: "Tea", quantity: 2, unitPrice: 250, taxRate: 2_000 }

  it("asks the other cart once, and again under another key after a refusal", () => {
    assert.deepInclude(CartState.next(pending), { key: "merge:1", _tag: "AskHandOver", from })
    assert.deepStrictEqual(decided(pending, new Merge({ commandId: commandId(), from })), [])
    const refusal = new CartState.NoteMergeRefused({ commandId: commandId(), attempt: 1, reason: "merging" })
    const refusedOnce = Carts.after(pending, refusal)
    assert.strictEqual(CartState.next(refusedOnce), null)
    assert.deepInclude(CartState.next(Carts.after(refusedOnce, merge)), { key: "merge:2" })
  })

  it("brings the coupon along; of two the one that takes more off is kept, and the other is named", () => {
    const having = (own: Coupon | null) =>
      own === null ? pending : Carts.after(pending, new ApplyCoupon({ commandId: commandId(), coupon: own }))
    const after = (own: Coupon | null, theirs: Coupon | null) => {
      const { coupon, notices } = CartState.view("eu_a", Carts.after(having(own), bringing(theirs)), 1)!
      return [coupon, notices]
    }
    const five = { code: "FIVE", basisPoints: 500 }
    const ten = { code: "TEN", basisPoints: 1_000 }
    assert.deepStrictEqual(after(null, ten), [ten, []])
    assert.deepStrictEqual(after(ten, null), [ten, []])
    assert.deepStrictEqual(after(ten, ten), [ten, []])
    assert.deepStrictEqual(after(five, ten), [ten, [{ code: "coupon_dropped", from, coupon: five, kept: ten }]])
    assert.deepStrictEqual(after(ten, five), [ten, [{ code: "coupon_dropped", from, coupon: five, kept: ten }]])
    const customer = CustomerId.make("eu_ada")
    const merged = Carts.after(pending, bringing(null, customer))
    assert.deepStrictEqual(CartState.view("eu_a", merged, 1)!.notices, [{ code: "customer_dropped", from }])
    assert.deepStrictEqual(CartState.view("eu_a", Carts.after(merged, put(7)), 1)!.notices, [])
  })

  it("takes an answer once, and never an old one", () => {
    const done = Carts.after(pending, absorb([line]))
    assert.strictEqual(CartLines.unitsOf(linesOf(done), tea), 3)
    assert.deepStrictEqual(decided(done, absorb([line])), [])
    assert.deepStrictEqual(decided(pending, absorb([line], 2)), [])
    assert.deepStrictEqual(decided(done, new Merge({ commandId: commandId(), from })), [])
  })

  it("a cart that waits for lines takes changes, but is not closed before it has them", () => {
    assert.strictEqual(CartLines.unitsOf(linesOf(Carts.after(pending, add(4))), tea), 5)
    assert.strictEqual(refused(pending, Carts.checkOut({ prices }))._tag, "Busy")
    assert.strictEqual(refused(pending, new Merge({ commandId: commandId(), from: CartId.make("eu_c") }))._tag, "Busy")
    assert.deepStrictEqual(decided(pending, new TimerFired({ commandId: commandId() }), 10 * CartState.idleMaxMs), [])
    assert.deepInclude(decided(pending, handOver)[0], { _tag: "HandOverRefused", reason: "merging" })
  })

  it("a source says why it gives nothing up, and its refusals are events", () => {
    assert.strictEqual(reason(CartState.initial), "not_found")
    assert.strictEqual(reason(all(put(1), Carts.checkOut({ prices }))), "closed")
    assert.strictEqual(reason(shop, { currency: "EUR" }), "other_currency")
    assert.strictEqual(reason(shop, { pricing: "agreed" }), "other_pricing")
    assert.strictEqual(reason(shop), null)
  })

  it("a merged cart above the bounds may shrink, and must before it is checked out or merged again", () => {
    const over = Carts.after(all(put(unitsMax), merge), absorb([{ ...line, quantity: unitsMax }]))
    assert.strictEqual(CartLines.unitsOf(linesOf(over), tea), 2 * unitsMax)
    assert.deepInclude(refused(over, Carts.checkOut({ prices })), { bound: "units" })
    assert.deepInclude(refused(over, add(1)), { bound: "units" })
    assert.deepInclude(refused(over, new Merge({ commandId: commandId(), from: CartId.make("eu_c") })), {
      reason: "too_many_lines"
    })
    assert.deepInclude(decided(over, handOver)[0], { reason: "too_many_lines" })
    assert.strictEqual(Carts.after(Carts.after(over, put(5)), Carts.checkOut({ prices }))._tag, "CheckedOut")
    const removed = Carts.after(over, new RemoveLine({ commandId: commandId(), sku: tea, variant: "" }))
    assert.deepStrictEqual(linesOf(removed), [])
  })

  it("a line agreed at another price keeps it under a variant of its own", () => {
    const merged = CartLines.absorbLines(
      [line],
      [
        { ...line, unitPrice: 300 },
        { ...line, variant: "m1" }
      ],
      "agreed"
    )
    assert.deepStrictEqual(
      merged.map(({ quantity, unitPrice, variant }) => [variant, unitPrice, quantity]),
      [
        ["", 250, 2],
        ["m1", 300, 2],
        ["m2", 250, 2]
      ]
    )
  })
})
