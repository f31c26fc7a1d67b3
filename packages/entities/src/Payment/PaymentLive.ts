import { CommandId, OrderId } from "@halles/shared/Ids"
import * as Residents from "@halles/shared/Residents"
import { Effect, Layer } from "effect"
import { Entity } from "effect/cluster"
import { NotFound } from "../EntityErrors.ts"
import * as EventSourced from "../EventSourced.ts"
import { Payment } from "../Payment.ts"
import { PaymentGateway } from "../PaymentGateway.ts"
import * as Refusals from "../Refusals.ts"
import * as PaymentState from "./PaymentState.ts"

/** A caller waits so long for the gateway; then it hears `Pending`, and the payment keeps asking. */
const answerWithinMs = 2_000

/** Asks the gateway for the one operation that a payment owes. The reference makes a repeat harmless. */
const makePerform = Effect.gen(function* () {
  const gateway = yield* PaymentGateway

  const ask = Effect.fnUntraced(function* (owed: PaymentState.Owed) {
    const reference = owed.key
    if (owed._tag === "Authorise") {
      const { amount, currency, orderId, token } = owed
      const answer = yield* gateway.authorise({ reference, orderId, amount, currency, token })
      return answer._tag === "Authorised"
        ? { _tag: "Done" as const, authorisationId: answer.authorisationId }
        : { _tag: "Refused" as const, reason: answer.reason }
    }
    const { amount, authorisationId } = owed
    const request = { reference, authorisationId, amount }
    const answer = yield* owed._tag === "Capture"
      ? gateway.capture(request)
      : owed._tag === "Refund"
        ? gateway.refund(request)
        : gateway.void({ reference, authorisationId })
    return answer._tag === "Done" ? { _tag: "Done" as const, authorisationId } : answer
  })

  return (owed: PaymentState.Owed) =>
    Effect.map(ask(owed), (answer): PaymentState.Command => ({
      _tag: "RecordOutcome",
      commandId: CommandId.make(`${owed.key}:outcome`),
      origin: { actor: "gateway", causationId: owed.key },
      reference: owed.key,
      answer
    }))
})

const options = { ...EventSourced.options, maxIdleTime: "30 seconds", mailboxCapacity: 256 } as const

export const PaymentLive = Layer.unwrap(
  Effect.gen(function* () {
    const perform = yield* makePerform
    return Payment.toLayer(
      Effect.gen(function* () {
        const id = OrderId.make((yield* Entity.CurrentAddress).entityId)
        const self = yield* EventSourced.make(PaymentState, { perform })

        const outcome = Effect.fnUntraced(
          function* (
            kind: "authorise" | "capture" | "void" | "refund",
            reference: string,
            command: PaymentState.Command
          ) {
            const { state } = yield* self.handle(command)
            const first = PaymentState.outcomeOf(state, kind, reference)
            if (first._tag !== "Pending") return first
            const isKnown = (state: PaymentState.State) =>
              PaymentState.outcomeOf(state, kind, reference)._tag !== "Pending"
            const later = yield* self.until(isKnown, answerWithinMs)
            return PaymentState.outcomeOf(later.state, kind, reference)
          },
          Refusals.only(id, "Busy")
        )

        return Payment.of({
          Authorise: ({ payload }) => outcome("authorise", PaymentState.authoriseReference(id), payload),
          Capture: ({ payload }) => outcome("capture", payload.reference, payload),
          Void: ({ payload }) => outcome("void", payload.reference, payload),
          Refund: ({ payload }) => outcome("refund", payload.reference, payload),
          GatewayNotice: ({ payload }) =>
            Effect.asVoid(self.handle(payload)).pipe(Refusals.only(id, "NotFound", "Busy")),
          Wake: ({ payload }) => Effect.asVoid(self.handle(payload)).pipe(Refusals.only(id, "Busy")),
          View: () =>
            Effect.flatMap(self.committed, ({ seq, state }) => {
              const payment = PaymentState.view(state, seq)
              return payment === null
                ? Effect.fail(new NotFound({ entity: PaymentState.type, id }))
                : Effect.succeed(payment)
            })
        })
      }).pipe(Residents.residing(Payment, options)),
      options
    )
  })
)
