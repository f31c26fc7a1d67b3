import * as EntityClient from "@halles/engine/activation/EntityClient"
import { assert, layer } from "@effect/vitest"
import { CommandId, OrderId, SkuCode, WarehouseId } from "@halles/shared/Ids"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { type Booking, Carrier, CarrierUnavailable } from "./Carrier.ts"
import { layerRegion } from "../Migrations.ts"
import { OrderLive } from "../order/OrderLive.ts"
import { CancelShipment, CarrierNotice, Collect, Create, Shipment } from "./Shipment.ts"
import { ShipmentLive } from "./ShipmentLive.ts"
import * as TestCluster from "@halles/engine/testing/TestCluster"

const requests: Array<string> = []
const seen = (reference: string) => requests.filter((one) => one === reference).length
/** Is down for the first booking of each order; serves no `NO-SERVICE`. */
const Partner = Layer.succeed(
  Carrier,
  Carrier.of({
    ship: ({ address, orderId, reference }) =>
      Effect.suspend((): Effect.Effect<Booking, CarrierUnavailable> => {
        requests.push(reference)
        if (seen(reference) === 1) return Effect.fail(new CarrierUnavailable({ cause: "down" }))
        if (address.postalCode === "NO-SERVICE") return Effect.succeed({ _tag: "Refused", reason: "no_service" })
        return Effect.succeed({ _tag: "Booked", shipmentId: `s-${orderId}`, trackingNumbers: ["T1"] })
      }),
    cancel: () => Effect.succeed({ _tag: "Cancelled" }),
    returnLabel: ({ returnId }) => Effect.succeed({ _tag: "Labelled", label: `L-${returnId}` })
  })
)

const Test = Layer.mergeAll(ShipmentLive.pipe(Layer.provide(Partner)), OrderLive).pipe(
  Layer.provideMerge(TestCluster.layer()),
  Layer.provide(layerRegion),
  Layer.provideMerge(PgTest.layer("shipment_live"))
)

const id = (key: string) => CommandId.make(key)
const open = Effect.fnUntraced(function* (key: string) {
  return (yield* EntityClient.make(Shipment))(`eu_${key}`)
})
const lines = [{ sku: SkuCode.make("TEA"), quantity: 2 }]
const create = (key: string, postalCode = "YO1") =>
  new Create({
    commandId: id("book"),
    orderId: OrderId.make(`eu_${key}`),
    parcels: [{ warehouse: WarehouseId.make("eu-main"), lines }],
    address: { name: "A", line1: "1 Street", city: "York", postalCode, country: "GB" }
  })
const notice = (type: CarrierNotice["type"], eventId: string, returnId?: string) =>
  new CarrierNotice({
    commandId: id(`webhook:${eventId}`),
    eventId,
    type,
    ...(returnId === undefined ? {} : { returnId })
  })

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("ShipmentLive", (it) => {
  it.effect("books with a carrier that is down at first, and cancels", () =>
    Effect.gen(function* () {
      const shipment = yield* open("a")
      assert.strictEqual((yield* Effect.flip(shipment.View()))._tag, "NotFound")
      assert.deepStrictEqual(yield* shipment.Create(create("a")), { _tag: "Booked", trackingNumbers: ["T1"] })
      assert.strictEqual(seen("eu_a:ship"), 2)
      const cancelled = yield* shipment.CancelShipment(new CancelShipment({ commandId: id("cancel") }))
      assert.deepStrictEqual(cancelled, { _tag: "Cancelled" })
      assert.strictEqual((yield* shipment.View()).status, "cancelled")
    })
  )

  it.effect("is refused where the carrier does not go", () =>
    Effect.gen(function* () {
      const shipment = yield* open("b")
      const answer = yield* shipment.Create(create("b", "NO-SERVICE"))
      assert.deepStrictEqual(answer, { _tag: "Refused", reason: "no_service" })
      const cancelled = yield* shipment.CancelShipment(new CancelShipment({ commandId: id("cancel") }))
      assert.deepStrictEqual(cancelled, { _tag: "Cancelled" })
    })
  )

  it.effect("tells the order of each movement once, and goes on when there is no such order", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const shipment = yield* open("c")
      yield* shipment.Create(create("c"))
      yield* shipment.CarrierNotice(notice("shipment.delivered", "e2"))
      yield* shipment.CarrierNotice(notice("shipment.dispatched", "e1"))
      const collect = new Collect({ commandId: id("collect"), returnId: "r1", lines })
      assert.deepStrictEqual(yield* shipment.Collect(collect), { _tag: "Labelled", label: "L-r1" })
      yield* shipment.CarrierNotice(notice("return.received", "e3", "r1"))
      assert.deepInclude(yield* shipment.View(), {
        status: "delivered",
        returns: [{ returnId: "r1", status: "received" }]
      })
      const rows = yield* sql<{ events: ReadonlyArray<{ _tag: string; key?: string }> }>`
        SELECT events FROM journal WHERE entity_type = 'Shipment' AND entity_id = 'eu_c' ORDER BY seq`
      const reported = rows.flatMap(({ events }) =>
        events.flatMap(({ _tag, key }) => (_tag === "OrderTold" ? [key] : []))
      )
      assert.deepStrictEqual(reported.slice(0, 2), ["eu_c:shipment:dispatched", "eu_c:shipment:delivered"])
      const unexpected = (yield* open("d")).CarrierNotice(notice("shipment.dispatched", "e4"))
      assert.strictEqual((yield* Effect.flip(unexpected))._tag, "NotFound")
    })
  )
})
