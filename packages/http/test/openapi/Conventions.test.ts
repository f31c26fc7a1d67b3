import { assert, layer } from "@effect/vitest"
import { Reads, RegionDatabases } from "@halles/entities/routes/Reads"
import { RedisTest } from "@halles/shared/testing/RedisTest"
import { twoFactors } from "@halles/shared/security/Authority"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import * as fc from "fast-check"
import { EdgeTest, importToken } from "../EdgeTest.ts"
import { Issuer } from "../Issuer.ts"
import * as ShopTest from "../shop/ShopTest.ts"

const staff = { authorization: `Bearer ${importToken}` }
const keyed = (key: string) => ({ ...staff, "idempotency-key": key })
const tea = { title: "Tea", price: { amount: "495", currency: "GBP" }, taxRate: 2000 }
const checkout = {
  email: "ada@example.com",
  shippingAddress: { name: "Ada", line1: "1 High St", city: "London", postalCode: "N1", country: "GB" },
  paymentToken: "tok_ok"
}

const stocked = (sku: string, quantity: number) =>
  Effect.gen(function* () {
    const { send } = yield* EdgeTest
    const listed = yield* send("PUT", `/v1/products/${sku}?region=eu`, tea, { ...staff, "if-match": '"0"' })
    assert.strictEqual(listed.status, 200, listed.text)
    const body = { warehouse: "eu-main", quantity }
    const received = yield* send("POST", `/v1/skus/eu/${sku}/receipts`, body, keyed(`stock-${sku}`))
    assert.strictEqual(received.status, 200, received.text)
    return listed
  })

/** Nobody writes the read tables here: what a list shows of a change it has from the entity. */
const Edge = EdgeTest.layerOver(ShopTest.layer, Reads.layer.pipe(Layer.provide(RegionDatabases.layerOne)))

