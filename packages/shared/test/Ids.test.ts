import { assert, it } from "@effect/vitest"
import { CartId, checkoutsMax, OrderId, orderIdOf, SkuCode, skuCode, skuId } from "../src/Ids.ts"
import { Region, regionOf } from "../src/Region.ts"
import * as Subject from "../src/Subject.ts"
import { storable } from "../src/Text.ts"
import { Option, Schema } from "effect"

it.prop("a SKU's id names its region and its code", [Region, SkuCode], ([region, code]) => {
  const id = skuId(region, code)
  assert.strictEqual(skuCode(id), code)
  assert.strictEqual(regionOf(id), region)
})

it.prop("an id is one token of a NATS subject and one part of a URL path", [CartId], ([id]) => {
  assert.lengthOf(Subject.runner(regionOf(id), id).split("."), 4)
  assert.strictEqual(encodeURIComponent(id), id)
})

it.prop("the orders of a cart have ids of their own, in its region and within their bound", [CartId], ([cart]) => {
  const orders = Array.from({ length: checkoutsMax }, (_, index) => orderIdOf(cart, index + 1))
  assert.strictEqual(new Set(orders).size, checkoutsMax)
  assert.strictEqual(`${orders[0]}`, `${cart}`)
  for (const order of orders) {
    assert.isTrue(Schema.is(OrderId)(order))
    assert.strictEqual(regionOf(order), regionOf(cart))
  }
})

it("what is no id is refused", () => {
  const isCartId = Schema.is(CartId)
  for (const text of ["", "eu_", "us_1", "eu-1", "EU_1", "eu_a.b", "eu_a b", "eu_ä", `eu_${"x".repeat(61)}`]) {
    assert.isFalse(isCartId(text), text)
  }
})

it("text that Postgres cannot store as jsonb is refused", () => {
  const decode = Schema.decodeUnknownOption(Schema.String.check(storable))
  for (const text of ["a\u0000b", "\ud800", "\udc00", "\ude00\ud83d"]) assert.isTrue(Option.isNone(decode(text)))
  for (const text of ["", "\n", "Żółw 😀"]) assert.isTrue(Option.isSome(decode(text)))
})
