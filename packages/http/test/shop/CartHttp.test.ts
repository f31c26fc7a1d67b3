import { assert, layer } from "@effect/vitest"
import { steadyKey } from "@halles/shared/testing/SteadyKey"
import { Effect } from "effect"
import { EdgeTest, importToken } from "../EdgeTest.ts"
import { received } from "../EntityDoubles.ts"

const open = { region: "eu", currency: "GBP" }
const authorised = { authorization: `Bearer ${importToken}` }
const checkout = {
  email: "ada@example.com",
  shippingAddress: { name: "Ada", line1: "1 High St", city: "London", postalCode: "N1", country: "GB" },
  paymentToken: "tok_ok"
}

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("carts", (it) => {
  it.effect("go from opening to an order", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const opened = yield* send("POST", "/v1/carts", open)
      assert.strictEqual(opened.status, 201, opened.text)
      assert.match(opened.json.id, /^eu_[A-Za-z0-9_-]{22}$/)
      assert.strictEqual(opened.headers.get("location"), `/v1/carts/${opened.json.id}`)
      const path = `/v1/carts/${opened.json.id}`
      const put = yield* send("PUT", `${path}/lines/TEA`, { quantity: 2 })
      assert.strictEqual(put.status, 200, put.text)
      assert.deepStrictEqual(put.json.totals.total, { amount: "3990", currency: "GBP" })
      assert.deepStrictEqual(put.json.lines[0].unitPrice, { amount: "1995", currency: "GBP" })
      const placed = yield* send("POST", `${path}/checkout`, checkout, { "idempotency-key": "k1" })
      assert.strictEqual(placed.status, 202, placed.text)
      assert.strictEqual(placed.json.orderId, opened.json.id)
      assert.strictEqual(placed.headers.get("location"), `/v1/orders/${opened.json.id}`)
      assert.deepStrictEqual(placed.json.charges[0].amount, { amount: "-100", currency: "GBP" })
      const waited = yield* send("POST", `${path}/checkout`, checkout, { "idempotency-key": "k1", prefer: "wait=5" })
      assert.strictEqual(waited.status, 201)
      assert.strictEqual(waited.json.status, "confirmed")
      assert.strictEqual(waited.headers.get("preference-applied"), "wait=5")
      const checkouts = received.filter((line) => line.startsWith(`Cart ${opened.json.id} CheckOut checkOut:`))
      assert.deepStrictEqual([checkouts.length, new Set(checkouts).size], [2, 1])
    })
  )

  it.effect("are found again by the key they were opened with", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const key = { "idempotency-key": steadyKey("open-1") }
      const first = yield* send("POST", "/v1/carts", open, key)
      const again = yield* send("POST", "/v1/carts", open, key)
      assert.strictEqual(again.json.id, first.json.id)
      const other = yield* send("POST", "/v1/carts", { ...open, currency: "EUR" }, key)
      assert.strictEqual(other.status, 422)
      assert.strictEqual(other.json.code, "idempotency_key_reused")
    })
  )

  it.effect("carry their version as ETag", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const { headers, json } = yield* send("POST", "/v1/carts", open)
      const etag = headers.get("etag") ?? ""
      assert.strictEqual(etag, '"1"')
      const unchanged = yield* send("GET", `/v1/carts/${json.id}`, undefined, { "if-none-match": etag })
      assert.strictEqual(unchanged.status, 304)
      assert.strictEqual(unchanged.text, "")
    })
  )

  it.effect("take agreed prices only from importers, and only in their currency", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const refused = yield* send("POST", "/v1/carts", { ...open, pricing: "agreed" })
      assert.strictEqual(refused.status, 401)
      assert.strictEqual(refused.json.code, "unauthorized")
      const stranger = yield* send("POST", "/v1/carts", { ...open, pricing: "agreed" }, { authorization: "Bearer x" })
      assert.strictEqual(stranger.status, 401)
      assert.strictEqual(stranger.headers.get("www-authenticate"), "Bearer")
      const { json } = yield* send("POST", "/v1/carts", { ...open, pricing: "agreed" }, authorised)
      const line = `/v1/carts/${json.id}/lines/TEA`
      const pounds = { quantity: 3, unitPrice: { amount: "255", currency: "GBP" } }
      assert.strictEqual((yield* send("PUT", line, pounds)).status, 401)
      assert.strictEqual((yield* send("PUT", line, pounds, authorised)).json.totals.total.amount, "765")
      const euros = { quantity: 3, unitPrice: { amount: "255", currency: "EUR" } }
      const mismatch = yield* send("PUT", line, euros, authorised)
      assert.strictEqual(mismatch.status, 422)
      assert.strictEqual(mismatch.json.code, "currency_mismatch")
      const charge = { kind: "discount", amount: { amount: "-50", currency: "GBP" } }
      const put = yield* send("PUT", `/v1/carts/${json.id}/charges/D`, charge, authorised)
      assert.deepStrictEqual(put.json.charges, [
        { code: "D", kind: "discount", amount: { amount: "-50", currency: "GBP" } }
      ])
      assert.strictEqual((yield* send("PUT", `/v1/carts/${json.id}/charges/D`, charge)).status, 401)
    })
  )

  it.effect("refuse with a problem that names what the entity said", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const { json } = yield* send("POST", "/v1/carts", open)
      const gone = yield* send("PUT", `/v1/carts/${json.id}/lines/GONE`, { quantity: 1 })
      assert.strictEqual(gone.status, 422)
      assert.match(gone.headers.get("content-type") ?? "", /^application\/problem\+json/)
      assert.deepInclude(gone.json, { type: "/problems/not_sold", code: "not_sold", status: 422 })
      assert.deepStrictEqual(gone.json.context, { skus: ["GONE"] })
      const closed = yield* send("PUT", `/v1/carts/${json.id}/lines/CLOSED`, { quantity: 1 })
      assert.deepInclude(closed.json, { code: "cart_closed", status: 409 })
      const unknown = yield* send("GET", "/v1/carts/eu_nobody")
      assert.deepInclude(unknown.json, { code: "not_found", status: 404 })
    })
  )

  it.effect("answer 503 within the deadline when a region has no runner, or an entity is stuck", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const { json } = yield* send("POST", "/v1/carts", open)
      const startedAt = Date.now()
      const [down, stuck] = yield* Effect.all(
        [
          send("POST", "/v1/carts", { ...open, region: "am" }),
          send("PUT", `/v1/carts/${json.id}/lines/SLOW`, { quantity: 1 })
        ],
        { concurrency: "unbounded" }
      )
      assert.isBelow(Date.now() - startedAt, 6_000)
      for (const answer of [down, stuck]) {
        assert.strictEqual(answer.status, 503, answer.text)
        assert.strictEqual(answer.json.code, "unavailable")
        assert.strictEqual(answer.headers.get("retry-after"), "1")
      }
    })
  )
})
