import { assert, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import { current, downgraded, older, upgraded } from "../../src/openapi/ApiVersions.ts"
import { EdgeTest, importToken } from "../EdgeTest.ts"

const money = fc.record({ amount: fc.integer().map(String), currency: fc.constantFrom("GBP", "EUR") })
const body = fc.dictionary(
  fc.constantFrom("price", "total", "lines", "next", "title"),
  fc.oneof(money, fc.array(money), fc.record({ unitPrice: money, quantity: fc.nat() }), fc.string(), fc.constant(null))
)

it("a body that goes down to any older version and up again is as it was", () => {
  fc.assert(
    fc.property(body, fc.constantFrom(...older.map(({ version }) => version)), (now, version) => {
      assert.deepEqual(upgraded(version, downgraded(version, now as never)), now)
    })
  )
})

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("versions", (it) => {
  const old = { "halles-version": "2026-09-01", authorization: `Bearer ${importToken}` }

  it.effect("an older one is spoken both ways, and says when it ends", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const opened = yield* send("POST", "/v1/carts", { region: "eu", currency: "GBP", pricing: "agreed" }, old)
      assert.strictEqual(opened.json.totals.total.amount, 0, opened.text)
      const path = `/v1/carts/${opened.json.id}`
      const line = { quantity: 2, unitPrice: { amount: 250, currency: "GBP" } }
      const put = yield* send("PUT", `${path}/lines/TEA`, line, old)
      assert.strictEqual(put.json.lines[0].total.amount, 500, put.text)
      assert.strictEqual(put.headers.get("deprecation"), `@${Date.parse("2026-11-01") / 1_000}`)
      assert.strictEqual(put.headers.get("sunset"), "Mon, 01 Nov 2027 00:00:00 GMT")
      assert.include(put.headers.get("vary"), "halles-version")
      const now = yield* send("GET", path)
      assert.strictEqual(now.json.lines[0].total.amount, "500")
      assert.isNull(now.headers.get("deprecation"))
      const list = yield* send("GET", "/v1/products?region=eu", undefined, old)
      assert.deepStrictEqual(list.json, { items: [], next_cursor: null })
    })
  )

  it.effect("the current one is the default, and one that is unknown is refused", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const named = yield* send("GET", "/v1/products?region=eu", undefined, { "halles-version": current })
      assert.deepStrictEqual(named.json, { items: [], next: null })
      assert.strictEqual(named.headers.get("halles-version"), current)
      const unknown = yield* send("GET", "/v1/products?region=eu", undefined, { "halles-version": "1999-01-01" })
      assert.deepInclude(unknown.json, { status: 400, code: "unknown_version" })
      // What the current version does not take is refused in the older one too, at its place.
      const wrong = yield* send("POST", "/v1/carts", { region: "eu", currency: 1 }, old)
      assert.deepInclude(wrong.json.errors[0], { pointer: "/currency" })
    })
  )
})
