import type { OrderId } from "@halles/shared/Ids"
import { fingerprint } from "@halles/shared/Intent"
import * as Answers from "@halles/shared/wire/Answers"
import { IdempotencyKeyReused, Unavailable } from "@halles/shared/wire/EdgeErrors"
import * as Headers from "@halles/shared/wire/Headers"
import { Idempotency } from "@halles/shared/wire/Idempotency"
import { Money, money, Price } from "@halles/shared/wire/MoneyJson"
import { repeated } from "@halles/shared/wire/Operation"
import * as Refusal from "@halles/shared/wire/Refusal"
import * as Stamp from "@halles/shared/wire/Stamp"
import { perMinute } from "@halles/shared/wire/Traffic"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { Effect, Schedule, Schema } from "effect"
import { HttpApiEndpoint, HttpApiSchema } from "effect/http-api"
import { CartId } from "@halles/shared/Ids"
import { changeOfOrder } from "../order/OrderApi.ts"
import { OrderJson, orderSample } from "../order/OrderJson.ts"
import { Order, type OrderView, type Status } from "../order/Order.ts"
import { deadlineMs, Edge } from "../routes/Edge.ts"
import * as Routes from "../routes/Routes.ts"
import { address } from "../sale/SaleJson.ts"
import { Cart, CheckOut } from "./Cart.ts"

/** The total that the customer agreed to, and the one that the cart comes to. */
export class TotalChanged extends Refusal.Refusal<TotalChanged>()("TotalChanged", {
  status: 409,
  title: "The total has changed",
  fields: { expected: Schema.toEncoded(Money), actual: Schema.toEncoded(Money) },
  sample: { expected: { amount: "1495", currency: "GBP" }, actual: { amount: "1995", currency: "GBP" } },
  detail: ({ actual, expected }) =>
    `The customer agreed to ${expected.amount} ${expected.currency} (in minor units), the cart comes to ${actual.amount} ${actual.currency}. Nothing was ordered.`,
  help: "Show the cart anew: it has the prices of now. Check out with the new total in `expectedTotal` and a new idempotency key once the customer agrees to it."
}) {}

/** The order as it is now, with its id under the name that the cart knows it by. */
export const CheckoutJson = ViewJson.object<OrderView>()(
  "Checkout",
  { orderId: OrderJson.fields.id, ...OrderJson.fields },
  { sample: { orderId: orderSample.id, ...orderSample }, from: { orderId: ({ id }) => id } }
)
const encode = ViewJson.encoder(CheckoutJson)

/** What an order is until the saga has decided. */
const undecided: ReadonlySet<Status> = new Set<Status>(["created", "payment", "reserving", "shipping", "cancelling"])

/** The order follows its cart's checkout in a moment: asked for again every 10 ms, up to the deadline of the call. */
const untilPlaced = Schedule.spaced("10 millis")

export const checkOut = Routes.custom(
  HttpApiEndpoint.post("checkOut", "/carts/:id/checkout", {
    params: { id: CartId },
    /** `wait=N`: answer once the order is decided, or after N seconds (at most 30). */
    headers: { ...Headers.changingKeyRequired, ...Headers.preferring },
    payload: Schema.Struct({
      email: CheckOut.fields.email,
      shippingAddress: CheckOut.fields.shippingAddress,
      paymentToken: CheckOut.fields.paymentToken,
      /** What the customer saw and agreed to pay. */
      expectedTotal: Schema.optionalKey(Price)
    }),
    success: [CheckoutJson.pipe(HttpApiSchema.status(201)), CheckoutJson.pipe(HttpApiSchema.status(202))],
    error: [...Routes.refusals(Cart, "CheckOut"), Refusal.of(TotalChanged)]
  }).middleware(Idempotency),
  {
    access: changeOfOrder,
    traffic: { priority: "checkout", cost: 10, quota: perMinute("checkout", 1_200) },
    summary: "Turn the cart into an order",
    about: `Re-prices and closes the cart, and starts the order: stock is held, the payment authorised, stock reserved, the shipment booked. Answers 202 while that goes on and 201 once it is decided; \`Prefer: wait=10\` waits for the decision. State in \`expectedTotal\` what the customer saw and agreed to, or in \`If-Match\` the version that was shown: another total is refused with both (\`total_changed\`), and the cart then shows the new one. Without either, no more is charged than the cart says. A bundle that is made of other parts than the cart showed is refused too (\`bundle_changed\`). An order that cannot be fulfilled is cancelled, says why and what is missing, and leaves the cart open (\`cancelled.cartReopened\`): change it, or take another card, and check out again with a new key. Each checkout is an order of its own. ${repeated}`,
    example: { email: "ada@example.com", shippingAddress: address, paymentToken: "tok_ok" }
  },
  Effect.gen(function* () {
    const edge = yield* Edge
    const cart = yield* edge.entity(Cart)
    const order = yield* edge.entity(Order)
    const placed = (id: OrderId, waitMs: number) =>
      (waitMs === 0 ? order(id).View() : order(id).Settled({ timeoutMs: waitMs })).pipe(
        Effect.retry({ schedule: untilPlaced, while: (error) => error._tag === "NotFound" }),
        (asked) => edge.call(asked, waitMs + deadlineMs),
        Effect.catchTag("NotFound", () => Effect.fail(new Unavailable()))
      )
    return Effect.fnUntraced(function* ({ headers, params, payload }) {
      const stamp = yield* Stamp.stamp("checkOut", headers)
      const command = new CheckOut({ ...stamp, ...payload, fingerprint: fingerprint(payload) })
      const { orderId } = yield* edge.call(cart(params.id).CheckOut(command)).pipe(
        Effect.catchTags({
          CommandReused: () => Effect.fail(new IdempotencyKeyReused()),
          TotalChanged: ({ actual, expected }) =>
            Effect.fail(
              new TotalChanged({
                expected: money(expected.amount, expected.currency),
                actual: money(actual.amount, actual.currency)
              })
            )
        })
      )
      const view = yield* placed(orderId, Headers.waitMsOf(headers.prefer))
      return Answers.written(["Order", view.id, view.seq], encode(view), {
        status: undecided.has(view.status) ? 202 : 201,
        headers: {
          location: `/v1/orders/${view.id}`,
          link: `</v1/carts/${params.id}>; rel="related"`,
          ...Headers.applied(headers.prefer)
        }
      })
    })
  })
)
