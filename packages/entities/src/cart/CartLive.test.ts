import * as EntityClient from "@halles/engine/activation/EntityClient"
import { assert, layer } from "@effect/vitest"
import { CartId, CommandId, SkuCode, skuId } from "@halles/shared/Ids"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer, Result, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { AddLine, Cart, type CartView, HandOver, Merge, PutLine, Reopen, Reprice } from "./Cart.ts"
import { CartLive } from "./CartLive.ts"
import { layerRegion } from "../Migrations.ts"
import { Order } from "../order/Order.ts"
import { OrderLive } from "../order/OrderLive.ts"
import { ListProduct, Product, Unlist } from "../catalogue/Product.ts"
import { product as productDomain } from "../catalogue/ProductDomain.ts"
import * as TestCluster from "@halles/engine/testing/TestCluster"
import { checkOut, commandId, open } from "../../test/Carts.ts"

/** The saga of an order that was placed waits for SKUs that are not there: that is another test's. */
const Test = Layer.mergeAll(CartLive, productDomain.live, OrderLive).pipe(
  Layer.provideMerge(TestCluster.layer()),
  Layer.provide(layerRegion),
  Layer.provideMerge(PgTest.layer("cart_live"))
)

const soon = Schedule.spaced("50 millis")
const tea = SkuCode.make("TEA")
const jam = SkuCode.make("JAM")
const list = (sku: SkuCode, amount: number, currency: "GBP" | "EUR" = "GBP") =>
  Effect.flatMap(Product.client, (product) =>
    product(skuId("eu", sku)).ListProduct(
      new ListProduct({
        commandId: commandId(),
        sku,
        title: `Best ${sku}`,
        description: "",
        price: { amount, currency, taxRate: 2_000 }
      })
    )
  )
const cartOf = (id: string) => Effect.map(Cart.client, (cart) => cart(id))
const opened = (id: string, pricing: "shop" | "agreed" = "shop") =>
  Effect.tap(cartOf(id), (cart) => cart.OpenCart(open(pricing)))
const put = (sku: SkuCode, quantity: number, over: Partial<PutLine> = {}) =>
  new PutLine({ commandId: commandId(), sku, variant: "", quantity, ...over })
const add = (sku: SkuCode, quantity: number, variant = "") =>
  new AddLine({ commandId: commandId(), sku, variant, quantity })
const merge = (from: string) => new Merge({ commandId: commandId(), from: CartId.make(from) })
const units = ({ lines }: CartView) => lines.reduce((sum, { quantity }) => sum + quantity, 0)

