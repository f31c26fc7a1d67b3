import * as EntityClient from "@halles/engine/activation/EntityClient"
import { assert, layer } from "@effect/vitest"
import { CommandId, OrderId, WarehouseId } from "@halles/shared/Ids"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { layerRegion } from "../Migrations.ts"
import { Place, Order } from "../order/Order.ts"
import { twoLines } from "../../test/Orders.ts"
import * as Subjects from "../../test/ModelSubjects.ts"
import * as Domains from "../Domains.ts"
import { Adjust, AllowBackOrder, Hold, Receive, Release, Ship, Sku } from "./Sku.ts"
import * as TestCluster from "@halles/engine/testing/TestCluster"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"

/** With the orders that it asks. */
const Test = Domains.layer.pipe(
  Layer.provide(Subjects.Companies),
  Layer.provideMerge(TestCluster.layer()),
  Layer.provide(layerRegion),
  Layer.provideMerge(PgTest.layer("sku_live"))
)

const order = (key: number | string) => OrderId.make(`eu_${key}`)
const main = WarehouseId.make("eu-main")
const id = (key: string) => CommandId.make(key)
const receive = (commandId: string, quantity: number, warehouse = main) =>
  new Receive({ commandId: id(commandId), warehouse, quantity })
const hold = (key: number | string, quantity: number, ttlMs = 60_000) =>
  new Hold({ commandId: id(`hold:${key}`), orderId: order(key), quantity, ttlMs })
