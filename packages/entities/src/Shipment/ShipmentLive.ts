import { CommandId, OrderId } from "@halles/shared/Ids"
import { Effect } from "effect"
import { Entity } from "effect/cluster"
import { Carrier } from "../Carrier.ts"
import { NotFound } from "../EntityErrors.ts"
import * as EventSourced from "../EventSourced.ts"
import { NoteDelivered, NoteDispatched, NoteReturnReceived, Order } from "../Order.ts"
import * as Refusals from "../Refusals.ts"
import { Shipment } from "../Shipment.ts"
import * as ShipmentState from "./ShipmentState.ts"

/** How long a caller waits for the carrier; after it the answer is `Pending` and the shipment goes on asking. */
const answerMs = 2_000

/** Sends what a shipment owes: to the carrier, or to its order. */
const makeSend = Effect.gen(function* () {
  const carrier = yield* Carrier
  const orders = yield* Order.client

  return (orderId: OrderId) => {
    const reference = (key: string) => `${orderId}:${key}`
    const send = Effect.fnUntraced(function* (
      owed: ShipmentState.Owed,
      state: ShipmentState.State
    ): Effect.fn.Return<ShipmentState.Answer, unknown> {
      switch (owed._tag) {
        case "Ship": {
          const { address, parcels } = state.request!
          return yield* carrier.ship({ reference: reference(owed.key), orderId, parcels, address })
        }
        case "CancelAtCarrier":
          return yield* carrier.cancel({ shipmentId: owed.shipmentId })
        case "Label": {
          const { lines, returnId } = owed.collection
          return yield* carrier.returnLabel({ reference: reference(owed.key), orderId, returnId, lines })
        }
        case "TellOrder": {
          const command = {
            commandId: CommandId.make(reference(owed.key)),
            origin: { actor: `shipment:${orderId}`, correlationId: orderId }
          }
          const order = orders(orderId)
          if (owed.returnId !== null) {
            yield* order.NoteReturnReceived(new NoteReturnReceived({ ...command, returnId: owed.returnId }))
          } else if (owed.news === "dispatched") {
            yield* order.NoteDispatched(new NoteDispatched(command))
          } else {
            yield* order.NoteDelivered(new NoteDelivered(command))
          }
          return { _tag: "Told" }
        }
      }
    })
    return (owed: ShipmentState.Owed, state: ShipmentState.State) =>
      send(owed, state).pipe(
        Effect.timeout("5 seconds"),
        Effect.map((answer): ShipmentState.Command => ({
          _tag: "RecordAnswer",
          commandId: CommandId.make(`${owed.key}:answer`),
          origin: { actor: `shipment:${orderId}`, correlationId: orderId },
          answers: owed.key,
          answer
        }))
      )
  }
})

export const ShipmentLive = Shipment.toLayer(
  Effect.gen(function* () {
    const send = yield* makeSend
    const id = OrderId.make((yield* Entity.CurrentAddress).entityId)
    const self = yield* EventSourced.make(ShipmentState, { perform: send(id) })

    /** Handles the command, then waits a little for what the carrier makes of it. */
    const outcome = <A extends { readonly _tag: string }>(
      command: ShipmentState.Command,
      read: (state: ShipmentState.State) => A
    ) =>
      self.handle(command).pipe(
        Effect.andThen(self.until((state) => read(state)._tag !== "Pending", answerMs)),
        Effect.map(({ state }) => read(state))
      )
    const told = (command: ShipmentState.Command) => Effect.asVoid(self.handle(command))

    return Shipment.of({
      Create: ({ payload }) => outcome(payload, ShipmentState.createResult).pipe(Refusals.only(id, "Busy")),
      CancelShipment: ({ payload }) => outcome(payload, ShipmentState.cancelResult).pipe(Refusals.only(id, "Busy")),
      Collect: ({ payload }) =>
        outcome(payload, (state) => ShipmentState.collectResult(state, payload.returnId)).pipe(
          Refusals.only(id, "NotFound", "Busy")
        ),
      CarrierNotice: ({ payload }) => told(payload).pipe(Refusals.only(id, "NotFound", "Busy")),
      Wake: ({ payload }) => told(payload).pipe(Refusals.only(id, "Busy")),
      View: () =>
        Effect.flatMap(self.committed, ({ seq, state }) => {
          const shipment = ShipmentState.view(id, state, seq)
          return shipment === null
            ? Effect.fail(new NotFound({ entity: ShipmentState.type, id }))
            : Effect.succeed(shipment)
        })
    })
  }),
  { ...EventSourced.options, maxIdleTime: "5 minutes", mailboxCapacity: 256 }
)
