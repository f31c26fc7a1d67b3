import { assert, describe, it } from "@effect/vitest"
import { CartId, CommandId, SkuCode, WarehouseId } from "@halles/shared/Ids"
import { Result } from "effect"
import * as fc from "fast-check"
import { stockLines } from "../catalogue/Parts.ts"
import type { Charge } from "../sale/Sale.ts"
import { bill } from "../cart/CartTotals.ts"
import { wrongReturns } from "./ReturnLaws.ts"
import { Place, RequestReturn, type ReturnLine } from "./Order.ts"
import { returnables } from "./OrderReturns.ts"
import * as OrderState from "./OrderState.ts"
import { apportion } from "../sale/Apportion.ts"

type Line = OrderState.Draft["lines"][number]
type Wanted = typeof ReturnLine.Type

const commandId = CommandId.make("c")
const buyer = {
  email: "a@example.org",
  shippingAddress: { name: "A", line1: "1 Street", city: "York", postalCode: "YO1", country: "GB" },
  paymentToken: "tok_ok"
}
const warehouses = ["a", "b", "c"].map((name) => WarehouseId.make(name))

/** An order whose goods have arrived; each SKU's units came from up to three warehouses. */
const delivered = (
  lines: ReadonlyArray<Line>,
  charges: ReadonlyArray<Charge>,
  basisPoints: number,
  cuts: ReadonlyArray<number> = []
) => {
  const pricing = basisPoints === 0 ? "agreed" : "shop"
  const coupon = basisPoints === 0 ? null : { code: "OFF", basisPoints }
  const priced = bill({ currency: "GBP", pricing, lines, charges, coupon })
  const place = new Place({
    commandId,
    cartId: CartId.make("eu_1"),
    attempt: 1,
    customerId: null,
    currency: "GBP",
    lines,
    ...priced,
    ...buyer
  })
  const { _tag, commandId: _, ...draft } = place
  const stock = [...Map.groupBy(lines.flatMap(stockLines), ({ sku }) => sku)].map(([sku, same], index) => {
    const units = same.reduce((sum, { quantity }) => sum + quantity, 0)
    const first = Math.min(units, 1 + ((cuts[index] ?? units) % units))
    const second = Math.ceil((units - first) / 2)
    const parts = [first, second, units - first - second]
    const allocations = parts.map((quantity, at) => ({ warehouse: warehouses[at]!, quantity }))
    return { sku, allocations: allocations.filter(({ quantity }) => quantity > 0) }
  })
  const { total } = priced.totals
  const events: ReadonlyArray<OrderState.Event> = [
    { _tag: "Placed", draft, at: 1 },
    { _tag: "StockHeld", stock, at: 1 },
    { _tag: "PaymentAuthorised", amount: total, at: 1 },
    { _tag: "StockReserved", at: 1 },
    { _tag: "ShipmentBooked", trackingNumbers: [], at: 1 },
    { _tag: "Dispatched", at: 1 },
    { _tag: "PaymentCaptured", amount: total, at: 1 },
    { _tag: "StockShipped", at: 1 },
    { _tag: "Delivered", at: 1 }
  ]
  return events.reduce(OrderState.evolve, OrderState.initial)
}

const request = (state: OrderState.State, lines: ReadonlyArray<Wanted>, returnId = `r${state.returns.length}`) => {
  const command = new RequestReturn({ commandId, returnId, lines, reason: "", disposition: "restock" })
  const decided = Result.getOrThrow(OrderState.decide(state, command, 2))
  return decided.reduce(OrderState.evolve, state)
}
const refuse = (state: OrderState.State, returnId: string) =>
  OrderState.evolve(state, { _tag: "ReturnRefused", returnId, reason: "no", at: 3 })
/** All pending steps are done, and all that is on its way arrives. */
const settle = (before: OrderState.State) => {
  let state = before
  for (const { returnId, status } of before.returns) {
    if (status === "requested") state = OrderState.evolve(state, { _tag: "ReturnReceived", returnId, at: 4 })
  }
  for (let pendingStep = OrderState.next(state); pendingStep !== null; pendingStep = OrderState.next(state)) {
    const record = { _tag: "Record", commandId, answers: pendingStep.key, outcome: { _tag: "Done" } } as const
    state = Result.getOrThrow(OrderState.decide(state, record, 5)).reduce(OrderState.evolve, state)
  }
  return state
}

