import { commands } from "@halles/harness/DirectShop"
import { confirmed as isConfirmed } from "@halles/harness/Shop"
import type { OrderView } from "@halles/entities/order/Order"
import { OrderId, skuCode, SkuId } from "@halles/shared/Ids"
import { Effect, Schema } from "effect"

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

/** What each of the products is. */
export const article = { title: "Sourdough loaf", description: "Baked this morning", pence: 1_995 }

/** Products on sale, carts with two lines of one unit each, and their way to a confirmed order, through the cluster's client. */
export const open = Effect.fnUntraced(function* (options: {
  readonly row: string
  readonly skus: number
  /** Units on hand of each. */
  readonly stock: number
}) {
  const { row, skus, stock } = options
  const shop = yield* commands
  const run = Date.now().toString(36)
  const id = (n: number) => `eu_${row}-${run}-${n}`
  const skuIds = Array.from({ length: skus }, (_, n) => SkuId.make(id(n)))
  const codeAt = (n: number) => skuCode(skuIds[n % skus]!)
  yield* Effect.forEach(
    skuIds,
    (sku) => Effect.andThen(shop.list(sku, article, "list"), shop.receive(sku, stock, "receive")),
    { concurrency: 16, discard: true }
  )
  // Two lines of the one SKU differ in their variant; those of many meet each other SKU in turn.
  const putLine = (n: number, line: number) => {
    const code = codeAt(skus === 1 ? 0 : n * 2 + line + Math.floor((n * 2) / skus))
    return shop.putLine(id(n), code, 1, `line-${line}`, skus === 1 ? String(line) : "")
  }
  return {
    /** `OpenCart` and two times `PutLine`. */
    fill: Effect.fnUntraced(function* (n: number) {
      yield* shop.openCart(id(n), "open")
      yield* putLine(n, 0)
      yield* putLine(n, 1)
    }),
    /** `CheckOut` of a cart that is filled; then waits until the order's saga is confirmed or cancelled. */
    checkOut: (n: number): Effect.Effect<OrderView, Error> =>
      Effect.flatMap(shop.checkOut(id(n), "checkout"), ({ orderId }) => shop.settled(orderId))
  }
})
export type Shop = Effect.Success<ReturnType<typeof open>>

/** The goods are promised to the customer and booked with the carrier. */
export const confirmed = (order: OrderView): Effect.Effect<OrderView, WrongEnd> =>
  isConfirmed.has(order.status)
    ? Effect.succeed(order)
    : Effect.fail(
        new WrongEnd({
          order: order.id,
          status: order.status,
          cancelled: order.cancelled === null ? null : order.cancelled.code
        })
      )
