import { Clock, Effect } from "effect"
import * as Country from "./Country.ts"
import * as Customers from "./Customers.ts"
import { Edge } from "./Edge.ts"
import * as EdgeSchema from "./EdgeSchema.ts"
import { type EdgeLost, type Refused, Unfulfilled } from "./LoadErrors.ts"
import type { Return } from "./Purchases.ts"
import type { Charge, Line, Sale } from "./Sale.ts"

/** Requests of one cart in flight; a wholesaler's cart has hundreds of lines. */
const linesInFlightMax = 4
/** How long the shop may take from an accepted checkout to a confirmed order, and from there to the goods leaving. */
const confirmMsMax = 300_000
const pollMsMin = 50
const pollMsMax = 1_000
const checkoutWaitSeconds = 10

export interface Placed {
  readonly orderId: string
  /** From the checkout request to the confirmed order. */
  readonly latencyMs: number
}

/** A resumed run meets carts that it has checked out already; the checkout, under its key, then answers as it did. */
const unlessClosed = (effect: Effect.Effect<void, Refused | EdgeLost>) =>
  Effect.catchIf(
    effect,
    (error) => error._tag === "Refused" && error.code === "cart_closed",
    () => Effect.void
  )

const order = (orderId: string) => ({ method: "GET", path: `/v1/orders/${orderId}`, answer: EdgeSchema.Order }) as const

/** Reads an order until it satisfies; fails when it is lost or the time is over. */
const until = Effect.fnUntraced(function* (orderId: string, what: string, satisfies: (status: string) => boolean) {
  const edge = yield* Edge
  const startedMs = yield* Clock.currentTimeMillis
  for (let polls = 0; ; polls++) {
    const { status } = yield* edge.ask(order(orderId))
    if (satisfies(status)) return
    const over = (yield* Clock.currentTimeMillis) - startedMs > confirmMsMax
    if (EdgeSchema.isLost(status) || over) return yield* new Unfulfilled({ what: `${what}, order ${orderId}`, status })
    yield* Effect.sleep(Math.min(pollMsMax, pollMsMin * 2 ** Math.min(polls, 10)))
  }
})

const putLine = (run: string, invoice: string, cartId: string, line: Line) =>
  ({
    method: "PUT",
    path: `/v1/carts/${cartId}/lines/${encodeURIComponent(line.sku)}`,
    key: `${run}-line-${invoice}-${line.sku}-${line.variant ?? ""}`,
    body: {
      quantity: line.quantity,
      unitPrice: EdgeSchema.money(line.pence),
      ...(line.variant === undefined ? {} : { variant: line.variant })
    }
  }) as const

const putCharge = (run: string, invoice: string, cartId: string, charge: Charge) =>
  ({
    method: "PUT",
    path: `/v1/carts/${cartId}/charges/${encodeURIComponent(charge.code)}`,
    key: `${run}-charge-${invoice}-${charge.code}-${charge.kind}`,
    body: { amount: EdgeSchema.money(charge.pence), kind: charge.kind }
  }) as const

const addressOf = (sale: Sale) => ({
  name: sale.customer === undefined ? "Guest" : `Customer ${sale.customer}`,
  line1: "1 Replay Street",
  city: sale.country === "" ? "Unspecified" : sale.country,
  postalCode: "0000",
  country: Country.code(sale.country)
})

/** Cart, lines, charges, checkout; ends when the order is confirmed. */
export const place = Effect.fn("Orders.place")(function* (run: string, sale: Sale, customerId: string | undefined) {
  const edge = yield* Edge
  const { id: cartId } = yield* edge.ask({
    method: "POST",
    path: "/v1/carts",
    key: `${run}-cart-${sale.invoice}`,
    body: {
      region: sale.region,
      currency: "GBP",
      pricing: "agreed",
      ...(customerId === undefined ? {} : { customerId })
    },
    answer: EdgeSchema.Created
  })
  const puts = [
    ...sale.lines.map((line) => putLine(run, sale.invoice, cartId, line)),
    ...sale.charges.map((charge) => putCharge(run, sale.invoice, cartId, charge))
  ]
  yield* Effect.forEach(puts, (put) => unlessClosed(edge.tell(put)), { concurrency: linesInFlightMax, discard: true })
  const startedMs = yield* Clock.currentTimeMillis
  const { orderId, status } = yield* edge.ask({
    method: "POST",
    path: `/v1/carts/${cartId}/checkout`,
    key: `${run}-checkout-${sale.invoice}`,
    body: { email: Customers.email(run, sale), shippingAddress: addressOf(sale), paymentToken: "tok_ok" },
    waitSeconds: checkoutWaitSeconds,
    answer: EdgeSchema.CheckedOut
  })
  if (!EdgeSchema.isConfirmed(status)) yield* until(orderId, `invoice ${sale.invoice}`, EdgeSchema.isConfirmed)
  const placed: Placed = { orderId, latencyMs: (yield* Clock.currentTimeMillis) - startedMs }
  return placed
})

/** Waits until the goods have left, then asks for the return. */
export const giveBack = Effect.fn("Orders.giveBack")(function* (run: string, back: Return, orderId: string) {
  const edge = yield* Edge
  yield* until(orderId, `cancellation ${back.cancellation}`, EdgeSchema.hasShipped)
  yield* edge.tell({
    method: "POST",
    path: `/v1/orders/${orderId}/returns`,
    key: `${run}-return-${back.cancellation}-${back.invoice}`,
    body: {
      lines: back.lines.map(({ quantity, sku, variant }) => ({
        sku,
        quantity,
        ...(variant === undefined ? {} : { variant })
      })),
      reason: `cancelled by ${back.cancellation}`,
      disposition: "restock"
    }
  })
})