const ship = (key: number | string) => new Ship({ commandId: id(`ship:${key}`), orderId: order(key) })
const release = (key: number | string) => new Release({ commandId: id(`release:${key}`), orderId: order(key) })

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("Sku", (it) => {
  it.effect("takes an order from hold to shipment", () =>
    Effect.gen(function* () {
      const sku = (yield* EntityClient.make(Sku))("eu_tea")
      assert.strictEqual((yield* Effect.flip(sku.View()))._tag, "NotFound")
      assert.strictEqual((yield* sku.Receive(receive("in", 5))).totals.available, 5)
      const held = yield* sku.Hold(hold(1, 3))
      assert.deepInclude(held, { _tag: "Held", allocations: [{ warehouse: main, quantity: 3 }], backOrdered: 0 })
      assert.deepStrictEqual(yield* sku.Hold(hold(1, 3)), held)
      assert.deepStrictEqual(yield* sku.Hold(hold(2, 3)), { _tag: "NoStock", available: 2 })
      assert.deepStrictEqual(yield* sku.HeldFor({ orderId: order(1) }), held)
      assert.deepStrictEqual(yield* sku.HeldFor({ orderId: order(2) }), { _tag: "NoStock", available: 0 })
      const shipped = yield* sku.Ship(ship(1))
      assert.deepStrictEqual(shipped, { _tag: "Shipped", allocations: [{ warehouse: main, quantity: 3 }] })
      assert.deepStrictEqual(yield* sku.Ship(ship(1)), shipped)
      const { totals } = yield* sku.View()
      assert.deepStrictEqual(totals, { onHand: 2, held: 0, reserved: 0, available: 2, shipped: 3, backOrdered: 0 })
    })
  )

  it.effect("a refused hold is answered alike when its id comes again, whatever came in since", () =>
    Effect.gen(function* () {
      const sku = (yield* EntityClient.make(Sku))("eu_scarce")
      yield* sku.Receive(receive("in", 1))
      assert.deepStrictEqual(yield* sku.Hold(hold(1, 2)), { _tag: "NoStock", available: 1 })
      yield* sku.Receive(receive("more", 9))
      assert.deepStrictEqual(yield* sku.Hold(hold(1, 2)), { _tag: "NoStock", available: 1 })
    })
  )

  it.effect("a hold that comes after its release takes no stock", () =>
    Effect.gen(function* () {
      const sku = (yield* EntityClient.make(Sku))("eu_late")
      yield* sku.Receive(receive("in", 5))
      yield* sku.Release(release(1))
      assert.deepStrictEqual(yield* sku.Hold(hold(1, 2)), { _tag: "NoStock", available: 0 })
      assert.strictEqual((yield* sku.View()).totals.available, 5)
    })
  )

  it.effect("shows a filled back-order to an order that asks for it", () =>
    Effect.gen(function* () {
      const sku = (yield* EntityClient.make(Sku))("eu_soon")
      yield* sku.AllowBackOrder(new AllowBackOrder({ commandId: id("allow"), allowed: true }))
      assert.deepInclude(yield* sku.Hold(hold(1, 4)), { _tag: "Held", allocations: [], backOrdered: 4 })
      assert.deepInclude(yield* sku.HeldFor({ orderId: order(1) }), { _tag: "Held", allocations: [], backOrdered: 4 })
      assert.deepStrictEqual(yield* sku.Ship(ship(1)), { _tag: "AwaitingStock", backOrdered: 4 })
      yield* sku.Receive(receive("in", 4))
      const allocations = [{ warehouse: main, quantity: 4 }]
      assert.deepInclude(yield* sku.HeldFor({ orderId: order(1) }), { _tag: "Held", allocations, backOrdered: 0 })
      assert.deepStrictEqual(yield* sku.Ship(ship(1)), { _tag: "Shipped", allocations })
    })
  )

  it.effect("an adjustment that saw an old count is refused", () =>
    Effect.gen(function* () {
      const sku = (yield* EntityClient.make(Sku))("eu_counted")
      const adjust = (commandId: string, expectedOnHand: number, onHand: number) =>
        sku.Adjust(new Adjust({ commandId: id(commandId), warehouse: main, expectedOnHand, onHand, reason: "count" }))
      assert.strictEqual((yield* Effect.flip(adjust("none", 0, 1)))._tag, "NotFound")
      yield* sku.Receive(receive("in", 5))
      assert.include(yield* Effect.flip(adjust("old", 4, 7)), { _tag: "StockChanged", onHand: 5 })
      yield* sku.Hold(hold(1, 3))
      assert.include(yield* Effect.flip(adjust("low", 5, 2)), { _tag: "StockPromised", promised: 3 })
      assert.strictEqual((yield* adjust("right", 5, 3)).totals.onHand, 3)
    })
  )

  it.effect("gives back when its timer fires what no order needs, and has a timer for it", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const sku = (yield* EntityClient.make(Sku))("eu_brief")
      yield* sku.Receive(receive("in", 5))
      const held = yield* sku.Hold(hold(1, 3, 1))
      assert.lengthOf(yield* sql`SELECT 1 FROM timer WHERE entity_id = 'eu_brief'`, 1)
      assert.strictEqual(held._tag, "Held")
      yield* Effect.sleep("5 millis")
      yield* sku.TimerFired(new TimerFired({ commandId: id("timer") }))
      yield* sku.View().pipe(
        Effect.filterOrFail(({ totals }) => totals.held === 0 && totals.available === 5),
        Effect.retry(Schedule.spaced("20 millis"))
      )
      assert.deepStrictEqual(yield* sku.HeldFor({ orderId: order(1) }), { _tag: "NoStock", available: 0 })
    })
  )

  it.effect("keeps when its timer fires what an order still needs, in the row that says that it was asked", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const [tea, mug] = ["eu_TEA", "eu_MUG"] as const
      const skus = yield* EntityClient.make(Sku)
      const orderId = order(1)
      const needing = (yield* EntityClient.make(Order))(orderId)
      for (const one of [tea, mug]) yield* skus(one).Receive(receive("in", 5))
      const held = yield* skus(tea).Hold(new Hold({ commandId: id("brief"), orderId, quantity: 3, ttlMs: 1 }))
      yield* needing.Place(new Place(twoLines))
      assert.strictEqual((yield* needing.Settled({ timeoutMs: 10_000 })).status, "confirmed")
      yield* skus(tea).TimerFired(new TimerFired({ commandId: id("timer") }))
      const { totals } = yield* skus(tea).View()
      assert.deepInclude(totals, { held: 0, reserved: 3, available: 2 })
      const [last] = yield* sql<{ tags: string }>`
        SELECT (SELECT string_agg(e->>'_tag', ' ') FROM jsonb_array_elements(events) AS e) AS tags
        FROM journal WHERE entity_type = 'Sku' AND entity_id = ${tea} ORDER BY seq DESC LIMIT 1`
      assert.strictEqual(last?.tags, "HoldsDue Reserved ExpiryChecked")
      assert.strictEqual(held._tag, "Held")
      assert.deepInclude(yield* skus(tea).Ship(ship(1)), { _tag: "Shipped" })
      assert.deepInclude((yield* skus(tea).View()).totals, { onHand: 2, held: 0, reserved: 0, shipped: 3 })
    })
  )

  it.effect("sells a hot SKU once: of 400 concurrent orders as many are held as there are units", () =>
    Effect.gen(function* () {
      const sku = (yield* EntityClient.make(Sku))("eu_hot")
      yield* sku.Receive(receive("in", 100))
      yield* sku.Receive(receive("in:2", 50, WarehouseId.make("eu-north")))
      const answers = yield* Effect.forEach(
        Array.from({ length: 400 }, (_, key) => key),
        (key) => sku.Hold(hold(key, 1)),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(answers.filter(({ _tag }) => _tag === "Held").length, 150)
      const { totals } = yield* sku.View()
      assert.deepStrictEqual(totals, { onHand: 150, held: 150, reserved: 0, available: 0, shipped: 0, backOrdered: 0 })
      const sql = yield* SqlClient.SqlClient
      yield* sql`SELECT 1 FROM snapshot WHERE entity_id = 'eu_hot'`.pipe(
        Effect.filterOrFail((rows) => rows.length === 1),
        Effect.retry(Schedule.spaced("20 millis"))
      )
    })
  )
})
