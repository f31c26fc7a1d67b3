import { assert, describe, it } from "@effect/vitest"
import { SkuCode } from "@halles/shared/Ids"
import { Arbitrary, Result, Schema } from "effect"
import { Part, type Parts, partsMax, partUnitsMax, stockLines } from "../catalogue/Parts.ts"
import { ofParts } from "../inventory/Availability.ts"
import type { Available } from "../inventory/StockTable.ts"
import { linesMax, unitsMax } from "../sale/Sale.ts"
import { PutLine } from "./Cart.ts"
import * as CartLines from "./CartLines.ts"
import * as CartState from "./CartState.ts"
import * as Carts from "../../test/Carts.ts"

const code = (index: number) => SkuCode.make(`P${index}`)
const price = { amount: 100, currency: "GBP", taxRate: 0 } as const
const put = (sku: string, quantity: number, parts: Parts) =>
  new PutLine({
    commandId: Carts.commandId(),
    sku: SkuCode.make(sku),
    variant: "",
    quantity,
    listing: { title: sku, price, parts }
  })
const shop = Carts.after(CartState.initial, Carts.open("shop"))
const refused = (state: CartState.State, command: CartState.Command) =>
  Result.getOrThrow(Result.flip(CartState.decide(state, command, 0)))

const upTo = (maximum: number) => Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum })))
const parts = Arbitrary.map(
  Arbitrary.array(Arbitrary.schema(Part.fields.quantity), { minLength: 1, maxLength: 6 }),
  (quantities): Parts => quantities.map((quantity, index) => ({ sku: code(index), quantity }))
)

describe("a bundle", () => {
  it.prop(
    "can be sold as often as there are units of each of its parts, and no more",
    [parts, Arbitrary.array(upTo(5_000), { minLength: 6, maxLength: 6 })],
    ([parts, units]) => {
      const stock = new Map(
        units.map((units, index): [SkuCode, Available] => [code(index), { units, backOrder: false }])
      )
      const isThere = (quantity: number) =>
        stockLines({ sku: SkuCode.make("BOX"), quantity, parts }).every(
          (line) => line.quantity <= stock.get(line.sku)!.units
        )
      const most = ofParts(parts, stock).units
      assert.isTrue(isThere(most))
      assert.isFalse(isThere(most + 1))
    }
  )

  it.prop("counts as its parts beside the other lines of a cart", [Carts.lines], ([lines]) => {
    const units = CartLines.unitsBySku(lines)
    for (const sku of Carts.skus) {
      const wanted = lines.map(({ parts, quantity, ...line }) => {
        if (parts === undefined) return line.sku === sku ? quantity : 0
        return quantity * parts.reduce((sum, part) => (part.sku === sku ? sum + part.quantity : sum), 0)
      })
      assert.strictEqual(
        units.get(sku) ?? 0,
        wanted.reduce((sum, quantity) => sum + quantity, 0)
      )
    }
  })

  it("is bounded by the units of its parts, and by how many SKUs they are with the others", () => {
    const dozens = [{ sku: code(1), quantity: partUnitsMax }]
    const most = Carts.after(shop, put("BOX", unitsMax / partUnitsMax, dozens))
    assert.strictEqual(Carts.linesOf(most).length, 1)
    assert.include(refused(shop, put("BOX", unitsMax / partUnitsMax + 1, dozens)), { _tag: "CartFull", bound: "units" })
    assert.include(refused(most, put("P1", 1, [{ sku: code(1), quantity: 1 }])), { _tag: "CartFull", bound: "units" })

    const others = (nth: number): Parts =>
      Array.from({ length: partsMax }, (_, index) => ({ sku: code(nth * partsMax + index), quantity: 1 }))
    let full = shop
    for (let nth = 0; nth < linesMax / partsMax; nth += 1) full = Carts.after(full, put(`BOX-${nth}`, 1, others(nth)))
    assert.strictEqual(CartLines.unitsBySku(Carts.linesOf(full)).size, linesMax)
    assert.include(refused(full, put("BOX-X", 1, others(linesMax / partsMax))), { _tag: "CartFull", bound: "skus" })
    assert.isTrue(Result.isSuccess(CartState.decide(full, put("BOX-X", 1, others(0)), 0)))
  })

  it("with other parts than the cart showed is refused once, and the cart has them then", () => {
    const before = [{ sku: code(1), quantity: 2 }]
    const after = [{ sku: code(2), quantity: 1 }]
    const cart = Carts.after(shop, put("BOX", 1, before))
    for (const now of [{ ...price, parts: after }, price]) {
      const checkOut = Carts.checkOut({ prices: { BOX: now } })
      const changed = Carts.after(cart, checkOut)
      assert.deepStrictEqual(Carts.linesOf(changed)[0]?.parts, "parts" in now ? now.parts : undefined)
      assert.strictEqual(changed._tag, "Open")
      assert.strictEqual(Carts.after(changed, Carts.checkOut({ prices: { BOX: now } }))._tag, "CheckedOut")
    }
    const dearer = { BOX: { ...price, amount: 200, parts: after } }
    const [, event] = Result.getOrThrow(CartState.decide(cart, Carts.checkOut({ prices: dearer }), 0))
    assert.isUndefined(event?._tag === "CheckOutRefused" ? event.bundles : [], "the total is what it is refused for")
  })
})
