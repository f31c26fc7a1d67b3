import * as EntityClient from "@halles/engine/activation/EntityClient"
import { assert, layer } from "@effect/vitest"
import { CommandId, OrderId } from "@halles/shared/Ids"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Exit, Layer } from "effect"
import { Customer, MovePoints, NoteOrder, Register } from "./Customer.ts"
import { customer as customerDomain } from "./CustomerDomain.ts"
import { layerRegion } from "../Migrations.ts"
import * as TestCluster from "@halles/engine/testing/TestCluster"

const Test = customerDomain.live.pipe(
  Layer.provideMerge(TestCluster.layer()),
  Layer.provide(layerRegion),
  Layer.provideMerge(PgTest.layer("customer_live"))
)

const commandId = (id: string) => CommandId.make(id)
const move = (id: string, points: number) => new MovePoints({ commandId: commandId(id), points, reference: "welcome" })

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("Customer", (it) => {
  it.effect("registers once", () =>
    Effect.gen(function* () {
      const customer = (yield* EntityClient.make(Customer))("eu_ada")
      assert.deepInclude(yield* Effect.flip(customer.View()), { _tag: "NotFound", entity: "Customer", id: "eu_ada" })
      const register = new Register({ commandId: commandId("r"), name: "Ada" })
      assert.deepInclude(yield* customer.Register(register), { guest: true, name: "Ada", seq: 1 })
      assert.deepInclude(yield* customer.Register(register), { seq: 1 })
      const other = yield* Effect.flip(customer.Register(new Register({ commandId: commandId("r2") })))
      assert.deepInclude(other, { _tag: "AlreadyExists", id: "eu_ada" })
    })
  )

  it.effect("under parallel movements points stay at zero or above, and equal what was accepted", () =>
    Effect.gen(function* () {
      const customer = (yield* EntityClient.make(Customer))("eu_bob")
      yield* customer.Register(new Register({ commandId: commandId("r") }))
      const amounts = Array.from({ length: 200 }, (_, index) => ((index * 37) % 101) - 50)
      const moved = yield* Effect.forEach(
        amounts,
        (points, index) =>
          customer.MovePoints(move(`m${index}`, points)).pipe(
            Effect.as(points),
            Effect.catchTag("NotEnoughPoints", () => Effect.succeed(0))
          ),
        { concurrency: "unbounded" }
      )
      const { points } = yield* customer.View()
      assert.strictEqual(
        points,
        moved.reduce((sum, points) => sum + points, 0)
      )
      assert.isAtLeast(points, 0)
      // What was granted once moves nothing when it comes again, and what was refused may be granted now.
      const before = moved[0]!
      const again = yield* Effect.exit(customer.MovePoints(move("m0", amounts[0]!)))
      const granted = before === 0 && Exit.isSuccess(again) ? amounts[0]! : 0
      assert.strictEqual((yield* customer.View()).points, points + granted)
    })
  )

  it.effect("an order noted by the saga and by its repeat counts once", () =>
    Effect.gen(function* () {
      const customer = (yield* EntityClient.make(Customer))("eu_cy")
      yield* customer.Register(new Register({ commandId: commandId("r") }))
      const note = (id: string) => new NoteOrder({ commandId: commandId(id), orderId: OrderId.make("eu_o1") })
      yield* Effect.forEach(["n1", "n1", "n2"], (id) => customer.NoteOrder(note(id)), { concurrency: "unbounded" })
      const { orders } = yield* customer.View()
      assert.deepStrictEqual(orders, { count: 1, recent: [OrderId.make("eu_o1")] })
    })
  )
})
