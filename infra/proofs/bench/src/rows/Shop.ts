import * as EntityClient from "@halles/engine/activation/EntityClient"
import { Cart, CheckOut, OpenCart, PutLine } from "@halles/entities/cart/Cart"
import { Order, type OrderView } from "@halles/entities/order/Order"
import { ListProduct, Product } from "@halles/entities/catalogue/Product"
import { Receive, Sku } from "@halles/entities/inventory/Sku"
import { CartId, CommandId, OrderId, skuCode, SkuId, WarehouseId } from "@halles/shared/Ids"
import { Effect, Schedule, Schema } from "effect"

/** An order did not come to the end that the row is about. */
export class WrongEnd extends Schema.TaggedError<WrongEnd>()("WrongEnd", {
  order: OrderId,
  status: Schema.String,
  cancelled: Schema.NullOr(Schema.String)
}) {
  override get message(): string {
    return `${this.order} is ${this.status}${this.cancelled === null ? "" : `, ${this.cancelled}`}`
  }
}

/** What the carrier's and the gateway's customers are asked for. */
export const delivery = {
  email: "ada@example.org",
  shippingAddress: { name: "Ada", line1: "1 Mill Lane", city: "York", postalCode: "YO1 7HH", country: "GB" },
  paymentToken: "tok_ok"
}
const warehouse = WarehouseId.make("eu-main")
const settledWithinMs = 20_000
/** The order follows its cart's checkout in a moment: asked for again every 10 ms, as the edge does. */
const untilPlaced = Schedule.spaced("10 millis")

/** Products on sale, carts with two lines of one unit each, and their way to a confirmed order, through the cluster's client. */
export const open = Effect.fnUntraced(function* (options: {
  readonly row: string
  readonly skus: number
  /** Units on hand of each. */
  readonly stock: number
}) {
  const { row, skus, stock } = options
  const carts = yield* EntityClient.make(Cart)
  const orders = yield* EntityClient.make(Order)
  const products = yield* EntityClient.make(Product)
  const stocks = yield* EntityClient.make(Sku)
  const run = Date.now().toString(36)
  const id = (n: number) => `eu_${row}-${run}-${n}`
  const skuIds = Array.from({ length: skus }, (_, n) => SkuId.make(`eu_${row}-${run}-${n}`))
  const codeAt = (n: number) => skuCode(skuIds[n % skus]!)

  yield* Effect.forEach(
    skuIds,
    (sku) =>
      Effect.andThen(
        products(sku).ListProduct(
          new ListProduct({
            commandId: CommandId.make("list"),
            sku: skuCode(sku),
            title: "Sourdough loaf",
            description: "Baked this morning",
            price: { amount: 1_995, currency: "GBP", taxRate: 2_000 }
          })
        ),
        stocks(sku).Receive(new Receive({ commandId: CommandId.make("receive"), warehouse, quantity: stock }))
      ),
    { concurrency: 16, discard: true }
  )

  const putLine = (n: number, line: number) =>
    carts(id(n)).PutLine(
      new PutLine({
        commandId: CommandId.make(`line-${line}`),
        // Two lines of the one SKU differ in their variant; those of many meet each other SKU in turn.
        sku: codeAt(skus === 1 ? 0 : n * 2 + line + Math.floor((n * 2) / skus)),
        variant: skus === 1 ? String(line) : "",
        quantity: 1
      })
    )

  return {
    /** `OpenCart` and two times `PutLine`. */
    fill: Effect.fnUntraced(function* (n: number) {
      const commandId = CommandId.make("open")
      yield* carts(id(n)).OpenCart(new OpenCart({ commandId, currency: "GBP", pricing: "shop" }))
      yield* putLine(n, 0)
      yield* putLine(n, 1)
    }),
    /** `CheckOut` of a cart that is filled; then waits until the order's saga is confirmed or cancelled. */
    checkOut: Effect.fnUntraced(function* (n: number): Effect.fn.Return<OrderView, Error> {
      const commandId = CommandId.make("checkout")
      const checkOut = new CheckOut({ commandId, ...delivery, fingerprint: "bench" })
      const { orderId } = yield* carts(CartId.make(id(n))).CheckOut(checkOut)
      return yield* Effect.retry(orders(orderId).Settled({ timeoutMs: settledWithinMs }), {
        schedule: untilPlaced,
        times: 1_000,
        while: ({ _tag }) => _tag === "NotFound"
      })
    }),
    skuIds
  }
})
export type Shop = Effect.Success<ReturnType<typeof open>>

/** The goods are promised to the customer and booked with the carrier. */
export const confirmed = (order: OrderView): Effect.Effect<OrderView, WrongEnd> =>
  ["confirmed", "shipped", "delivered"].includes(order.status)
    ? Effect.succeed(order)
    : Effect.fail(
        new WrongEnd({
          order: order.id,
          status: order.status,
          cancelled: order.cancelled === null ? null : order.cancelled.code
        })
      )
