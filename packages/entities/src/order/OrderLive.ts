import * as EntityClient from "@halles/engine/activation/EntityClient"
import { CommandId, CustomerId, OrderId, type SkuCode, skuId, type WarehouseId } from "@halles/shared/Ids"
import { regionOf } from "@halles/shared/Region"
import { Effect, Layer, Option, Schema, Stream } from "effect"
import { Cart, Reopen } from "../cart/Cart.ts"
import { Customer, NoteOrder } from "../customer/Customer.ts"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import { deadlyText } from "@halles/engine/eventsourced/Deadly"
import type { EntityOf } from "@halles/engine/eventsourced/EntityOf"
import { Order } from "./Order.ts"
import { Authorise, Capture, Payment, Refund, Void } from "../payment/Payment.ts"
import { CancelShipment, Collect, Create, type Parcel, Shipment } from "../shipment/Shipment.ts"
import { Hold, type HoldResult, holdTtlMs, Release, Restock, Ship, Sku, WriteOff } from "../inventory/Sku.ts"
import { statusOf } from "./OrderAnswers.ts"
import { stockKey } from "./OrderRefusals.ts"
import { unitsBack } from "./OrderReturns.ts"
import { quantities } from "./OrderStock.ts"
import * as OrderState from "./OrderState.ts"

/** Messages to the SKUs of one order that are under way at a time. */
const skusAtOnce = 16
/** Of one message to another entity; after it the step is tried again under the same command id. */
const callDeadline = "5 seconds"

/** The other party has not done it yet; the step is tried again. */
class NotYet extends Schema.TaggedError<NotYet>()("NotYet", { step: Schema.String, reason: Schema.String }) {}

const done: OrderState.Outcome = { _tag: "Done" }

/** A step that was not given up after all is recorded anew. */
const recordId = ({ key }: OrderState.PendingStep, { recalls, unsure }: OrderState.State) =>
  CommandId.make(unsure === null || recalls === 0 ? `${key}:done` : `${key}:done:${recalls}`)

const authorisationOf = ({ currency, paymentToken, totals }: OrderState.Draft, orderId: OrderId) => ({
  orderId,
  amount: totals.total,
  currency,
  token: paymentToken
})

/** One parcel a warehouse. */
const parcelsOf = (stock: ReadonlyArray<OrderState.SkuAllocation>): ReadonlyArray<Parcel> => {
  const parcels = new Map<WarehouseId, Array<Parcel["lines"][number]>>()
  for (const { allocations, sku } of stock) {
    for (const { quantity, warehouse } of allocations) {
      parcels.set(warehouse, [...(parcels.get(warehouse) ?? []), { sku, quantity }])
    }
  }
  return [...parcels].map(([warehouse, lines]) => ({ warehouse, lines }))
}

type Line = ReturnType<typeof quantities>[number]

/** Asks every SKU of the order for its units. */
const stockOf = <E>(draft: OrderState.Draft, send: (line: Line) => Effect.Effect<HoldResult, E>) =>
  Effect.map(
    Effect.forEach(quantities(draft), (line) => Effect.map(send(line), (answer) => ({ ...line, answer })), {
      concurrency: skusAtOnce
    }),
    (answers): OrderState.Outcome => {
      const missing = answers.flatMap(({ answer, quantity: wanted, sku }) =>
        answer._tag === "NoStock" ? [{ sku, wanted, available: answer.available }] : []
      )
      const stock = answers.flatMap(({ answer, sku }) =>
        answer._tag === "Held" ? [{ sku, allocations: answer.allocations }] : []
      )
      return missing.length > 0 ? { _tag: "NoStock", missing } : { _tag: "Held", stock }
    }
  )

/** What the other party says of an operation; `Pending` is no answer yet, a refusal is final. */
const settled = (
  step: string,
  outcome: { readonly _tag: string; readonly reason?: string; readonly refundable?: number }
): Effect.Effect<OrderState.Outcome, NotYet> => {
  if (outcome._tag === "Pending") return new NotYet({ step, reason: "the other party has not answered" })
  if (outcome._tag !== "Refused") return Effect.succeed(done)
  const { reason = "refused", refundable } = outcome
  return Effect.succeed({ _tag: "Refused", reason, ...(refundable === undefined ? {} : { refundable }) })
}

/** What became of a message that is one of several of a step: it went well, or why not. Who cannot be reached now fails it. */
const reasonOf = <A, E>(sent: Effect.Effect<A, E>, reason: (answer: A) => string | null) =>
  sent.pipe(
    Effect.map((answer) => ({ isDeadly: false, reason: reason(answer) })),
    Effect.catchCause((cause) => {
      const text = deadlyText(cause)
      return text === null ? Effect.failCause(cause) : Effect.succeed({ isDeadly: true, reason: text })
    })
  )

