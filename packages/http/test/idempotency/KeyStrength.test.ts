import { assert, describe, it } from "@effect/vitest"
import { randomBytes, randomUUID } from "node:crypto"
import { strengthOf } from "../../src/idempotency/KeyStrength.ts"

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
const ulid = () => `01${[...randomBytes(24)].map((byte) => crockford[byte % 32]).join("")}`
const uuid7 = () => {
  const digits = Date.now().toString(16).padStart(12, "0")
  const random = randomBytes(10).toString("hex")
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7${random.slice(0, 3)}-a${random.slice(3, 6)}-${random.slice(6, 18)}`
}

const share = (draw: () => string): number =>
  Array.from({ length: 2_000 }, draw).filter((key) => strengthOf(key) === "proof").length / 2_000

describe("KeyStrength", () => {
  it("what clients draw at random is proof", () => {
    assert.strictEqual(share(randomUUID), 1)
    assert.strictEqual(
      share(() => randomUUID().toUpperCase()),
      1
    )
    assert.strictEqual(share(uuid7), 1)
    assert.isAtLeast(share(ulid), 0.98)
    assert.isAtLeast(
      share(() => randomBytes(16).toString("hex")),
      0.98
    )
    assert.isAtLeast(
      share(() => randomBytes(16).toString("base64url")),
      0.95
    )
    assert.isAtLeast(
      share(() => randomBytes(32).toString("base64url")),
      0.98
    )
  })

  it("what anybody might count up to, or send without thinking, is guessable", () => {
    for (const key of [
      "1",
      "42",
      "order-1",
      "k",
      "12345678901234567890",
      "1764364800000",
      "aaaaaaaaaaaaaaaaaaaaaaaa",
      "abababababababababababab",
      "00000000000000000000000000000000",
      "00000000-0000-0000-0000-000000000000",
      "ffffffff-ffff-ffff-ffff-ffffffffffff",
      "00000000-0000-4000-8000-000000000017",
      "11111111-1111-4111-8111-111111111111"
    ]) {
      assert.strictEqual(strengthOf(key), "guessable", key)
    }
  })

  it("words, dates, counters and what follows from what others know are no proof", () => {
    for (const key of [
      "order-1764364800000",
      "cart-of-ada@example.com",
      "2026-11-28T21:40:00.000Z",
      "Order-2024-10-15-Customer-1234",
      "MyShopOrderNumber000000001",
      "CheckoutSessionOfCustomer42",
      "CartOf-Ada-2025-11-28-T21-40",
      "00000000000000000000000000001234567890abcdef",
      "ORDER0000000000000000000001",
      // Versions 1 and 5: a moment and a machine, a digest of a name.
      "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
      "886313e1-3b8a-5372-9b90-0c9aee199e5d",
      // One bit or two too few.
      "V1StGXR8_Z5jdHi6B-myT"
    ]) {
      assert.strictEqual(strengthOf(key), "weak", key)
    }
  })
})