const sku = fc.constantFrom("TEA", "MUG", "__proto__", "BOX").map((code) => SkuCode.make(code))
/** Of `BOX`, which shares a part with what is sold beside it. */
const parts = [
  { sku: SkuCode.make("TEA"), quantity: 2 },
  { sku: SkuCode.make("POT"), quantity: 1 }
]
const singles: fc.Arbitrary<Line> = fc.record({
  sku,
  variant: fc.constantFrom("", "m1", "blue"),
  title: fc.constant("T"),
  quantity: fc.oneof(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1_000, max: 5_000 })),
  unitPrice: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 99_999 })),
  taxRate: fc.constantFrom(0, 500, 800, 1_075, 1_900, 2_000)
})
const line = singles.map((one) => (one.sku === "BOX" ? { ...one, parts } : one))
const sale = fc
  .record({
    lines: fc.uniqueArray(line, { minLength: 1, maxLength: 5, selector: ({ sku, variant }) => `${sku}/${variant}` }),
    coupon: fc.constantFrom(0, 0, 1, 1_500, 3_333, 5_000, 10_000),
    off: fc.integer({ min: 0, max: 100 }),
    post: fc.integer({ min: 0, max: 900 }),
    cuts: fc.array(fc.nat(), { maxLength: 3 })
  })
  .map(({ coupon, cuts, lines, off, post }) => {
    const added = [{ code: "post", kind: "shipping" as const, amount: post }]
    const { total } = apportion({ lines, charges: added, discount: 0 })
    const rebate = { code: "deal", kind: "discount" as const, amount: 0 - Math.floor((total * off) / 100) }
    return delivered(lines, coupon === 0 ? [...added, rebate] : [], coupon, cuts)
  })
/** Some units of some lines, or all that is left, or that an earlier return is refused. */
const moves = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ parts: fc.array(fc.nat({ max: 9 }), { minLength: 5, maxLength: 5 }) }) },
    { weight: 2, arbitrary: fc.record({ refused: fc.nat({ max: 20 }) }) },
    { weight: 1, arbitrary: fc.constant({ rest: true as const }) }
  ),
  { maxLength: 20 }
)
const wantedOf = (state: OrderState.State, units: (left: number, index: number) => number): ReadonlyArray<Wanted> => {
  const returnable = returnables(state)
  return state
    .draft!.lines.map(({ sku, variant }, index) => {
      const left = returnable({ sku, variant, quantity: 1 })
      return { sku, variant, quantity: Math.min(left, units(left, index)) }
    })
    .filter(({ quantity }) => quantity > 0)
}
type Move = typeof moves extends fc.Arbitrary<ReadonlyArray<infer M>> ? M : never
const walk = (state: OrderState.State, all: ReadonlyArray<Move>) =>
  all.reduce((state, move) => {
    if ("refused" in move) {
      const one = state.returns[move.refused % Math.max(1, state.returns.length)]
      return one?.status === "requested" ? refuse(state, one.returnId) : state
    }
    const wanted = wantedOf(state, (left, index) => ("rest" in move ? left : move.parts[index]!))
    return wanted.length === 0 ? state : request(state, wanted)
  }, state)
const totals = (state: OrderState.State) => {
  const standing = state.returns.filter(({ status }) => status !== "refused")
  return { standing, amount: standing.reduce((sum, { amount }) => sum + amount, 0) }
}

const deal = (amount: number): Charge => ({ code: "deal", kind: "discount", amount })

