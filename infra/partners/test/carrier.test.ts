import { Carrier, CarrierWebhook } from "@halles/entities/shipment/Carrier"
import { OrderId, SkuCode, WarehouseId } from "@halles/shared/Ids"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import * as CarrierLedger from "../src/CarrierLedger.ts"
import { CarrierProcess, key, makeProcess, Receiver } from "./PartnerTest.ts"

const Client = Layer.unwrap(Effect.map(CarrierProcess, ({ url }) => Carrier.layer({ url, key: Redacted.make(key) })))
const lines = [{ sku: SkuCode.make("85123A"), quantity: 6 }]
const parcels = [
  { warehouse: WarehouseId.make("eu-main"), lines },
  { warehouse: WarehouseId.make("eu-south"), lines }
]
const address = { name: "Ada", line1: "Rue 1", city: "Paris", postalCode: "75001", country: "FR" }
const order = (name: string, postalCode = address.postalCode) => ({
  reference: `${name}:ship`,
  orderId: OrderId.make(`eu_${name}`),
  parcels,
  address: { ...address, postalCode }
})
const about = (name: string, type: CarrierWebhook["type"]) => (event: CarrierWebhook) =>
  event.orderId === `eu_${name}` && event.type === type
const booked = Effect.fnUntraced(function* (name: string, postalCode?: string) {
  const booking = yield* (yield* Carrier).ship(order(name, postalCode))
  assert(booking._tag === "Booked")
  return booking
})

const Quick = Client.pipe(Layer.provideMerge(CarrierProcess.layer({ DISPATCH_MS: "50", DELIVERY_MS: "100" })))
layer(Quick, { timeout: "30 seconds", excludeTestServices: true })("the carrier and its client", (it) => {
  it.effect("books once for a reference, then dispatches and delivers", () =>
    Effect.gen(function* () {
      const carrier = yield* Carrier
      const receiver = yield* Receiver
      const booking = yield* booked("ok")
      assert.strictEqual(booking.trackingNumbers.length, 2)
      assert.deepStrictEqual(yield* carrier.ship(order("ok")), booking)
      const dispatched = yield* receiver.next(CarrierWebhook, about("ok", "shipment.dispatched"))
      const delivered = yield* receiver.next(CarrierWebhook, about("ok", "shipment.delivered"))
      for (const { event, id, signed } of [dispatched, delivered]) {
        assert(event.type !== "return.received")
        assert.isTrue(signed)
        assert.strictEqual(id, event.eventId)
        assert.strictEqual(event.reference, "ok:ship")
        assert.strictEqual(event.shipmentId, booking.shipmentId)
        assert.deepStrictEqual(event.trackingNumbers, booking.trackingNumbers)
      }
      const passed = Date.parse(delivered.event.occurredAt) - Date.parse(dispatched.event.occurredAt)
      assert.isAtLeast(passed, 100)
      const reused = yield* carrier.ship({ ...order("ok"), parcels: parcels.slice(1) })
      assert.deepStrictEqual(reused, { _tag: "Refused", reason: "reference_reused" })
      assert.deepStrictEqual(yield* carrier.cancel({ shipmentId: booking.shipmentId }), { _tag: "AlreadyDispatched" })
      const { body } = yield* (yield* CarrierProcess).request("GET", `/shipments/${booking.shipmentId}`)
      assert.strictEqual(body.status, "delivered")
    })
  )

  it.effect("CARRIER-DOWN: 503 five times, then booked; NO-SERVICE: refused for good", () =>
    Effect.gen(function* () {
      const carrier = yield* Carrier
      for (let attempt = 1; attempt <= 5; attempt++) {
        const error = yield* Effect.flip(carrier.ship(order("down", "CARRIER-DOWN")))
        assert.strictEqual(error._tag, "CarrierUnavailable")
      }
      const booking = yield* booked("down", "CARRIER-DOWN")
      assert.deepStrictEqual(yield* booked("down", "CARRIER-DOWN"), booking)
      for (let attempt = 1; attempt <= 2; attempt++) {
        const refused = yield* carrier.ship(order("nowhere", "NO-SERVICE"))
        assert.deepStrictEqual(refused, { _tag: "Refused", reason: "no_service" })
      }
    })
  )

  it.effect("labels a return once, and tells when the goods are back", () =>
    Effect.gen(function* () {
      const carrier = yield* Carrier
      const request = { reference: "back:return", orderId: OrderId.make("eu_back"), returnId: "ret-7", lines }
      const label = yield* carrier.returnLabel(request)
      assert.strictEqual(label._tag, "Labelled")
      assert.deepStrictEqual(yield* carrier.returnLabel(request), label)
      const { event } = yield* (yield* Receiver).next(CarrierWebhook, about("back", "return.received"))
      assert(event.type === "return.received")
      assert.strictEqual(event.returnId, "ret-7")
    })
  )

  it.effect("an unknown shipment cannot be cancelled, and that is not taken for a cancellation", () =>
    Effect.gen(function* () {
      const answer = yield* (yield* Carrier).cancel({ shipmentId: "shp_none" })
      assert.deepStrictEqual(answer, { _tag: "Refused", reason: "not_found" })
    })
  )

  it.effect("NO-RECALL is not called back though it has not left, and NO-RETURN does not come back", () =>
    Effect.gen(function* () {
      const shipment = order("fixed", "NO-RECALL")
      const booked = CarrierLedger.ship(shipment, { id: "shp_fixed", at: 1 })
      const state = CarrierLedger.evolve(undefined, booked as CarrierLedger.Change)
      assert.strictEqual(CarrierLedger.cancel(state as CarrierLedger.Shipment, 2), "not_cancellable")
      const lines = [{ sku: SkuCode.make("NO-RETURN"), quantity: 1 }]
      const request = { orderId: shipment.orderId, reference: "fixed:back", returnId: "r1", lines }
      const label = yield* (yield* Carrier).returnLabel(request)
      assert.deepStrictEqual(label, { _tag: "Refused", reason: "no_service" })
    })
  )

  it.effect("goes on after it was killed: what is under way is dispatched and delivered", () =>
    Effect.gen(function* () {
      const carrier = yield* makeProcess("carrier", { DISPATCH_MS: "400", DELIVERY_MS: "400" })
      const receiver = yield* Receiver
      const ship = carrier.request("POST", "/shipments", order("killed"))
      const before = yield* ship
      yield* carrier.kill
      yield* carrier.start
      assert.deepStrictEqual(yield* ship, before)
      yield* receiver.next(CarrierWebhook, about("killed", "shipment.dispatched"))
      yield* carrier.kill
      yield* carrier.start
      yield* receiver.next(CarrierWebhook, about("killed", "shipment.delivered"))
    })
  )
})

const Slow = Client.pipe(Layer.provideMerge(CarrierProcess.layer({ DISPATCH_MS: "3600000" })))
layer(Slow, { timeout: "30 seconds", excludeTestServices: true })("a carrier that has not come yet", (it) => {
  it.effect("lets a shipment be cancelled, twice without harm, also across a restart", () =>
    Effect.gen(function* () {
      const carrier = yield* Carrier
      const process = yield* CarrierProcess
      const { shipmentId } = yield* booked("early")
      assert.deepStrictEqual(yield* carrier.cancel({ shipmentId }), { _tag: "Cancelled" })
      assert.deepStrictEqual(yield* carrier.cancel({ shipmentId }), { _tag: "Cancelled" })
      yield* process.kill
      yield* process.start
      const { body } = yield* process.request("GET", `/shipments/${shipmentId}`)
      assert.strictEqual(body.status, "cancelled")
    })
  )
})
