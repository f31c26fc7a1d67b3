import { assert, describe, it } from "@effect/vitest"
import { WarehouseId } from "@halles/shared/Ids"
import { Schema } from "effect"
import { allocate, quantityOf } from "./Allocate.ts"

const place = (key: number) => WarehouseId.make(`w${key}`)
const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, one) => total + one, 0)
const places = (free: ReadonlyArray<number>) => free.map((units, index) => ({ warehouse: place(index), free: units }))

describe("allocation", () => {
  const Free = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 }))).check(
    Schema.isMaxLength(6)
  )
  const Units = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 }))
  it.prop(
    "sums exactly, takes no more than there is, and splits as little as it can",
    [Free, Units],
    ([free, units]) => {
      const quantity = units * 3
      const { allocations, missing } = allocate(places(free), quantity)
      assert.strictEqual(quantityOf(allocations) + missing, quantity)
      assert.strictEqual(missing, Math.max(0, quantity - sum(free)))
      for (const { quantity, warehouse } of allocations) {
        assert.isTrue(quantity > 0 && quantity <= free[Number(warehouse.slice(1))]!)
      }
      assert.strictEqual(new Set(allocations.map(({ warehouse }) => warehouse)).size, allocations.length)
      let [left, parcels] = [Math.min(quantity, sum(free)), 0]
      for (const units of free.toSorted((a, b) => b - a)) {
        if (left <= 0) break
        left -= units
        parcels++
      }
      assert.strictEqual(allocations.length, parcels)
    }
  )

  it("takes the least that suffices, else the fullest first", () => {
    assert.deepStrictEqual(allocate(places([9, 5, 7]), 5).allocations, [{ warehouse: place(1), quantity: 5 }])
    assert.deepStrictEqual(allocate(places([9, 5, 7]), 6).allocations, [{ warehouse: place(2), quantity: 6 }])
    assert.deepStrictEqual(allocate(places([9, 5, 7]), 13).allocations, [
      { warehouse: place(0), quantity: 9 },
      { warehouse: place(1), quantity: 4 }
    ])
  })
})
