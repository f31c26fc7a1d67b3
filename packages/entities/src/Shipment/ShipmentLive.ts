import * as EntityClient from "@halles/shared/EntityClient"
import { CommandId, OrderId } from "@halles/shared/Ids"
import * as Residents from "@halles/shared/Residents"
import { Effect, Layer } from "effect"
import { Entity } from "effect/cluster"
import { Carrier } from "../Carrier.ts"
import { NotFound } from "../EntityErrors.ts"
import * as EventSourced from "../EventSourced.ts"
import { NoteDelivered, NoteDispatched, NoteReturnReceived, Order } from "../Order.ts"
import * as Refusals from "../Refusals.ts"
import { Shipment } from "../Shipment.ts"
import * as ShipmentState from "./ShipmentState.ts"

/** A caller waits so long for the carrier; then it hears `Pending`, and the shipment keeps asking. */
const answerWithinMs = 2_000
/** Of one message to the order; after it the message is sent again under the same command id. */
const callDeadline = "5 seconds"

/** Does the one thing that a shipment owes and puts the answer into a command. The key makes a repeat harmless. */
const makePerform = Effect.gen(function* () {
  const carrier = yield* Carrier
  const orders = yield* EntityClient.make(Order)

  const tell = Effect.fnUntraced(
    function* ({ key, orderId, returnId, what }: Extract<ShipmentState.Owed, { _tag: "TellOrder" }>) {
      const fields = {
        commandId: CommandId.make(key),
        origin: { actor: `shipment:${orderId}`, correlationId: orderId }
      }
      const order = orders(orderId)
      switch (what) {
        case "dispatched":
          return yield* order.NoteDispatched(new NoteDispatched(fields))
        case "delivered":
          return yield* order.NoteDelivered(new NoteDelivered(fields))
        case "return_received":
          return yield* order.NoteReturnReceived(new NoteReturnReceived({ ...fields, returnId: returnId ?? "" }))
      }
    },
    (effect, { key }) =>
      effect.pipe(
        Effect.timeout(callDeadline),
        Effect.catchTag("NotFound", () => Effect.logWarning(`${key}: there is no such order`))
      )
  )

  return Effect.fnUntraced(function* (owed: ShipmentState.Owed): Effect.fn.Return<ShipmentState.Command, unknown> {
    const { key: reference } = owed
    const fields = {
      commandId: CommandId.make(`${reference}:outcome`),
      origin: { actor: owed._tag === "TellOrder" ? "order" : "carrier", causationId: reference }
    }
    switch (owed._tag) {
      case "Book": {
        const { address, orderId, parcels } = owed
        const answer = yield* carrier.ship({ reference, orderId, parcels, address })
        return { _tag: "RecordBooking", ...fields, answer }
      }
      case "Cancel":
        return { _tag: "RecordCancel", ...fields, answer: yield* carrier.cancel({ shipmentId: owed.shipmentId }) }
      case "Label": {
        const { lines, orderId, returnId } = owed
        const answer = yield* carrier.returnLabel({ reference, orderId, returnId, lines })
        return { _tag: "RecordLabel", ...fields, returnId, answer }
      }
      case "TellOrder":
        yield* tell(owed)
        return { _tag: "NoteTold", ...fields, key: reference }
    }
  })
})

const options = { ...EventSourced.options, maxIdleTime: "30 seconds", mailboxCapacity: 256 } as const

export const ShipmentLive = Layer.unwrap(
  Effect.gen(function* () {
    const perform = yield* makePerform
    return Shipment.toLayer(
      Effect.gen(function* () {
        const id = OrderId.make((yield* Entity.CurrentAddress).entityId)
        const self = yield* EventSourced.make(ShipmentState, { perform })

        const result = Effect.fnUntraced(function* <A extends { readonly _tag: string }>(
          command: ShipmentState.Command,
          of: (state: ShipmentState.State) => A
        ) {
          const { state } = yield* self.handle(command)
          const first = of(state)
          if (first._tag !== "Pending") return first
          return of((yield* self.until((state) => of(state)._tag !== "Pending", answerWithinMs)).state)
        })

        return Shipment.of({
          Create: ({ payload }) => result(payload, ShipmentState.createResult).pipe(Refusals.only(id, "Busy")),
          CancelShipment: ({ payload }) => result(payload, ShipmentState.cancelResult).pipe(Refusals.only(id, "Busy")),
          Collect: ({ payload }) =>
            result(payload, (state) => ShipmentState.collectResult(state, payload.returnId)).pipe(
              Refusals.only(id, "NotFound", "Busy")
            ),
          CarrierNotice: ({ payload }) =>
            Effect.asVoid(self.handle(payload)).pipe(Refusals.only(id, "NotFound", "Busy")),
          Wake: ({ payload }) => Effect.asVoid(self.handle(payload)).pipe(Refusals.only(id, "Busy")),
          View: () =>
            Effect.flatMap(self.committed, ({ seq, state }) => {
              const shipment = ShipmentState.view(state, seq)
              return shipment === null
                ? Effect.fail(new NotFound({ entity: ShipmentState.type, id }))
                : Effect.succeed(shipment)
            })
        })
      }).pipe(Residents.residing(Shipment, options)),
      options
    )
  })
)
