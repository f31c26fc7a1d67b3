import { assert, describe, it } from "@effect/vitest"
import { CartId, checkoutsMax, orderIdOf } from "@halles/shared/Ids"
import { accountCustomerId, hasAccount, ownedKey, ownerOf } from "@halles/shared/security/Ownership"
import { regions } from "@halles/shared/Region"
import { Schema } from "effect"
import * as fc from "fast-check"

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
const random = (length: number) =>
  fc.array(fc.constantFrom(...alphabet), { minLength: length, maxLength: length }).map((all) => all.join(""))
const region = fc.constantFrom(...regions)
const isCartId = Schema.is(CartId)

describe("ownership", () => {
  it("is known from the id: the owner's cart is the owner's, and nobody else's", () => {
    fc.assert(
      fc.property(region, random(22), random(22), random(22), (where, key, one, other) => {
        const [owner, stranger] = [accountCustomerId(where, one), accountCustomerId(where, other)]
        const id = `${where}_${ownedKey(key, owner)}`
        assert.isTrue(isCartId(id))
        assert.isTrue(ownerOf(id)?.(owner))
        if (one !== other) assert.isFalse(ownerOf(id)?.(stranger))
        // Nor is the order of any of its checkouts.
        for (const attempt of [1, 2, checkoutsMax]) {
          const order = orderIdOf(CartId.make(id), attempt)
          assert.isTrue(ownerOf(order)?.(owner))
          if (one !== other) assert.isFalse(ownerOf(order)?.(stranger))
        }
      })
    )
  })

  it("of what the edge names for guests, is nobody's", () => {
    fc.assert(
      fc.property(region, random(22), (where, key) => {
        assert.isNull(ownerOf(`${where}_${key}`))
        assert.isNull(ownerOf(`${where}_own_${key.slice(4)}`))
        assert.isFalse(hasAccount(`${where}_${key}`))
      })
    )
    assert.isTrue(hasAccount(accountCustomerId("eu", "A".repeat(22))))
    for (const guest of ["eu_1", "eu_acc_1", `xx_acc_${"A".repeat(22)}`, `eu_acc_${"A".repeat(18)}`]) {
      assert.isFalse(hasAccount(guest), guest)
    }
  })
})
