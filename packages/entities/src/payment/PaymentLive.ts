import * as EntityClient from "@halles/engine/activation/EntityClient"
import { CommandId, OrderId } from "@halles/shared/Ids"
import { Effect, Layer } from "effect"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import { NoteDispute, Order } from "../order/Order.ts"
import { Payment } from "./Payment.ts"
import { PaymentGateway } from "./PaymentGateway.ts"
import * as PaymentState from "./PaymentState.ts"

/** Of one message to the order; after it the message is sent again under the same command id. */
const callDeadline = "5 seconds"

/** Does a pending step of a payment: asks the gateway for an operation, or tells the order. The key makes a repeat harmless. */
const makePerform = Effect.gen(function* () {
  const gateway = yield* PaymentGateway
  const orders = yield* EntityClient.make(Order)

  const tell = ({
    amount,
    key,
    orderId,
    reference,
    what
  }: Extract<PaymentState.PendingStep, { _tag: "TellOrder" }>) => {
    const origin = { actor: `payment:${orderId}`, correlationId: orderId }
    const note = new NoteDispute({ commandId: CommandId.make(key), origin, what, reference, amount })
    return orders(orderId)
      .NoteDispute(note)
      .pipe(
        Effect.timeout(callDeadline),
        Effect.catchTag("NotFound", () => Effect.logWarning(`${key}: there is no such order`))
      )
  }
  const ask = Effect.fnUntraced(function* (pendingStep: Exclude<PaymentState.PendingStep, { _tag: "TellOrder" }>) {
    const reference = pendingStep.key
    if (pendingStep._tag === "Authorise") {
      const { amount, currency, orderId, token } = pendingStep
      const answer = yield* gateway.authorise({ reference, orderId, amount, currency, token })
      return answer._tag === "Authorised"
        ? { _tag: "Done" as const, authorisationId: answer.authorisationId }
        : { _tag: "Refused" as const, reason: answer.reason }
    }
    const { amount, authorisationId } = pendingStep
    const request = { reference, authorisationId, amount }
    const answer = yield* pendingStep._tag === "Capture"
      ? gateway.capture(request)
      : pendingStep._tag === "Refund"
        ? gateway.refund(request)
        : gateway.void({ reference, authorisationId })
    return answer._tag === "Done" ? { _tag: "Done" as const, authorisationId } : answer
  })

  return (pendingStep: PaymentState.PendingStep): Effect.Effect<PaymentState.Command, unknown> => {
    const origin = { actor: pendingStep._tag === "TellOrder" ? "order" : "gateway", causationId: pendingStep.key }
    const fields = { commandId: CommandId.make(`${pendingStep.key}:outcome`), origin }
    return pendingStep._tag === "TellOrder"
      ? Effect.as(tell(pendingStep), { _tag: "NoteTold", ...fields, key: pendingStep.key })
      : Effect.map(ask(pendingStep), (answer) => ({
          _tag: "RecordOutcome",
          ...fields,
          reference: pendingStep.key,
          answer
        }))
  }
})

export const PaymentLive = Layer.unwrap(
  Effect.map(makePerform, (perform) =>
    EventSourced.layer(Payment, PaymentState, {
      id: OrderId,
      maxIdleTime: "30 seconds",
      mailboxCapacity: 256,
      perform
    })
  )
)
