import { assert, layer } from "@effect/vitest"
import { Reads, RegionDatabases } from "@halles/entities/routes/Reads"
import { Effect, Layer, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { randomUUID } from "node:crypto"
import { type Answer, EdgeTest, importToken } from "../EdgeTest.ts"
import * as ShopTest from "./ShopTest.ts"

const Shop = EdgeTest.layerOver(ShopTest.layer, Reads.layer.pipe(Layer.provide(RegionDatabases.layerOne)))

const authorised = { authorization: `Bearer ${importToken}` }
const buyer = {
  email: "ada@example.com",
  shippingAddress: { name: "Ada", line1: "1 High St", city: "London", postalCode: "N1", country: "GB" }
}
type Headers = Readonly<Record<string, string>>

const send = (...request: Parameters<EdgeTest["Service"]["send"]>) =>
  Effect.flatMap(EdgeTest, (edge) => edge.send(...request))
const fine = (answer: Answer) => {
  assert.isBelow(answer.status, 300, answer.text)
  return answer
}
/** A product at a price, and so many of it. */
const sell = Effect.fnUntraced(function* (sku: string, amount: number, stock: number) {
  const listing = { title: sku, price: { amount: String(amount), currency: "GBP" }, taxRate: 0 }
  const listed = yield* send("PUT", `/v1/products/${sku}?region=eu`, listing, { ...authorised, "if-match": "*" })
  fine(listed)
  if (stock > 0) yield* receive(sku, stock)
})
const receive = (sku: string, quantity: number) =>
  Effect.map(
    send(
      "POST",
      `/v1/skus/eu/${sku}/receipts`,
      { warehouse: "eu-main", quantity },
      { ...authorised, "idempotency-key": randomUUID() }
    ),
    fine
  )
const cart = Effect.fnUntraced(function* (lines: Readonly<Record<string, number>>) {
  const { json } = yield* send("POST", "/v1/carts", { region: "eu", currency: "GBP" })
  for (const [sku, quantity] of Object.entries(lines)) {
    fine(yield* send("PUT", `/v1/carts/${json.id}/lines/${sku}`, { quantity }))
  }
  return json.id as string
})
const view = (id: string, headers: Headers = {}) => send("GET", `/v1/carts/${id}`, undefined, headers)
const checkOut = (id: string, body: object = {}, headers: Headers = {}) =>
  send(
    "POST",
    `/v1/carts/${id}/checkout`,
    { ...buyer, paymentToken: "tok_ok", ...body },
    { "idempotency-key": randomUUID(), prefer: "wait=10", ...headers }
  )
const merge = (into: string, from: string) => send("POST", `/v1/carts/${into}/merge`, { from })
const pounds = (amount: number) => ({ amount: String(amount), currency: "GBP" })

layer(Shop, { excludeTestServices: true, timeout: "120 seconds" })("a checkout", (it) => {
  it.effect("whose card is declined leaves the cart as it was, and another card pays", () =>
    Effect.gen(function* () {
      yield* sell("CARD", 1_000, 10)
      const id = yield* cart({ CARD: 2 })
      const shown = yield* view(id)
      const key = { "idempotency-key": randomUUID() }
      const declined = fine(yield* checkOut(id, { paymentToken: "tok_declined" }, key))
      assert.deepInclude(declined.json, { orderId: id, cartId: id, status: "cancelled" })
      assert.deepInclude(declined.json.cancelled, { code: "card_declined", missing: [], cartReopened: true })
      assert.strictEqual(declined.headers.get("link"), `</v1/carts/${id}>; rel="related"`)

      const reopened = yield* view(id)
      assert.deepInclude(reopened.json, { status: "open", orderId: id })
      assert.deepInclude(reopened.json.lastFailure, { code: "card_declined", missing: [] })
      for (const part of ["lines", "charges", "coupon", "totals"]) {
        assert.deepStrictEqual(reopened.json[part], shown.json[part], part)
      }

      const paid = fine(yield* checkOut(id))
      assert.deepInclude(paid.json, { orderId: `${id}-2`, cartId: id, status: "confirmed" })
      assert.strictEqual(paid.headers.get("location"), `/v1/orders/${id}-2`)
      assert.deepInclude((yield* view(id)).json, { status: "checked_out", orderId: `${id}-2`, lastFailure: null })
      // The first key hears of the first order, from the entities too, once nothing is kept of its answer.
      for (const again of [key, { ...key, prefer: "wait=5" }]) {
        const { json } = yield* checkOut(id, { paymentToken: "tok_declined" }, again)
        assert.deepInclude(json, { orderId: id, status: "cancelled" })
      }
      assert.strictEqual((yield* checkOut(id)).json.code, "cart_closed")
      assert.deepInclude((yield* send("GET", "/v1/skus/eu/CARD")).json.totals, { onHand: 10, held: 2, reserved: 0 })
    })
  )

  it.effect("says which articles are missing and how many are left, and the rest is bought", () =>
    Effect.gen(function* () {
      for (const [sku, stock] of [["THERE", 5] as const, ["FEW", 1] as const, ["GONE", 0] as const]) {
        yield* sell(sku, 1_000, stock)
      }
      const id = yield* cart({ THERE: 1, FEW: 3, GONE: 1 })
      const missing = [
        { sku: "FEW", wanted: 3, available: 1 },
        { sku: "GONE", wanted: 1, available: 0 }
      ]
      const { json } = fine(yield* checkOut(id))
      assert.deepInclude(json.cancelled, { code: "no_stock", missing })
      assert.deepInclude((yield* view(id)).json.lastFailure, { code: "no_stock", missing })
      fine(yield* send("DELETE", `/v1/carts/${id}/lines/GONE`))
      const changed = fine(yield* send("PUT", `/v1/carts/${id}/lines/FEW`, { quantity: 1 }))
      assert.isNull(changed.json.lastFailure)
      assert.strictEqual(fine(yield* checkOut(id)).json.status, "confirmed")
    })
  )

  it.effect("charges what the customer agreed to, or is refused with both totals", () =>
    Effect.gen(function* () {
      const both = { expected: pounds(1_395), actual: pounds(9_000) }
      for (const said of ["nothing", "version", "total"]) {
        const sku = `PRICE-${said}`
        yield* sell(sku, 1_000, 10)
        const id = yield* cart({ [sku]: 1 })
        const shown = yield* view(id)
        yield* sell(sku, 9_000, 0)
        const body = said === "total" ? { expectedTotal: pounds(1_395) } : {}
        const headers: Headers = {
          "idempotency-key": randomUUID(),
          ...(said === "version" ? { "if-match": shown.headers.get("etag")! } : {})
        }
        const refused = yield* checkOut(id, body, headers)
        assert.strictEqual(refused.status, 409, refused.text)
        assert.deepInclude(refused.json, { code: "total_changed", type: "/problems/total_changed", context: both })
        // Whoever repeats the request, since the answer was lost, agrees to nothing by it.
        assert.deepInclude((yield* checkOut(id, body, headers)).json, { code: "total_changed", context: both })
        const anew = yield* view(id)
        assert.deepStrictEqual([anew.json.status, anew.json.orderId], ["open", null])
        assert.deepStrictEqual(anew.json.totals.total, pounds(9_000))
        const early = yield* checkOut(id, {}, { "if-match": shown.headers.get("etag")! })
        assert.strictEqual(early.status, 412, early.text)
        const wrong = yield* checkOut(id, { expectedTotal: { ...pounds(9_000), currency: "EUR" } })
        assert.strictEqual(wrong.json.code, "total_changed")
        const agreed = said === "total" ? { expectedTotal: pounds(9_000) } : {}
        const { json } = fine(
          yield* checkOut(id, agreed, said === "version" ? { "if-match": anew.headers.get("etag")! } : {})
        )
        assert.deepStrictEqual(json.payment.authorised, pounds(9_000))
      }
    })
  )

  it.effect("that waits for back-ordered goods says so at once, and for which", () =>
    Effect.gen(function* () {
      yield* sell("LATER", 1_000, 1)
      yield* sell("NOW", 1_000, 5)
      fine(yield* send("PUT", "/v1/skus/eu/LATER/back-orders", { allowed: true }, authorised))
      const { json, status } = yield* checkOut(yield* cart({ LATER: 3, NOW: 1 }))
      assert.deepStrictEqual([status, json.status], [201, "awaiting_stock"])
      assert.deepStrictEqual(json.awaiting, [{ sku: "LATER", quantity: 2 }])
      assert.strictEqual(json.steps.at(-1).step, "stock_awaited")
      yield* receive("LATER", 5)
      const order = send("GET", `/v1/orders/${json.orderId}`)
      const over = yield* Effect.repeat(order, {
        schedule: Schedule.spaced("200 millis"),
        until: (now) => now.json.status === "confirmed",
        times: 100
      })
      assert.deepInclude(over.json, { status: "confirmed", awaiting: [] })
    })
  )
})

layer(Shop, { excludeTestServices: true, timeout: "120 seconds" })("a cart", (it) => {
  it.effect(
    "says what there is of each line, under a tag that is of both, and whose version changes with the cart only",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const stocked = (sku: string, available: number, backOrder = false) => sql`
        INSERT INTO stock_view (id, seq, on_hand, held, reserved, available, shipped, back_ordered, back_order_allowed,
          warehouses, waiting, updated_at)
        VALUES (${`eu_${sku}`}, 1, ${available}, 0, 0, ${available}, 0, 0, ${backOrder}, '[]', '{}', now())
        ON CONFLICT (id) DO UPDATE SET available = excluded.available, on_hand = excluded.on_hand`
        const rows = [
          ["A-PLENTY", 9, "in_stock"],
          ["A-FEW", 1, "insufficient"],
          ["A-NONE", 0, "out_of_stock"],
          ["A-LATER", 0, "back_order"]
        ] as const
        for (const [sku, available, wanted] of rows) {
          yield* sell(sku, 1_000, 0)
          if (sku !== "A-NONE") yield* stocked(sku, available, wanted === "back_order")
        }
        const id = yield* cart(Object.fromEntries(rows.map(([sku]) => [sku, 2])))
        const shown = yield* view(id)
        assert.deepStrictEqual(
          shown.json.lines.map((line: Record<string, unknown>) => [
            line["sku"],
            line["available"],
            line["availability"]
          ]),
          rows
        )
        const tag = shown.headers.get("etag")!
        assert.match(tag, /^"5-[\w-]{11}"$/)
        assert.strictEqual((yield* view(id, { "if-none-match": tag })).status, 304)
        yield* stocked("A-FEW", 2)
        const changed = yield* Effect.repeat(view(id, { "if-none-match": tag }), {
          schedule: Schedule.spaced("200 millis"),
          while: ({ status }) => status === 304,
          times: 20
        })
        assert.strictEqual(changed.json.lines[1].availability, "in_stock")
        const put = yield* send("PUT", `/v1/carts/${id}/lines/A-FEW`, { quantity: 3 }, { "if-match": tag })
        assert.strictEqual(put.status, 200, "stock alone makes no other version of a cart")
        assert.strictEqual(put.headers.get("etag"), '"6"')
        const early = yield* send("PUT", `/v1/carts/${id}/lines/A-FEW`, { quantity: 4 }, { "if-match": tag })
        assert.strictEqual(early.status, 412)
      })
  )

  it.effect("is shown without it when the read table does not answer", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sell("B-ALONE", 1_000, 0)
      const id = yield* cart({ "B-ALONE": 1 })
      yield* sql`ALTER TABLE stock_view RENAME TO stock_away`
      const shown = yield* Effect.ensuring(view(id), Effect.orDie(sql`ALTER TABLE stock_away RENAME TO stock_view`))
      assert.deepStrictEqual([shown.status, shown.headers.get("etag")], [200, '"2"'])
      assert.notProperty(shown.json.lines[0], "available")
    })
  )

  it.effect("takes the other one's coupon along, and names the one that it drops", () =>
    Effect.gen(function* () {
      yield* sell("M-TEA", 10_000, 10)
      const having = Effect.fnUntraced(function* (code: string, basisPoints: number) {
        const id = yield* cart({ "M-TEA": 1 })
        fine(yield* send("PUT", `/v1/carts/${id}/coupon`, { code, basisPoints }, authorised))
        return id
      })
      const guest = yield* having("WELCOME", 1_000)
      const own = yield* cart({})
      const merged = fine(yield* merge(own, guest))
      assert.deepInclude(merged.json, { coupon: { code: "WELCOME", basisPoints: 1_000 }, notices: [] })
      assert.deepStrictEqual(merged.json.totals.total, pounds(9_000))
      const better = yield* having("BETTER", 2_000)
      const both = fine(yield* merge(own, better))
      assert.deepStrictEqual(both.json.coupon.code, "BETTER")
      assert.deepStrictEqual(both.json.notices, [
        {
          code: "coupon_dropped",
          from: better,
          coupon: { code: "WELCOME", basisPoints: 1_000 },
          kept: { code: "BETTER", basisPoints: 2_000 }
        }
      ])
    })
  )
})