describe("returns", () => {
  it("never pay back more than was paid, of no line and of no order, however goods come back and returns are refused", () => {
    fc.assert(
      fc.property(sale, moves, (state, all) => {
        const after = walk(state, all)
        assert.isNull(wrongReturns(after))
        const { lines } = apportion(state.draft!)
        for (const [index, { sku, variant }] of state.draft!.lines.entries()) {
          const back = totals(after)
            .standing.flatMap(({ lines }) => lines)
            .filter((line) => line.sku === sku && line.variant === variant)
          const refund = back.reduce((sum, line) => sum + line.refund, 0)
          assert.isAtMost(refund, lines[index]!.paid)
        }
        const settled = settle(after)
        assert.strictEqual(settled.refunded, totals(after).amount)
        assert.isAtMost(settled.refunded, settled.captured)
      }),
      { numRuns: 500 }
    )
  })

  it("pay back exactly what was paid for the goods once all of them are back, and shipping only when they come at once", () => {
    fc.assert(
      fc.property(sale, moves, (state, all) => {
        const before = walk(state, all)
        const rest = wantedOf(before, (left) => left)
        const after = rest.length === 0 ? before : request(before, rest)
        const { lines, outbound, total } = apportion(state.draft!)
        const { amount, standing } = totals(after)
        const isWhole = standing.length === 1
        assert.strictEqual(amount, isWhole ? total : total - outbound)
        assert.strictEqual(
          standing.reduce((sum, one) => sum + one.outbound, 0),
          isWhole ? outbound : 0
        )
        assert.strictEqual(
          amount - (isWhole ? outbound : 0),
          lines.reduce((sum, { paid }) => sum + paid, 0)
        )
      }),
      { numRuns: 500 }
    )
  })

  it("bring each unit back to a warehouse that it left", () => {
    fc.assert(
      fc.property(sale, moves, (state, all) => {
        const after = walk(state, all)
        for (const { lines, origins } of after.returns) {
          for (const { allocations, sku } of origins) {
            const units = lines
              .flatMap((line) => stockLines(line.sku === "BOX" ? { ...line, parts } : line))
              .filter((line) => line.sku === sku)
              .reduce((sum, { quantity }) => sum + quantity, 0)
            assert.strictEqual(
              allocations.reduce((sum, { quantity }) => sum + quantity, 0),
              units
            )
          }
        }
        for (const { allocations, sku } of state.stock) {
          for (const { quantity, warehouse } of allocations) {
            const back = totals(after)
              .standing.flatMap(({ origins }) => origins)
              .filter((one) => one.sku === sku)
              .flatMap(({ allocations }) => allocations)
              .filter((one) => one.warehouse === warehouse)
              .reduce((sum, { quantity }) => sum + quantity, 0)
            assert.isAtMost(back, quantity)
          }
        }
      })
    )
  })

  const tea = SkuCode.make("TEA")
  const one = (unitPrice: number, over: Partial<Line> = {}): Line => ({
    sku: tea,
    variant: "",
    title: "Tea",
    quantity: 1,
    unitPrice,
    taxRate: 0,
    ...over
  })
  const mug = { sku: SkuCode.make("MUG") }

  it("share a rebate: 10.00 + 10.00 - 12.00 is 4.00 each, 10.00 + 5.00 - 3.00 is 8.00 and 4.00", () => {
    const back = [{ sku: tea, variant: "", quantity: 1 }]
    assert.strictEqual(
      request(delivered([one(1_000), one(1_000, mug)], [deal(-1_200)], 0), back).returns[0]!.amount,
      400
    )
    assert.strictEqual(request(delivered([one(1_000), one(500, mug)], [deal(-300)], 0), back).returns[0]!.amount, 800)
  })

  it("give shipping and fees back to who brings everything back at once, even after a part was refused", () => {
    const charges = [
      { code: "post", kind: "shipping", amount: 395 },
      { code: "wrap", kind: "fee", amount: 250 }
    ] as const
    const sold = delivered([one(1_000, { quantity: 2 }), one(0, mug)], charges, 0)
    const all = [
      { sku: tea, variant: "", quantity: 2 },
      { sku: mug.sku, variant: "", quantity: 1 }
    ]
    assert.include(request(sold, all).returns[0]!, { outbound: 645, amount: 2_645 })
    const again = request(refuse(request(sold, [{ sku: tea, variant: "", quantity: 1 }]), "r0"), all)
    assert.include(again.returns[1]!, { outbound: 645, amount: 2_645 })
    // The gift is kept: that is a part.
    assert.include(request(sold, [all[0]!]).returns[0]!, { outbound: 0, amount: 2_000 })
    const parts = request(request(sold, [all[0]!]), [all[1]!])
    assert.deepStrictEqual(
      parts.returns.map(({ amount }) => amount),
      [2_000, 0]
    )
  })

  it("go back to the last parcel's warehouse first", () => {
    const sold = delivered([one(100, { quantity: 4 })], [], 0, [2])
    assert.deepStrictEqual(
      sold.stock[0]!.allocations.map(({ quantity }) => quantity),
      [3, 1]
    )
    const back = [{ sku: tea, variant: "", quantity: 2 }]
    const [first, second] = request(request(sold, back), back).returns
    assert.deepStrictEqual(first!.origins[0]!.allocations, [
      { warehouse: warehouses[1]!, quantity: 1 },
      { warehouse: warehouses[0]!, quantity: 1 }
    ])
    assert.deepStrictEqual(second!.origins[0]!.allocations, [{ warehouse: warehouses[0]!, quantity: 2 }])
  })
})
