import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import * as fc from "fast-check"
import { createHash } from "node:crypto"
import { type IntentRequest, fingerprint, Intents, once } from "../src/Intent.ts"

const intents = Intents.make(Redacted.make("secret"))

/** Few values of each, so that two that are drawn are often alike. */
const intended: fc.Arbitrary<IntentRequest & { readonly json: unknown }> = fc
  .record({
    sender: fc.constantFrom(null, "anonymous", "service:import", "account-1"),
    method: fc.constantFrom("POST", "PUT", "PATCH"),
    url: fc.constantFrom("/v1/carts", "/v1/carts/eu_a/lines/TEA", "/v1/carts/eu_a", "/v1/carts?region=eu"),
    key: fc.constantFrom("1", "k", "/v1/carts", "account-1"),
    json: fc.oneof(
      fc.constantFrom({}, { a: 1, b: [1, 2] }, { a: 1, b: [2, 1] }, { b: [1, 2] }, { a: { c: null } }, "text", ""),
      fc.jsonValue({ maxDepth: 2 })
    )
  })
  .map((drawn) => ({ ...drawn, body: JSON.stringify(drawn.json) }))

const alike = (a: IntentRequest, b: IntentRequest): boolean =>
  a.sender === b.sender && a.method === b.method && a.url === b.url && a.key === b.key

/** The same value, written with its members in another order and with white space. */
const rewritten = (value: unknown): string => {
  if (Array.isArray(value)) return `[ ${value.map(rewritten).join(" ,\n")} ]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  const members = Object.entries(value).toReversed()
  return `{ ${members.map(([key, inner]) => `${JSON.stringify(key)} :\t${rewritten(inner)}`).join(",")}}`
}

const plain: IntentRequest = { sender: null, method: "PUT", url: "/", key: "k", body: "" }
const named = (intended: Partial<IntentRequest>): string => intents.of({ ...plain, ...intended }).name("put")

describe("Intent", () => {
  it("two requests have the same names if and only if sender, key, method, place and body are the same", () => {
    fc.assert(
      fc.property(
        intended,
        intended,
        fc.constantFrom("open", "cart"),
        fc.constantFrom("open", "cart"),
        (a, b, one, other) => {
          const same = alike(a, b) && fingerprint([a.json]) === fingerprint([b.json]) && one === other
          assert.strictEqual(intents.of(a).name(one) === intents.of(b).name(other), same)
          assert.strictEqual(
            intents.placeOf(a) === intents.placeOf(b),
            a.sender === b.sender && a.key === b.key && (a.sender !== null || a.url === b.url)
          )
        }
      ),
      { numRuns: 2_000 }
    )
  })

  it("white space, the order of members and of parameters, and escapes make no other request of it", () => {
    fc.assert(
      fc.property(intended, (one) => {
        const name = intents.of(one).name("open")
        assert.strictEqual(intents.of({ ...one, body: rewritten(one.json) }).name("open"), name)
      })
    )
    assert.strictEqual(
      named({ url: "/v1/products/TEA%2D1?region=eu&a=%20" }),
      named({ url: "/v1/products/TEA-1?a=+&region=eu" })
    )
    assert.notStrictEqual(named({ url: "/v1/products/TEA%2F1" }), named({ url: "/v1/products/TEA/1" }))
    assert.notStrictEqual(named({ url: "/v1/products/TEA?a=1&a=2" }), named({ url: "/v1/products/TEA?a=2&a=1" }))
    assert.isString(named({ url: "/v1/products/%E0%A4%A" }))
  })

  it("a body that is no JSON is told apart from JSON of the same text", () => {
    assert.strictEqual(new Set(["a", '"a"', "", '""', "null", "{}"].map((body) => named({ body }))).size, 6)
  })

  it("several things of one request are named by what each is", () => {
    const one = intents.of({ ...plain, body: "[1,2]" })
    const other = intents.of({ ...plain, body: "[1,3]" })
    assert.strictEqual(one.name("item", { sku: "A", quantity: 1 }), other.name("item", { quantity: 1, sku: "A" }))
    assert.notStrictEqual(one.name("item", { sku: "A" }), one.name("item", { sku: "B" }))
    assert.notStrictEqual(one.name("item", [1, 2]), one.name("item"))
  })

  it("names are for nobody to compute who has not the secret, whatever is known of the request", () => {
    const known: IntentRequest = { sender: null, method: "POST", url: "/v1/carts", key: "1", body: '{"region":"eu"}' }
    const name = intents.of(known).name("cart")
    assert.match(name, /^[A-Za-z0-9_-]{43}$/)
    assert.notStrictEqual(name, Intents.make(Redacted.make("another")).of(known).name("cart"))
    for (const guess of ["1", "cart:1", "cart:eu:1", JSON.stringify(known)]) {
      assert.notStrictEqual(name, createHash("sha256").update(guess).digest("base64url"))
    }
  })

  it("what nobody can repeat has a new name each time", () => {
    assert.strictEqual(new Set(Array.from({ length: 1_000 }, () => once.name("cart"))).size, 1_000)
  })
})