/** Sends the message of a pending step of an order and puts the answer into words that the order records. */
const makeSaga = Effect.gen(function* () {
  const skus = yield* EntityClient.make(Sku)
  const payments = yield* EntityClient.make(Payment)
  const shipments = yield* EntityClient.make(Shipment)
  const customers = yield* EntityClient.make(Customer)
  const carts = yield* EntityClient.make(Cart)

  return (pendingStep: OrderState.PendingStep, state: OrderState.State, orderId: OrderId) => {
    const region = regionOf(orderId)
    const sku = (code: SkuCode) => skus(skuId(region, code))
    const command = (key: string) => ({
      commandId: CommandId.make(`${orderId}:${key}`),
      origin: { actor: `order:${orderId}`, correlationId: orderId }
    })
    /** Of the SKUs that are asked, those that did not do it; one that does nothing but die of it is one of them. */
    const eachOf = Effect.fnUntraced(function* <A, E>(
      codes: ReadonlyArray<SkuCode> | null,
      send: (code: SkuCode) => Effect.Effect<A, E>,
      reason: (answer: A) => string | null
    ) {
      const skuCodes = codes ?? quantities(state.draft!).map(({ sku }) => sku)
      const answers = yield* Effect.forEach(
        skuCodes,
        (code) => Effect.map(reasonOf(send(code), reason), (answer) => ({ code, ...answer })),
        { concurrency: skusAtOnce }
      )
      const [first, ...others] = answers.filter(({ reason }) => reason !== null)
      if (first === undefined) return done
      return {
        _tag: first.isDeadly ? ("Faulted" as const) : ("Refused" as const),
        reason: `${first.code}: ${first.reason}`,
        skus: [first, ...others].map(({ code }) => code)
      }
    })

    const send = Effect.gen(function* () {
      const draft = state.draft!
      const fields = command(pendingStep.key)
      switch (pendingStep._tag) {
        case "HoldStock":
          return yield* stockOf(draft, (line) =>
            sku(line.sku).Hold(new Hold({ ...fields, orderId, quantity: line.quantity, ttlMs: holdTtlMs }))
          )
        case "Authorise":
          return yield* settled(
            pendingStep.key,
            yield* payments(orderId).Authorise(new Authorise({ ...fields, ...authorisationOf(draft, orderId) }))
          )
        case "AwaitStock":
          return yield* stockOf(draft, (line) => sku(line.sku).HeldFor({ orderId }))
        case "BookShipment": {
          const answer = yield* shipments(orderId).Create(
            new Create({ ...fields, orderId, parcels: parcelsOf(state.stock), address: draft.shippingAddress })
          )
          return answer._tag === "Booked" ? answer : yield* settled(pendingStep.key, answer)
        }
        case "NoteCustomer":
          yield* customers(CustomerId.make(draft.customerId!))
            .NoteOrder(new NoteOrder({ ...fields, orderId }))
            .pipe(Effect.catchTag("NotFound", () => Effect.logInfo(`${orderId}: its customer does not exist`)))
          return done
        case "Capture":
          return yield* settled(
            pendingStep.key,
            yield* payments(orderId).Capture(
              new Capture({ ...fields, reference: fields.commandId, amount: state.authorised })
            )
          )
        case "ShipStock":
          return yield* eachOf(
            pendingStep.skus,
            (code) => sku(code).Ship(new Ship({ ...fields, orderId })),
            ({ _tag }) => (_tag === "Shipped" ? null : _tag)
          )
        case "RecallShipment": {
          const answer = yield* shipments(orderId).CancelShipment(new CancelShipment(fields))
          if (answer._tag === "AlreadyDispatched") {
            return { _tag: "Refused" as const, reason: OrderState.alreadyDispatched }
          }
          return yield* settled(pendingStep.key, answer)
        }
        case "ReleaseStock":
          return yield* eachOf(
            pendingStep.skus,
            (code) => sku(code).Release(new Release({ ...fields, orderId })),
            () => null
          )
        case "VoidPayment": {
          // An authorisation that the order does not know of may have been asked for all the same.
          const asked = state.authorised > 0 ? {} : { authorisation: authorisationOf(draft, orderId) }
          return yield* settled(
            pendingStep.key,
            yield* payments(orderId).Void(new Void({ ...fields, reference: fields.commandId, ...asked }))
          )
        }
        case "ReopenCart": {
          const { attempt, cartId } = draft
          yield* carts(cartId).Reopen(new Reopen({ ...fields, attempt, failure: pendingStep.failure }))
          return done
        }
        case "CollectReturn": {
          const lines = unitsBack(draft, pendingStep.return.lines)
          const answer = yield* shipments(orderId)
            .Collect(new Collect({ ...fields, returnId: pendingStep.return.returnId, lines }))
            .pipe(
              Effect.catchTag("NotFound", () => Effect.succeed({ _tag: "Refused" as const, reason: "no_shipment" }))
            )
          return answer._tag === "Labelled" ? answer : yield* settled(pendingStep.key, answer)
        }
        case "StockReturn": {
          const { disposition, returnId } = pendingStep.return
          const parts = pendingStep.parts.flatMap(({ allocations, sku }) =>
            allocations.map((from) => ({ code: sku, from }))
          )
          const answers = yield* Effect.forEach(
            parts,
            (part) => {
              const { quantity, warehouse } = part.from
              // The same at every try of the step: what a SKU has taken it takes once.
              const goods = { ...command(`${stockKey(returnId)}:${warehouse}`), orderId, warehouse, quantity }
              const sent =
                disposition === "restock"
                  ? sku(part.code)
                      .Restock(new Restock(goods))
                      .pipe(
                        Effect.as(null),
                        Effect.catchTag("StockBound", ({ bound }) => Effect.succeed(`bound of ${bound}`))
                      )
                  : Effect.as(sku(part.code).WriteOff(new WriteOff(goods)), null)
              return Effect.map(
                reasonOf(sent, (reason) => reason),
                (answer) => ({ ...part, ...answer })
              )
            },
            { concurrency: skusAtOnce }
          )
          const left = answers.filter(({ reason }) => reason !== null)
          const [first] = left
          if (first === undefined) return done
          return {
            _tag: first.isDeadly ? ("Faulted" as const) : ("Refused" as const),
            reason: `${first.code}: ${first.reason}`,
            parts: [...Map.groupBy(left, ({ code }) => code)].map(([sku, same]) => ({
              sku,
              allocations: same.map(({ from }) => from)
            }))
          }
        }
        case "RefundReturn":
          return pendingStep.amount === 0
            ? done
            : yield* settled(
                pendingStep.key,
                yield* payments(orderId).Refund(
                  new Refund({ ...fields, reference: fields.commandId, amount: pendingStep.amount })
                )
              )
      }
    })

    return send.pipe(
      Effect.timeout(callDeadline),
      Effect.catchCause((cause): Effect.Effect<OrderState.Outcome, unknown> => {
        const reason = deadlyText(cause)
        return reason === null ? Effect.failCause(cause) : Effect.succeed({ _tag: "Faulted", reason })
      }),
      Effect.tap((outcome) =>
        "reason" in outcome
          ? Effect.logWarning(`${orderId}: ${pendingStep.key} was refused`, outcome.reason)
          : Effect.void
      ),
      Effect.map((outcome): OrderState.Command => ({
        _tag: "Record",
        commandId: recordId(pendingStep, state),
        origin: command(pendingStep.key).origin,
        answers: pendingStep.key,
        outcome
      }))
    )
  }
})

