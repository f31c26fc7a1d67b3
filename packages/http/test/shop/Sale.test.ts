import { assert, layer } from "@effect/vitest"
import * as WebhookSignature from "@halles/shared/security/WebhookSignature"
import { Effect, Schedule } from "effect"
import { carrierSecret, EdgeTest, importToken } from "../EdgeTest.ts"
import * as ShopTest from "./ShopTest.ts"

const authorised = { authorization: `Bearer ${importToken}` }
const tea = {
  region: "eu",
  sku: "TEA",
  title: "Tea",
  price: { amount: "495", currency: "GBP" },
  taxRate: 2000,
  stock: 10
}
const checkout = {
  email: "ada@example.com",
  shippingAddress: { name: "Ada", line1: "1 High St", city: "London", postalCode: "N1", country: "GB" },
  paymentToken: "tok_ok"
}

const carrierSays = (event: { readonly eventId: string; readonly orderId: string; readonly type: string }) =>
  Effect.flatMap(EdgeTest, ({ send }) => {
    const more = event.type === "return.received" ? {} : { shipmentId: event.orderId, trackingNumbers: ["T1"] }
    const body = JSON.stringify({ ...event, ...more, reference: "r", occurredAt: new Date().toISOString() })
    const signed = WebhookSignature.make([carrierSecret]).sign({ id: event.eventId, at: new Date(), body })
    return send("POST", "/webhooks/carrier", body, { ...signed })
  })

/** The order, once it is so; the saga needs a moment. */
const orderWhen = (id: string, status: string) =>
  Effect.flatMap(EdgeTest, ({ send }) => send("GET", `/v1/orders/${id}`)).pipe(
    Effect.repeat({ schedule: Schedule.spaced("50 millis"), while: ({ json }) => json.status !== status, times: 200 }),
    Effect.tap(({ json, text }) => Effect.sync(() => assert.strictEqual(json.status, status, text)))
  )

