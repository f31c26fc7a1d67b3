import { assert, layer } from "@effect/vitest"
import * as Projection from "@halles/engine/projections/Projection"
import { ProductTable } from "@halles/entities/catalogue/ProductTable"
import { StockTable } from "@halles/entities/inventory/StockTable"
import * as Invariants from "@halles/entities/laws/Invariants"
import { Reads, RegionDatabases } from "@halles/entities/routes/Reads"
import * as WebhookSignature from "@halles/shared/security/WebhookSignature"
import { Effect, Layer, Schedule } from "effect"
import { randomUUID } from "node:crypto"
import { type Answer, carrierSecret, EdgeTest, importToken } from "../EdgeTest.ts"
import * as ShopTest from "./ShopTest.ts"

const Shop = EdgeTest.layerOver(ShopTest.layer, Reads.layer.pipe(Layer.provide(RegionDatabases.layerOne)))

const authorised = { authorization: `Bearer ${importToken}` }
/** Sent again while the edge says that it is too busy: all that is sent here may come twice. */
const send = (...request: Parameters<EdgeTest["Service"]["send"]>) =>
  Effect.flatMap(EdgeTest, (edge) => edge.send(...request)).pipe(
    Effect.repeat({ schedule: Schedule.spaced("250 millis"), while: ({ status }) => status === 503, times: 40 })
  )
const fine = (answer: Answer) => {
  assert.isBelow(answer.status, 300, answer.text)
  return answer.json
}
const get = (path: string) => Effect.map(send("GET", path), fine)
const list = (sku: string, amount: number) =>
  Effect.map(
    send(
      "PUT",
      `/v1/products/${sku}?region=eu`,
      { title: sku, price: { amount: String(amount), currency: "GBP" }, taxRate: 0 },
      { ...authorised, "if-match": "*" }
    ),
    fine
  )
const receive = (sku: string, quantity: number) =>
  send(
    "POST",
    `/v1/skus/eu/${sku}/receipts`,
    { warehouse: "eu-main", quantity },
    { ...authorised, "idempotency-key": randomUUID() }
  )
const sell = (sku: string, amount: number, stock: number) =>
  Effect.andThen(list(sku, amount), Effect.map(receive(sku, stock), fine))
const describe = (sku: string, details: object) =>
  send("PUT", `/v1/products/${sku}/details?region=eu`, details, { ...authorised, "if-match": "*" })
/** A bundle: so many of each part. */
const bundle = (sku: string, amount: number, parts: Readonly<Record<string, number>>) =>
  Effect.andThen(
    list(sku, amount),
    describe(sku, { parts: Object.entries(parts).map(([part, quantity]) => ({ sku: part, quantity })) })
  )
const cart = Effect.fnUntraced(function* (lines: Readonly<Record<string, number>>) {
  const { id } = fine(yield* send("POST", "/v1/carts", { region: "eu", currency: "GBP" }))
  for (const [sku, quantity] of Object.entries(lines)) {
    fine(yield* send("PUT", `/v1/carts/${id}/lines/${sku}`, { quantity }))
  }
  return id as string
})
const tryCheckOut = (id: string, key: string) =>
  send(
    "POST",
    `/v1/carts/${id}/checkout`,
    {
      email: "ada@example.com",
      shippingAddress: { name: "Ada", line1: "1 High St", city: "London", postalCode: "N1", country: "GB" },
      paymentToken: "tok_ok"
    },
    { "idempotency-key": key, prefer: "wait=20" }
  )
const checkOut = (id: string) => Effect.map(tryCheckOut(id, randomUUID()), fine)
const stockOf = (sku: string) => Effect.map(get(`/v1/skus/eu/${sku}`), ({ totals }) => totals)
/** The order, once it is so; the saga needs a moment. */
const orderWhen = (id: string, status: string) =>
  get(`/v1/orders/${id}`).pipe(
    Effect.repeat({ schedule: Schedule.spaced("50 millis"), while: (order) => order.status !== status, times: 800 }),
    Effect.tap((order) => Effect.sync(() => assert.strictEqual(order.status, status)))
  )