layer(Test, { excludeTestServices: true, timeout: "90 seconds" })("CartLive", (it) => {
  it.effect("takes title, price and tax from the product, whatever the caller says", () =>
    Effect.gen(function* () {
      yield* list(tea, 250)
      const cart = yield* opened("eu_listing")
      const forged = { title: "Free", price: { amount: 0, currency: "GBP" as const, taxRate: 0 } }
      const { lines, seq } = yield* cart.PutLine(put(tea, 2, { listing: forged }))
      assert.deepStrictEqual(lines, [
        { sku: tea, variant: "", title: "Best TEA", quantity: 2, unitPrice: 250, taxRate: 2_000 }
      ])
      assert.strictEqual(seq, 2)
      const unlisted = yield* Effect.flip(cart.PutLine(put(SkuCode.make("NONE"), 1, { listing: forged })))
      assert.deepInclude(unlisted, { _tag: "NotSold", skus: [SkuCode.make("NONE")] })
      yield* list(jam, 400, "EUR")
      assert.strictEqual((yield* Effect.flip(cart.PutLine(put(jam, 1))))._tag, "NotSold")
    })
  )

  it.effect("with agreed prices nobody is asked", () =>
    Effect.gen(function* () {
      const cart = yield* opened("eu_agreed", "agreed")
      yield* cart.PutLine(put(SkuCode.make("OLD"), 3, { agreedPrice: 70 }))
      const { cart: view, orderId } = yield* cart.CheckOut(checkOut())
      const { status, totals } = view
      assert.deepStrictEqual(totals, { goods: 210, charges: 0, tax: 0, total: 210 })
      assert.strictEqual(status, "checked_out")
      assert.strictEqual(`${orderId}`, "eu_agreed")
    })
  )

  it.effect("names the cart that is not there, or is there already", () =>
    Effect.gen(function* () {
      const cart = yield* cartOf("eu_names")
      const missing = { _tag: "NotFound" as const, entity: "Cart", id: "eu_names" }
      assert.deepInclude(yield* Effect.flip(cart.View()), missing)
      assert.deepInclude(yield* Effect.flip(cart.CheckOut(checkOut())), missing)
      const first = open()
      yield* cart.OpenCart(first)
      assert.strictEqual((yield* cart.OpenCart(first)).seq, 1)
      assert.deepInclude(yield* Effect.flip(cart.OpenCart(open())), { _tag: "AlreadyExists", id: "eu_names" })
    })
  )

  it.effect("checks out at the prices of now, places one order, and says the same again", () =>
    Effect.gen(function* () {
      yield* list(tea, 250)
      const cart = yield* opened("eu_checkout")
      yield* cart.PutLine(put(tea, 4))
      yield* list(tea, 1_000)
      assert.strictEqual((yield* cart.View()).totals.goods, 1_000)
      assert.strictEqual((yield* cart.Reprice(new Reprice({ commandId: commandId() }))).totals.goods, 4_000)
      const command = checkOut()
      const { cart: done, orderId } = yield* cart.CheckOut(command)
      assert.deepStrictEqual(done.totals, { goods: 4_000, charges: 395, tax: 800, total: 5_195 })
      yield* list(tea, 1)
      assert.deepInclude((yield* cart.CheckOut(command)).cart, { totals: done.totals, orderId })
      const other = yield* Effect.flip(cart.CheckOut(checkOut({ commandId: command.commandId, fingerprint: "2" })))
      assert.deepInclude(other, { _tag: "CommandReused", commandId: command.commandId })
      assert.deepInclude(yield* Effect.flip(cart.CheckOut(checkOut())), { _tag: "CartClosed", status: "checked_out" })
      const order = (yield* EntityClient.make(Order))("eu_checkout")
      assert.deepStrictEqual((yield* order.View()).totals, done.totals)
      const sql = yield* SqlClient.SqlClient
      const together = yield* sql`
        SELECT FROM journal placed JOIN journal closed ON placed.xmin = closed.xmin
        WHERE placed.entity_type = 'Order' AND placed.entity_id = 'eu_checkout' AND placed.seq = 1
          AND closed.entity_type = 'Cart' AND closed.command_id = ${command.commandId}`
      assert.strictEqual(together.length, 1)
    })
  )

  it.effect("is reopened by word of its own attempt only, and each key hears of its own order", () =>
    Effect.gen(function* () {
      const cart = yield* opened("eu_again", "agreed")
      yield* cart.PutLine(put(tea, 3, { agreedPrice: 70 }))
      const [first, second] = [checkOut(), checkOut()]
      const failure = { code: "card_declined", detail: "declined", missing: [] } as const
      const word = (attempt: number) => cart.Reopen(new Reopen({ commandId: commandId(), attempt, failure }))
      assert.strictEqual((yield* cart.CheckOut(first)).orderId, "eu_again")
      yield* word(2)
      assert.strictEqual((yield* cart.View()).status, "checked_out")
      const early = CommandId.make("word")
      yield* cart.Reopen(new Reopen({ commandId: early, attempt: 1, failure }))
      assert.deepInclude(yield* cart.View(), { status: "open", lastFailure: failure })
      const again = yield* cart.CheckOut(first)
      assert.deepStrictEqual([again.orderId, again.cart.status], ["eu_again", "open"])
      assert.strictEqual((yield* cart.CheckOut(second)).orderId, "eu_again-2")
      yield* Effect.all([word(1), cart.Reopen(new Reopen({ commandId: early, attempt: 1, failure }))])
      assert.deepStrictEqual((yield* cart.CheckOut(first)).orderId, "eu_again")
      const { orderId, status } = yield* cart.View()
      assert.deepStrictEqual([`${orderId}`, status], ["eu_again-2", "checked_out"])
      const orders = yield* EntityClient.make(Order)
      for (const id of ["eu_again", "eu_again-2"]) {
        const placed = yield* orders(id)
          .View()
          .pipe(Effect.retry({ times: 50, schedule: soon }))
        assert.strictEqual(placed.cartId, "eu_again")
      }
    })
  )

  it.effect("refuses a checkout that would cost more than the cart says, and says the same again", () =>
    Effect.gen(function* () {
      yield* list(tea, 250)
      const cart = yield* opened("eu_dearer")
      yield* cart.PutLine(put(tea, 4))
      yield* list(tea, 1_000)
      const command = checkOut()
      const both = {
        _tag: "TotalChanged" as const,
        expected: { amount: 1_595, currency: "GBP" as const },
        actual: { amount: 5_195, currency: "GBP" as const }
      }
      assert.deepInclude(yield* Effect.flip(cart.CheckOut(command)), both)
      const { seq, totals } = yield* cart.View()
      assert.strictEqual(totals.total, 5_195)
      // Not even where the price has come down again, or another body comes under the id.
      yield* list(tea, 250)
      assert.deepInclude(yield* Effect.flip(cart.CheckOut(command)), both)
      const other = checkOut({ commandId: command.commandId, fingerprint: "2" })
      assert.strictEqual((yield* Effect.flip(cart.CheckOut(other)))._tag, "CommandReused")
      assert.strictEqual((yield* cart.View()).seq, seq)
      assert.strictEqual((yield* cart.CheckOut(checkOut())).cart.totals.total, 1_595)
    })
  )

  it.effect("refuses the checkout of what is no longer sold", () =>
    Effect.gen(function* () {
      const sku = SkuCode.make("GONE")
      yield* list(sku, 250)
      const cart = yield* opened("eu_gone")
      yield* cart.PutLine(put(sku, 1))
      yield* (yield* EntityClient.make(Product))(skuId("eu", sku)).Unlist(new Unlist({ commandId: commandId() }))
      assert.deepInclude(yield* Effect.flip(cart.CheckOut(checkOut())), { _tag: "NotSold", skus: [sku] })
      assert.strictEqual((yield* cart.View()).status, "open")
    })
  )

  it.effect("loses no line under parallel adds, and a checkout among them sells what came before it", () =>
    Effect.gen(function* () {
      yield* list(tea, 1)
      const cart = yield* opened("eu_parallel")
      const codes = Array.from({ length: 20 }, (_, index) => SkuCode.make(`P${index}`))
      yield* Effect.forEach(codes, (sku) => list(sku, 1), { concurrency: "unbounded" })
      const adds = Array.from({ length: 200 }, (_, index) => cart.AddLine(add(codes[index % 20]!, 1)))
      yield* Effect.all(adds.slice(0, 100), { concurrency: "unbounded" })
      assert.strictEqual(units(yield* cart.View()), 100)
      const late = Effect.all(adds.slice(100).map(Effect.result), { concurrency: "unbounded" })
      const [results, { cart: done }] = yield* Effect.all([late, cart.CheckOut(checkOut())], {
        concurrency: "unbounded"
      })
      assert.strictEqual(units(done), 100 + results.filter(Result.isSuccess).length)
      assert.lengthOf(done.lines, 20)
    })
  )
})