layer(EdgeTest.layerOver(ShopTest.layer), { excludeTestServices: true, timeout: "120 seconds" })("a sale", (it) => {
  it.effect("takes many lines by one command, and tells those who want no cart only what became of them", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const codes = ["MANY-1", "MANY-2", "MANY-3"]
      const rows = codes.map((sku) => JSON.stringify({ ...tea, sku }))
      yield* send("POST", "/v1/catalog/import", rows.join("\n"), {
        ...authorised,
        "content-type": "application/x-ndjson"
      })
      const cart = yield* send("POST", "/v1/carts", { region: "eu", currency: "GBP" })
      const path = `/v1/carts/${cart.json.id}`
      const items = [...codes, "GONE"].map((sku) => ({ sku, quantity: 2 }))
      const bulk = (key: string, prefer = "return=representation") =>
        send("POST", `/v1/bulk${path.slice(3)}/lines`, { items }, { "idempotency-key": key.repeat(22), prefer })
      const first = yield* bulk("a")
      assert.strictEqual(first.status, 207, first.text)
      assert.deepInclude(first.json, { succeeded: 3, failed: 1 })
      assert.deepStrictEqual(
        first.json.items.map((item: { seq: number; problem: { code: string } | null }) => [
          item.seq,
          item.problem?.code ?? null
        ]),
        [
          [2, null],
          [2, null],
          [2, null],
          [null, "not_sold"]
        ]
      )
      assert.strictEqual(first.json.cart.totals.goods.amount, "2970")
      assert.deepStrictEqual((yield* bulk("a")).json.items, first.json.items)
      const again = yield* bulk("b", "respond-async, return=minimal")
      assert.deepStrictEqual([again.json.cart, again.json.failed], [null, 1])

      const minimal = { prefer: "return=minimal" }
      const put = yield* send("PUT", `${path}/lines/MANY-1`, { quantity: 5 }, minimal)
      assert.deepStrictEqual([put.status, put.text, put.headers.get("etag")], [204, "", '"3"'])
      assert.strictEqual(put.headers.get("preference-applied"), "return=minimal")
      const key = { "idempotency-key": "c".repeat(22) }
      const add = (headers: object) =>
        send("POST", `${path}/lines`, { sku: "MANY-2", quantity: 3 }, { ...key, ...headers })
      assert.strictEqual((yield* add(minimal)).status, 204)
      // The same request, though it wants another answer, is the same change.
      assert.strictEqual((yield* add({})).json.lines[1].quantity, 5)
      const removed = yield* send("DELETE", `${path}/lines/MANY-3`, undefined, { ...minimal, "if-match": '"4"' })
      assert.deepStrictEqual([removed.status, removed.headers.get("etag")], [204, '"5"'])
      for (const [method, place, body, code] of [
        ["PUT", `${path}/lines/GONE`, { quantity: 1 }, "not_sold"],
        ["PUT", `${path}/lines/MANY-1`, { quantity: 1, unitPrice: { amount: "1", currency: "GBP" } }, "unauthorized"],
        ["PUT", "/v1/carts/eu_nowhere/lines/MANY-1", { quantity: 1 }, "not_found"]
      ] as const)
        assert.strictEqual((yield* send(method, place, body, minimal)).json.code, code)
      const stale = yield* send("DELETE", `${path}/lines/MANY-1`, undefined, { ...minimal, "if-match": '"4"' })
      assert.strictEqual(stale.json.code, "precondition_failed")
      const { lines } = (yield* send("GET", path)).json
      assert.deepStrictEqual(
        lines.map((line: { sku: string; quantity: number }) => [line.sku, line.quantity]),
        [
          ["MANY-1", 5],
          ["MANY-2", 5]
        ]
      )
    })
  )

  it.effect("goes from the catalogue to the doorstep and back", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const ndjson = { ...authorised, "content-type": "application/x-ndjson", "import-id": "sale" }
      const imported = yield* send("POST", "/v1/catalog/import", JSON.stringify(tea), ndjson)
      assert.include(imported.text, '"accepted":1', imported.text)
      yield* send("POST", "/v1/catalog/import", JSON.stringify(tea), ndjson)
      assert.deepInclude((yield* send("GET", "/v1/skus/eu/TEA")).json.totals, { onHand: 10, available: 10 })

      const cart = yield* send("POST", "/v1/carts", { region: "eu", currency: "GBP" })
      const path = `/v1/carts/${cart.json.id}`
      const put = yield* send("PUT", `${path}/lines/TEA`, { quantity: 2 })
      assert.strictEqual(put.json.totals?.goods.amount, "990", put.text)
      const key = { "idempotency-key": "sale-1", prefer: "wait=10" }
      const placed = yield* send("POST", `${path}/checkout`, checkout, key)
      assert.strictEqual(placed.status, 201, placed.text)
      const again = yield* send("POST", `${path}/checkout`, checkout, key)
      assert.strictEqual(again.json.orderId, placed.json.orderId)
      const reused = yield* send("POST", `${path}/checkout`, { ...checkout, email: "eve@example.com" }, key)
      assert.strictEqual(reused.json.code, "idempotency_key_reused", reused.text)
      const id = placed.json.orderId
      assert.strictEqual((yield* send("PUT", `${path}/lines/TEA`, { quantity: 3 })).json.code, "cart_closed")

      const { json: confirmed } = yield* orderWhen(id, "confirmed")
      assert.deepStrictEqual(confirmed.payment.authorised, confirmed.totals.total)
      assert.strictEqual((yield* carrierSays({ eventId: "e1", orderId: id, type: "shipment.dispatched" })).status, 204)
      const { json: shipped } = yield* orderWhen(id, "shipped")
      assert.deepStrictEqual(shipped.trackingNumbers, ["T1"])
      assert.deepInclude((yield* send("GET", "/v1/skus/eu/TEA")).json.totals, { onHand: 8, shipped: 2, reserved: 0 })
      assert.strictEqual((yield* send("POST", `/v1/orders/${id}/cancel`, {})).json.code, "too_late_to_cancel")

      const goods = { lines: [{ sku: "TEA", quantity: 2 }], disposition: "restock" }
      const returned = yield* send("POST", `/v1/orders/${id}/returns`, goods, { "idempotency-key": "back-1" })
      assert.strictEqual(returned.status, 202, returned.text)
      const { returnId } = returned.json
      const received = { eventId: "e2", orderId: id, type: "return.received", returnId }
      assert.strictEqual((yield* carrierSays(received)).status, 204)
      const { json: over } = yield* orderWhen(id, "returned")
      assert.notStrictEqual(over.payment.refunded.amount, "0")
      assert.deepInclude((yield* send("GET", "/v1/skus/eu/TEA")).json.totals, { onHand: 10, available: 10 })
    })
  )

  it.effect("that the card does not pay for is decided too: cancelled, with nothing held", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const cart = yield* send("POST", "/v1/carts", { region: "eu", currency: "GBP" })
      yield* send("PUT", `/v1/carts/${cart.json.id}/lines/TEA`, { quantity: 1 })
      const declined = { ...checkout, paymentToken: "tok_declined" }
      const headers = { "idempotency-key": "sale-2", prefer: "wait=10" }
      const placed = yield* send("POST", `/v1/carts/${cart.json.id}/checkout`, declined, headers)
      assert.include([201, 202], placed.status)
      const { json } = yield* orderWhen(placed.json.orderId, "cancelled")
      assert.strictEqual(json.cancelled.code, "card_declined")
      assert.deepInclude((yield* send("GET", "/v1/skus/eu/TEA")).json.totals, { held: 0, reserved: 0 })
    })
  )
})
