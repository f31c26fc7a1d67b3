import { Cancel, Order, type OrderView, RequestReturn } from "@halles/entities/order/Order"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { Payment, type PaymentView } from "@halles/entities/payment/Payment"
import { Shipment } from "@halles/entities/shipment/Shipment"
import { Cause, Data, Effect, Schedule, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../Api.ts"
import * as Edge from "../Edge.ts"
import { money } from "./MoneyJson.ts"
import type { OrderJson, PaymentJson, RequestedReturnJson, ReturnJson, StepEvent } from "./OrderApi.ts"
import { saleJson } from "./SaleJson.ts"
import * as Upstreams from "../admission/Upstreams.ts"

const goodsJson = (view: OrderView, goods: OrderView["returns"][number]): typeof ReturnJson.Encoded => ({
  returnId: goods.returnId,
  status: goods.status,
  disposition: goods.disposition,
  lines: goods.lines.map((line) => ({ ...line, refund: money(line.refund, view.currency) })),
  outbound: money(goods.outbound, view.currency),
  amount: money(goods.amount, view.currency),
  refunded: money(goods.refunded, view.currency)
})

const paymentJson = (view: PaymentView): typeof PaymentJson.Encoded => ({
  orderId: view.orderId,
  status: view.status,
  authorised: money(view.authorised, view.currency),
  captured: money(view.captured, view.currency),
  refunded: money(view.refunded, view.currency),
  disputed: money(view.disputed, view.currency),
  ledger: view.ledger.map((entry) => ({ ...entry, amount: money(entry.amount, view.currency) })),
  seq: view.seq
})

export const orderJson = (view: OrderView): typeof OrderJson.Encoded => ({
  id: view.id,
  cartId: view.cartId,
  status: view.status,
  customerId: view.customerId,
  currency: view.currency,
  ...saleJson(view),
  discount: money(view.discount, view.currency),
  payment: {
    authorised: money(view.payment.authorised, view.currency),
    captured: money(view.payment.captured, view.currency),
    refunded: money(view.payment.refunded, view.currency),
    disputed: money(view.payment.disputed, view.currency)
  },
  disputes: view.disputes.map((one) => ({ ...one, amount: money(one.amount, view.currency) })),
  awaiting: view.awaiting,
  trackingNumbers: view.trackingNumbers,
  returns: view.returns.map((goods) => goodsJson(view, goods)),
  cancelled: view.cancelled,
  steps: view.steps,
  refused: view.refused,
  seq: view.seq
})

const returnJson = (view: OrderView, returnId: string): typeof RequestedReturnJson.Encoded => ({
  returnId,
  status: view.returns.find((goods) => goods.returnId === returnId)?.status ?? "requested",
  order: orderJson(view)
})

/** So that neither side of a quiet stream takes the other for dead. */
const heartbeatEvery = "15 seconds"
const heartbeat = ": still here\n\n"
/** Headers leave at once. It names no time for clients to come back after: Effect's client takes that for the end of the stream. */
const preamble = ": steps follow\n\n"

const frame = (event: typeof StepEvent.Encoded): string => `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`

/** A watch that was cut off is taken up again at the shard's next owner; it gives up after half a minute without a step. */
const untilBack = Schedule.spaced("250 millis").pipe(Schedule.upTo({ times: 120 }))
class CutOff extends Data.TaggedError("CutOff") {}

/**
 * All steps after one, though the order moves from runner to runner meanwhile: when a shard is handed over its streams are
 * cut off, and the next owner is asked for what comes after the last step that was seen.
 */
export const resumed = <E>(
  watch: (afterSeq: number) => Stream.Stream<typeof StepEvent.Encoded, E>,
  afterSeq: number
): Stream.Stream<typeof StepEvent.Encoded, E | CutOff> => {
  let seen = afterSeq
  return Stream.suspend(() => watch(seen)).pipe(
    // When a runner dies the cluster's client asks the next one by itself, for what was asked at first.
    Stream.filter(({ seq }) => {
      if (seq <= seen) return false
      seen = seq
      return true
    }),
    // What the runner does when it gives a shard up; an interrupt of the client's own request passes by here.
    Stream.catchCauseIf(Cause.hasInterruptsOnly, () => Stream.fail(new CutOff())),
    Stream.retry(untilBack)
  )
}

/** One that cannot be taken up again ends the answer: the client resumes it after the last id it has seen. */
const eventStream = <E>(steps: Stream.Stream<typeof StepEvent.Encoded, E>) =>
  Stream.merge(
    steps.pipe(
      Stream.map(frame),
      Stream.catchCause((cause) => Stream.fromEffectDrain(Effect.logWarning("Order.Watch ended early", cause)))
    ),
    Stream.map(Stream.drop(Stream.tick(heartbeatEvery), 1), () => heartbeat),
    { haltStrategy: "left" }
  ).pipe((frames) => Stream.concat(Stream.succeed(preamble), frames), Stream.encodeText)

export const OrderHttp = HttpApiBuilder.group(
  Api,
  "orders",
  Effect.fnUntraced(function* (handlers) {
    const order = yield* Upstreams.entity(Order)
    const payment = yield* Upstreams.entity(Payment)
    const shipment = yield* Upstreams.entity(Shipment)
    return handlers.handleAll({
      getPayment: ({ params, request }) =>
        Effect.map(Edge.call(payment(params.id).View()), (view) =>
          Edge.fresh(request, view.seq, () => paymentJson(view))
        ),
      getShipment: ({ params, request }) =>
        Effect.map(Edge.call(shipment(params.id).View()), (view) => Edge.fresh(request, view.seq, () => ({ ...view }))),
      getReturn: ({ params, request }) =>
        Effect.flatMap(Edge.call(order(params.id).View()), (view) => {
          const goods = view.returns.find(({ returnId }) => returnId === params.returnId)
          return goods === undefined
            ? Effect.fail(new NotFound({ entity: "Return", id: params.returnId }))
            : Effect.succeed(Edge.fresh(request, view.seq, () => goodsJson(view, goods)))
        }),
      getOrder: ({ params, request }) =>
        Effect.map(Edge.call(order(params.id).View()), (view) => Edge.fresh(request, view.seq, () => orderJson(view))),
      watchOrder: Effect.fnUntraced(function* ({ headers, params }) {
        const { steps } = yield* Edge.call(order(params.id).View())
        const seen = headers["last-event-id"] ?? 0
        const last = steps.at(-1)?.seq ?? 0
        // Browsers come back to a stream that ends, for ever, unless they are told that there is nothing more.
        if (seen === last && (yield* Edge.call(order(params.id).IsOver())))
          return HttpServerResponse.empty({ status: 204, headers: { "cache-control": "no-store" } })
        return HttpServerResponse.stream(
          eventStream(
            resumed(
              (afterSeq) =>
                Stream.map(order(params.id).Watch({ afterSeq }), ({ status, step }) => ({ ...step, status })),
              // An id that was never given out tells nothing of what was seen.
              seen > last ? 0 : seen
            )
          ),
          { contentType: "text/event-stream", headers: { "cache-control": "no-store", "x-accel-buffering": "no" } }
        )
      }),
      cancelOrder: ({ headers, params, payload }) =>
        Effect.map(
          Edge.send("cancel", headers, (stamp) =>
            order(params.id).Cancel(new Cancel({ ...stamp, reason: payload.reason ?? "requested" }))
          ),
          (view) => Edge.written(["Order", view.id, view.seq], orderJson(view))
        ),
      requestReturn: Effect.fnUntraced(function* ({ headers, params, payload }) {
        const returnId = yield* Edge.token("return")
        const command = {
          returnId,
          lines: payload.lines.map((line) => ({ ...line, variant: line.variant ?? "" })),
          reason: payload.reason ?? "",
          disposition: payload.disposition
        }
        const view = yield* Edge.send("return", headers, (stamp) =>
          order(params.id).RequestReturn(new RequestReturn({ ...stamp, ...command }))
        )
        return Edge.written(["Order", view.id, view.seq], returnJson(view, returnId), {
          status: 202,
          headers: { location: `/v1/orders/${view.id}/returns/${returnId}` }
        })
      })
    })
  })
)