layer(Edge, { excludeTestServices: true, timeout: "120 seconds" })("conventions", (it) => {
  it.effect("a key has one effect, whatever becomes of Redis, and whoever else sends it at the same time", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const redis = yield* RedisTest
      const services = yield* Effect.context<EdgeTest | RedisTest>()
      const receive = (sku: string, key: number) => {
        const path = `/v1/skus/eu/${sku}/receipts`
        return send("POST", path, { warehouse: "eu-main", quantity: 10 ** key }, keyed(`${sku}-${key}`))
      }
      const step = fc.record({ keys: fc.array(fc.nat(4), { minLength: 1, maxLength: 5 }), loses: fc.boolean() })
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(fc.uuid(), fc.array(step, { minLength: 1, maxLength: 4 }), (id, steps) =>
            Effect.runPromiseWith(services)(
              Effect.gen(function* () {
                const sku = `S${id.replaceAll("-", "")}`
                const accepted = new Set<number>()
                for (const { keys, loses } of steps) {
                  if (loses) yield* redis.kill
                  const answers = yield* Effect.forEach(keys, (key) => receive(sku, key), { concurrency: "unbounded" })
                  for (const [index, { status, text }] of answers.entries()) {
                    assert.include([200, 409], status, text)
                    if (status === 200) accepted.add(keys[index]!)
                  }
                  if (loses) yield* redis.start
                }
                const { json } = yield* send("GET", `/v1/skus/eu/${sku}`)
                const sum = [...accepted].reduce((total, key) => total + 10 ** key, 0)
                assert.strictEqual(json.totals.onHand, sum)
              })
            )
          ),
          { numRuns: 8 }
        )
      )
    })
  )

  it.effect("a product is replaced only by who has seen it", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const first = yield* stocked("SEEN", 1)
      const put = (title: string, headers: Readonly<Record<string, string>>) =>
        send("PUT", "/v1/products/SEEN?region=eu", { ...tea, title }, { ...staff, ...headers })
      const blind = yield* put("Blind", {})
      assert.deepInclude(blind.json, { status: 428, code: "precondition_required" })
      const tag = first.headers.get("etag")!
      assert.strictEqual((yield* put("Second", { "if-match": tag })).status, 200)
      assert.strictEqual((yield* put("Third", { "if-match": tag })).status, 412)
      assert.strictEqual((yield* send("GET", "/v1/products/SEEN?region=eu")).json.title, "Second")
    })
  )

  it.effect("a list that is asked with a token shows what was written, though its table never follows", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const listed = yield* stocked("LISTED", 5)
      const products = (token: string) =>
        send("GET", "/v1/products?region=eu", undefined, { "consistency-token": token })
      assert.deepStrictEqual((yield* send("GET", "/v1/products?region=eu")).json.items, [])
      const token = listed.headers.get("consistency-token")!
      assert.deepStrictEqual(
        (yield* products(token)).json.items.map(({ sku }: { sku: string }) => sku),
        ["LISTED"]
      )
      const gone = yield* send("DELETE", "/v1/products/LISTED?region=eu", undefined, staff)
      assert.deepStrictEqual((yield* products(gone.headers.get("consistency-token")!)).json.items, [])
      const bad = yield* products("made-up")
      assert.deepInclude(bad.json.errors?.[0], { header: "consistency-token" }, bad.text)
    })
  )

  it.effect("a customer's order is in the list as soon as its checkout is answered, and in nobody else's", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      yield* stocked("ORDERED", 5)
      const ada = yield* send("POST", "/v1/customers", { region: "eu", email: "ada@example.com" })
      const eve = yield* send("POST", "/v1/customers", { region: "eu", email: "eve@example.com" })
      const cart = yield* send("POST", "/v1/carts", { region: "eu", currency: "GBP", customerId: ada.json.id })
      const path = `/v1/carts/${cart.json.id}`
      yield* send("PUT", `${path}/lines/ORDERED`, { quantity: 1 })
      const order = yield* send("POST", `${path}/checkout`, checkout, { "idempotency-key": "o1", prefer: "wait=10" })
      assert.strictEqual(order.status, 201, order.text)
      assert.strictEqual(order.headers.get("preference-applied"), "wait=10")
      const orders = (id: string) =>
        send("GET", `/v1/customers/${id}/orders?limit=5`, undefined, {
          "consistency-token": order.headers.get("consistency-token")!
        })
      const mine = yield* orders(ada.json.id)
      assert.strictEqual(mine.json.items.length, 1, mine.text)
      assert.deepInclude(mine.json.items[0], { id: order.json.id, status: "confirmed", total: order.json.totals.total })
      assert.include(mine.headers.get("link"), `</v1/customers/${ada.json.id}/orders?limit=5>; rel="first"`)
      assert.deepStrictEqual((yield* orders(eve.json.id)).json.items, [])
      const payment = yield* send("GET", `/v1/orders/${order.json.id}/payment`)
      assert.deepInclude(payment.json, { status: "authorised", authorised: order.json.totals.total })
      assert.deepInclude((yield* send("GET", `/v1/orders/${order.json.id}/shipment`)).json, { status: "booked" })
    })
  )

  it.effect("of many items each succeeds or fails by itself, once", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const item = { type: "receive", region: "eu", sku: "BULK", warehouse: "eu-main", quantity: 7 }
      const count = { ...item, type: "adjust", expectedOnHand: 6, onHand: 5, reason: "count" }
      const { quantity: _, ...wrong } = count
      const ask = send("POST", "/v1/bulk/stock", { items: [item, wrong, item] }, keyed("bulk-1"))
      const first = yield* ask
      assert.strictEqual(first.status, 207, first.text)
      assert.deepStrictEqual(
        first.json.items.map(({ problem, status }: { problem: { code: string } | null; status: number }) => [
          status,
          problem?.code ?? null
        ]),
        [
          [200, null],
          [409, "stock_changed"],
          [200, null]
        ]
      )
      assert.deepInclude(first.json, { succeeded: 2, failed: 1 })
      // Where Redis is too slow to keep an answer, the repeat is carried out again, and does nothing.
      yield* Effect.repeat(ask, { until: ({ headers }) => headers.get("idempotent-replayed") === "true" })
      assert.strictEqual((yield* send("GET", "/v1/skus/eu/BULK")).json.totals.onHand, 14)
      const many = yield* send(
        "POST",
        "/v1/bulk/stock",
        { items: Array.from({ length: 101 }, () => item) },
        keyed("bulk-2")
      )
      assert.strictEqual(many.status, 400)
      assert.strictEqual(
        (yield* send("POST", "/v1/bulk/stock", { items: [item] }, { "idempotency-key": "b" })).status,
        401
      )
    })
  )

  it.effect("staff of one region changes nothing in another, in whatever items", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const token = yield* (yield* Issuer).sign({
        roles: ["warehouse"],
        scope: "stock:write",
        region: "eu",
        acr: twoFactors
      })
      const item = { type: "receive", region: "eu", sku: "LOCAL", warehouse: "eu-main", quantity: 1 }
      const ask = (key: string, ...regions: ReadonlyArray<string>) =>
        send(
          "POST",
          "/v1/bulk/stock",
          { items: regions.map((region) => ({ ...item, region })) },
          {
            authorization: `Bearer ${token}`,
            "idempotency-key": key
          }
        )
      assert.strictEqual((yield* ask("l1", "eu", "am")).status, 403)
      assert.strictEqual((yield* send("GET", "/v1/skus/eu/LOCAL")).status, 404)
      assert.strictEqual((yield* ask("l2", "eu")).status, 207)
    })
  )

  it.effect("what a request causes is part of its caller's trace, in the journal as in the answer", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const sql = yield* SqlClient.SqlClient
      const traceId = "4bf92f3577b34da6a3ce929d0e0e4736"
      const traceparent = `00-${traceId}-00f067aa0ba902b7-01`
      const traced = yield* send("POST", "/v1/carts", { region: "eu", currency: "GBP" }, { traceparent })
      assert.include(traced.headers.get("traceresponse"), traceId)
      const meta = (id: string) =>
        Effect.map(
          sql<{
            trace: string | null
          }>`SELECT meta->>'traceId' AS trace FROM journal WHERE entity_id = ${id} AND seq = 1`,
          ([row]) => row?.trace
        )
      assert.strictEqual(yield* meta(traced.json.id), traceId)
      const begun = yield* send("POST", "/v1/carts", { region: "eu", currency: "GBP" })
      assert.strictEqual(yield* meta(begun.json.id), begun.headers.get("traceresponse")?.split("-")[1])
    })
  )
})