const isSettled = ({ phase }: OrderState.State) =>
  ["awaitingStock", "confirmed", "capturing", "shippingStock", "shipped", "delivered", "cancelled"].includes(phase)

/** Of an order without returns, its delivery is the last step that is waited for; one that was sent back whole is over too. */
const isOver = (state: OrderState.State) =>
  state.phase === "cancelled" ||
  (state.phase === "delivered" &&
    OrderState.next(state) === null &&
    (state.returns.length === 0 || statusOf(state) === "returned"))

type Self = EntityOf<OrderId, typeof OrderState>

const toView = ({ id }: Self, { seq, state }: { readonly state: OrderState.State; readonly seq: number }) =>
  Effect.fromResult(OrderState.replies.View(id, { state, seq }))

/** All steps after `afterSeq`, then each new one as it is committed, until the order is over. */
const watch = (self: Self, afterSeq: number) =>
  Stream.paginate(
    afterSeq,
    Effect.fnUntraced(function* (seen: number) {
      let now = yield* self.committed
      yield* toView(self, now)
      while (now.state.steps.length <= seen && !isOver(now.state)) {
        yield* self.changedSince(now.seq)
        now = yield* self.committed
      }
      const { state } = now
      const fresh = state.steps.slice(seen).map((step) => ({ step, status: statusOf(state) }))
      return [fresh, isOver(state) ? Option.none<number>() : Option.some(state.steps.length)] as const
    })
  )

export const OrderLive = Layer.unwrap(
  Effect.map(makeSaga, (perform) =>
    EventSourced.layer(Order, OrderState, {
      id: OrderId,
      maxIdleTime: "30 seconds",
      mailboxCapacity: 256,
      patient: ["Settled"],
      perform,
      handlers: {
        IsOver: (self) =>
          Effect.flatMap(self.committed, (now) => Effect.map(toView(self, now), () => isOver(now.state))),
        Settled: (self, payload) =>
          Effect.flatMap(self.until(isSettled, payload.timeoutMs), (now) => toView(self, now)),
        Watch: (self, payload) => watch(self, payload.afterSeq)
      }
    })
  )
)