const carrierSays = (orderId: string, type: string, more: object) => {
  const body = JSON.stringify({
    eventId: `${orderId}:${type}`,
    orderId,
    type,
    ...more,
    reference: "r",
    occurredAt: new Date().toISOString()
  })
  const signed = WebhookSignature.make([carrierSecret]).sign({ id: `${orderId}:${type}`, at: new Date(), body })
  return Effect.map(send("POST", "/webhooks/carrier", body, { ...signed }), fine)
}
/** Read tables are as the journal has it, at once. */
const follow = Effect.forEach([ProductTable, StockTable], (table) =>
  Effect.flatMap(Projection.make(table), ({ rebuild }) => rebuild)
)

layer(Shop, { excludeTestServices: true, timeout: "120 seconds" })("a bundle", (it) => {
  it.effect("is sold as one line, and its parts are held, shipped and taken back", () =>
    Effect.gen(function* () {
      yield* sell("CUP", 400, 10)
      yield* sell("POT", 900, 3)
      fine(yield* bundle("SET", 1_500, { CUP: 4, POT: 1 }))
      const parts = [
        { sku: "CUP", quantity: 4 },
        { sku: "POT", quantity: 1 }
      ]
      assert.deepInclude(yield* get("/v1/products/SET"), { parts })
      yield* follow
      assert.deepInclude(yield* get("/v1/products/SET/availability"), { sku: "SET", available: 2, backOrder: false })
      assert.deepInclude(yield* get("/v1/products/CUP/availability"), { sku: "CUP", available: 10 })

      const id = yield* cart({ SET: 2, CUP: 1 })
      const shown = yield* get(`/v1/carts/${id}`)
      assert.deepInclude(shown.lines[0], { sku: "SET", parts, availability: "in_stock", available: 2 })
      assert.deepInclude(shown.lines[1], { sku: "CUP", availability: "in_stock", available: 10 })
      assert.strictEqual(shown.totals.goods.amount, "3400")
      const tooMany = yield* get(`/v1/carts/${yield* cart({ SET: 1, CUP: 7 })}`)
      assert.deepInclude(tooMany.lines[0], { availability: "insufficient", available: 2 })
      assert.deepInclude(tooMany.lines[1], { availability: "insufficient", available: 10 })

      const { orderId } = yield* checkOut(id)
      // What is made of the bundle afterwards is nothing to the order.
      fine(yield* bundle("SET", 1_500, { CUP: 1 }))
      const order = yield* orderWhen(orderId, "confirmed")
      assert.deepInclude(order.lines[0], { sku: "SET", quantity: 2, parts })
      assert.deepInclude(yield* stockOf("CUP"), { onHand: 10, held: 9, available: 1 })
      assert.deepInclude(yield* stockOf("POT"), { onHand: 3, held: 2, available: 1 })
      const { parcels } = yield* get(`/v1/orders/${orderId}/shipment`)
      assert.sameDeepMembers(parcels[0].lines, [
        { sku: "CUP", quantity: 9 },
        { sku: "POT", quantity: 2 }
      ])

      yield* carrierSays(orderId, "shipment.dispatched", { shipmentId: orderId, trackingNumbers: ["T1"] })
      yield* orderWhen(orderId, "shipped")
      assert.deepInclude(yield* stockOf("CUP"), { onHand: 1, held: 0, shipped: 9 })
      assert.deepInclude(yield* stockOf("POT"), { onHand: 1, held: 0, shipped: 2 })

      const giveBack = (sku: string, quantity: number) =>
        send(
          "POST",
          `/v1/orders/${orderId}/returns`,
          { lines: [{ sku, quantity }], disposition: "restock" },
          { "idempotency-key": randomUUID() }
        )
      // A part by itself is no line of the order; of the cups one was bought beside the bundle.
      assert.deepInclude((yield* giveBack("POT", 1)).json, { code: "return_exceeds" })
      assert.deepInclude((yield* giveBack("CUP", 2)).json, { code: "return_exceeds" })
      const { returnId } = fine(yield* giveBack("SET", 1))
      yield* carrierSays(orderId, "return.received", { returnId })
      const back = yield* orderWhen(orderId, "partially_returned")
      assert.deepInclude(back.returns[0], { amount: { amount: "1500", currency: "GBP" }, status: "refunded" })
      assert.deepInclude(back.returns[0].lines[0], { sku: "SET", quantity: 1 })
      assert.deepInclude(yield* stockOf("CUP"), { onHand: 5, available: 5 })
      assert.deepInclude(yield* stockOf("POT"), { onHand: 2, available: 2 })
    })
  )

  it.effect("has the parts of the moment in which it is bought, or none at all", () =>
    Effect.gen(function* () {
      yield* sell("OLD", 100, 5)
      yield* sell("NEW", 100, 5)
      fine(yield* bundle("MIX", 300, { OLD: 1 }))
      const id = yield* cart({ MIX: 1 })
      fine(yield* bundle("MIX", 300, { NEW: 2 }))
      // A part that is off sale is still a part.
      fine(yield* send("DELETE", "/v1/products/NEW?region=eu", undefined, authorised))
      const key = randomUUID()
      const refused = yield* tryCheckOut(id, key)
      assert.deepInclude(refused.json, { status: 409, code: "bundle_changed", context: { skus: ["MIX"] } })
      // The customer sees what it is made of now. Who repeats the request agrees to nothing by it.
      assert.deepStrictEqual((yield* get(`/v1/carts/${id}`)).lines[0].parts, [{ sku: "NEW", quantity: 2 }])
      assert.strictEqual((yield* tryCheckOut(id, key)).json.code, "bundle_changed")
      const { lines, orderId } = yield* checkOut(id)
      assert.deepStrictEqual(lines[0].parts, [{ sku: "NEW", quantity: 2 }])
      assert.deepInclude(yield* orderWhen(orderId, "confirmed"), { lines })
      assert.deepInclude(yield* stockOf("OLD"), { held: 0 })
      assert.deepInclude(yield* stockOf("NEW"), { held: 2 })

      const lacking = yield* checkOut(yield* cart({ MIX: 2 }))
      assert.deepInclude(lacking.cancelled, { code: "no_stock", missing: [{ sku: "NEW", wanted: 4, available: 3 }] })
      assert.deepInclude(yield* stockOf("NEW"), { held: 2 })
    })
  )

  it.effect("does not nest, has no stock of its own, and hears of each part that does not fit", () =>
    Effect.gen(function* () {
      yield* sell("LEAF", 100, 5)
      fine(yield* bundle("INNER", 300, { LEAF: 2 }))
      const faults = (sku: string, parts: Readonly<Record<string, number>>) =>
        Effect.map(bundle(sku, 500, parts), ({ json }) => [json.code, json.errors])
      assert.deepStrictEqual(yield* faults("OUTER", { LEAF: 1, INNER: 1 }), [
        "content_refused",
        [{ pointer: "/parts/1/sku", detail: "INNER is a bundle" }]
      ])
      assert.deepStrictEqual(yield* faults("OUTER", { OUTER: 1 }), [
        "content_refused",
        [{ pointer: "/parts/0/sku", detail: "A bundle is no part of itself" }]
      ])
      const twice = yield* describe("OUTER", { parts: ["LEAF", "LEAF"].map((sku) => ({ sku, quantity: 1 })) })
      assert.deepStrictEqual(twice.json.errors, [{ pointer: "/parts/1/sku", detail: "LEAF stands twice" }])
      yield* follow
      assert.deepStrictEqual((yield* faults("LEAF", { OUTER: 1 }))[1], [
        { pointer: "/parts", detail: "The product is a part of the bundle INNER" },
        { pointer: "/parts", detail: "The SKU has stock of its own, or may be sold before it is there" }
      ])
      for (const parts of [[], [{ sku: "LEAF", quantity: 0 }], [{ sku: "LEAF", quantity: 1_001 }], [{ sku: "LEAF" }]]) {
        assert.strictEqual((yield* describe("OUTER", { parts })).status, 400)
      }

      assert.deepInclude((yield* receive("INNER", 5)).json, { status: 409, code: "bundle_has_no_stock" })
      const backOrders = yield* send("PUT", "/v1/skus/eu/INNER/back-orders", { allowed: true }, authorised)
      assert.strictEqual(backOrders.json.code, "bundle_has_no_stock")
      const row = {
        region: "eu",
        sku: "INNER",
        title: "I",
        price: { amount: "1", currency: "GBP" },
        taxRate: 0,
        stock: 5
      }
      const imported = yield* send("POST", "/v1/catalog/import", JSON.stringify(row), {
        ...authorised,
        "content-type": "application/x-ndjson"
      })
      assert.include(imported.text, "bundle_has_no_stock")
      // So is one that had stock, and sold it, before it became a bundle.
      yield* sell("WAS", 100, 1)
      const counted = { warehouse: "eu-main", expectedOnHand: 1, onHand: 0, reason: "sold out" }
      const key = { ...authorised, "idempotency-key": randomUUID() }
      fine(yield* send("POST", "/v1/skus/eu/WAS/adjustments", counted, key))
      fine(yield* describe("WAS", { parts: [{ sku: "LEAF", quantity: 1 }] }))
      assert.deepInclude((yield* receive("WAS", 5)).json, { code: "bundle_has_no_stock" })
      // Without its parts it is a product like all the others.
      fine(yield* describe("INNER", {}))
      fine(yield* receive("INNER", 5))
    })
  )

  it.effect(
    "is never oversold: of 64 buyers of bundles and of their parts, as many get what they want as there is",
    () =>
      Effect.gen(function* () {
        const there = { TEA: 20, MUG: 12 }
        yield* sell("TEA", 500, there.TEA)
        yield* sell("MUG", 800, there.MUG)
        fine(yield* bundle("BOX", 1_500, { TEA: 2, MUG: 1 }))
        const sold = { BOX: 0, TEA: 0, MUG: 0 }
        /** Whether the cart became an order that has its goods. */
        const buy = Effect.fnUntraced(function* (id: string, sku: keyof typeof sold) {
          const { orderId, status } = yield* checkOut(id)
          if (status === "cancelled") return false
          yield* orderWhen(orderId, "confirmed")
          sold[sku] += 1
          return true
        })
        assert.isTrue(yield* buy(yield* cart({ BOX: 1 }), "BOX"))
        const wishes = [
          ...Array.from({ length: 24 }, () => "BOX" as const),
          ...Array.from({ length: 24 }, () => "TEA" as const),
          ...Array.from({ length: 16 }, () => "MUG" as const)
        ].toSorted(() => Math.random() - 0.5)
        const buyers = yield* Effect.forEach(
          wishes,
          (sku) => Effect.map(cart({ [sku]: 1 }), (id) => ({ id, sku, isServed: false })),
          { concurrency: 16 }
        )
        const rush = (buyer: (typeof buyers)[number]) =>
          Effect.map(buy(buyer.id, buyer.sku), (isServed) => Object.assign(buyer, { isServed }))
        yield* Effect.forEach(buyers, rush, { concurrency: "unbounded" })
        // Two bundles may each have taken the part that the other one lacked. Both gave it back, and who still wants it gets it.
        yield* Effect.forEach(
          buyers.filter(({ isServed }) => !isServed),
          rush
        )
        assert.deepStrictEqual({ TEA: 2 * sold.BOX + sold.TEA, MUG: sold.BOX + sold.MUG }, there)
        for (const sku of ["TEA", "MUG"] as const) {
          assert.deepInclude(yield* stockOf(sku), { onHand: there[sku], held: there[sku], available: 0 })
        }
        const { found, violations } = yield* Invariants.check({ running: true })
        assert.strictEqual(violations, 0, JSON.stringify(found))
      })
  )
})
