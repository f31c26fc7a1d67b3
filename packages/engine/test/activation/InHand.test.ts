import { assert, describe, it } from "@effect/vitest"
import * as InHand from "@halles/engine/activation/InHand"

const cart = { entityType: "Cart", entityId: "eu_c", shard: 1 }
const order = { entityType: "Order", entityId: "eu_o", shard: 2 }

const broken = () => {
  throw new Error("broken")
}

describe("InHand", () => {
  it("names the entity of the work that runs, and after it the one of the work around", () => {
    const during = InHand.during(cart, "CheckOut", () => [
      InHand.current(),
      InHand.during(order, "Place", InHand.current),
      InHand.current()
    ])
    const outer = { entity: cart, message: "CheckOut" }
    assert.deepStrictEqual(during, [outer, { entity: order, message: "Place" }, outer])
    assert.isNull(InHand.current())
  })

  it("names no entity after work that throws", () => {
    assert.throws(() => InHand.during(cart, "CheckOut", broken), "broken")
    assert.isNull(InHand.current())
  })
})