layer(Test, { excludeTestServices: true, timeout: "90 seconds" })("merging carts", (it) => {
  it.effect("brings every unit over and closes the other cart", () =>
    Effect.gen(function* () {
      yield* Effect.all([list(tea, 250), list(jam, 400)])
      const [target, source] = yield* Effect.all([opened("eu_m1"), opened("eu_m2")])
      yield* Effect.all([target.PutLine(put(tea, 1)), source.PutLine(put(tea, 2)), source.PutLine(put(jam, 3))])
      const command = merge("eu_m2")
      const merged = yield* target.Merge(command)
      assert.deepStrictEqual(
        merged.lines.map(({ quantity, sku }) => [sku, quantity]),
        [
          [tea, 3],
          [jam, 3]
        ]
      )
      assert.deepInclude(yield* source.View(), { status: "merged", mergedInto: CartId.make("eu_m1") })
      assert.deepInclude(yield* Effect.flip(source.PutLine(put(tea, 1))), { _tag: "CartClosed", status: "merged" })
      assert.strictEqual((yield* target.Merge(command)).seq, merged.seq)
      assert.strictEqual((yield* target.Merge(merge("eu_m2"))).seq, merged.seq)
    })
  )

  it.effect("says why it cannot, and can once the reason is gone", () =>
    Effect.gen(function* () {
      yield* list(tea, 250)
      const target = yield* opened("eu_r1")
      const reason = (from: string) => Effect.map(Effect.flip(target.Merge(merge(from))), (refusal) => refusal)
      assert.deepInclude(yield* reason("eu_r1"), { _tag: "MergeRefused", reason: "same_cart" })
      assert.deepInclude(yield* reason("am_r2"), { reason: "other_region" })
      const early = merge("eu_r2")
      assert.deepInclude(yield* Effect.flip(target.Merge(early)), { reason: "not_found" })
      const source = yield* opened("eu_r2")
      yield* source.PutLine(put(tea, 2))
      yield* opened("eu_r3", "agreed")
      assert.deepInclude(yield* reason("eu_r3"), { reason: "other_pricing" })
      assert.deepInclude(yield* Effect.flip(target.Merge(early)), { reason: "not_found" })
      assert.strictEqual(units(yield* target.Merge(merge("eu_r2"))), 2)
      const again = yield* opened("eu_r4")
      assert.deepInclude(yield* Effect.flip(again.Merge(merge("eu_r2"))), { reason: "closed" })
    })
  )

  it.effect("loses no unit under parallel adds on both sides", () =>
    Effect.gen(function* () {
      yield* list(tea, 250)
      const [target, source] = yield* Effect.all([opened("eu_p1"), opened("eu_p2")])
      const adds = Array.from({ length: 100 }, (_, index) =>
        Effect.result((index % 2 === 0 ? target : source).AddLine(add(tea, 1, `v${index % 7}`)))
      )
      const [added] = yield* Effect.all(
        [Effect.all(adds, { concurrency: "unbounded" }), target.Merge(merge("eu_p2"))],
        { concurrency: "unbounded" }
      )
      const accepted = added.filter(Result.isSuccess).length
      assert.isAtLeast(accepted, 50)
      assert.strictEqual(units(yield* target.View()), accepted)
      assert.strictEqual((yield* source.View()).status, "merged")
    })
  )

  it.effect("two carts that ask for each other both get an answer, and no unit is lost", () =>
    Effect.gen(function* () {
      yield* list(tea, 250)
      const [one, other] = yield* Effect.all([opened("eu_x1"), opened("eu_x2")])
      yield* Effect.all([one.PutLine(put(tea, 1)), other.PutLine(put(tea, 2))])
      yield* Effect.all([Effect.result(one.Merge(merge("eu_x2"))), Effect.result(other.Merge(merge("eu_x1")))], {
        concurrency: "unbounded"
      })
      const carts = yield* Effect.all([one.View(), other.View()])
      const alive = carts.filter(({ status }) => status === "open")
      assert.strictEqual(
        alive.reduce((sum, cart) => sum + units(cart), 0),
        3
      )
    })
  )

  it.effect("is completed by the next activation when a runner died between the two carts", () =>
    Effect.gen(function* () {
      yield* list(tea, 250)
      const source = yield* opened("eu_d2")
      yield* source.PutLine(put(tea, 2))
      const fields = { commandId: CommandId.make("eu_d1:merge:1"), into: CartId.make("eu_d1") }
      const gone = yield* source.HandOver(new HandOver({ ...fields, currency: "GBP", pricing: "shop" }))
      assert.strictEqual(gone._tag, "Lines")
      const sql = yield* SqlClient.SqlClient
      const row = (seq: number, event: object) =>
        sql`INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
          VALUES ('Cart', 'eu_d1', ${seq}, ${`c${seq}`}, ${JSON.stringify([event])}::text::jsonb, '{"v":1}', 1, 1, now())`
      yield* row(1, { _tag: "CartOpened", currency: "GBP", pricing: "shop", customerId: null, at: 1 })
      yield* row(2, { _tag: "MergeAsked", from: "eu_d2", attempt: 1, at: 1 })
      const target = yield* cartOf("eu_d1")
      const now = target.View().pipe(
        Effect.filterOrFail((view) => units(view) > 0),
        Effect.retry({ times: 50, schedule: soon })
      )
      assert.strictEqual(units(yield* now), 2)
      assert.strictEqual(units(yield* target.Merge(merge("eu_d2"))), 2)
    })
  )

  // Often, since it matters where in the merge the checkout comes: one that was refused when the lines were still on their
  // way, and heard of it when they had come, was `Busy` for its customer.
  it.effect("a checkout waits for the lines that are on their way", () =>
    Effect.gen(function* () {
      yield* list(tea, 250)
      yield* Effect.forEach(
        Array.from({ length: 40 }, (_, index) => [`eu_w${index}`, `eu_v${index}`] as const),
        Effect.fnUntraced(function* ([into, from]) {
          const [target, source] = yield* Effect.all([opened(into), opened(from)])
          yield* Effect.all([target.PutLine(put(tea, 1)), source.PutLine(put(tea, 2))])
          const [, { cart: done }] = yield* Effect.all([target.Merge(merge(from)), target.CheckOut(checkOut())], {
            concurrency: "unbounded"
          })
          assert.strictEqual(units(done), 3)
        }),
        { concurrency: 8 }
      )
    })
  )
})
