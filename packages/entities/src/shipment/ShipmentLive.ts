import * as EntityClient from "@halles/engine/activation/EntityClient"
import { CommandId, OrderId } from "@halles/shared/Ids"
import { Effect, Layer } from "effect"
import { Carrier } from "./Carrier.ts"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import { NoteDelivered, NoteDispatched, NoteReturnReceived, Order } from "../order/Order.ts"
import { Shipment } from "./Shipment.ts"
import * as ShipmentState from "./ShipmentState.ts"

/** Of one message to the order; after it the message is sent again under the same command id. */
const callDeadline = "5 seconds"

/** Does the pending step of a shipment and puts the answer into a command. The key makes a repeat harmless. */
const makePerform = Effect.gen(function* () {
  const carrier = yield* Carrier
  const orders = yield* EntityClient.make(Order)

  const tell = Effect.fnUntraced(
    function* ({ key, orderId, returnId, what }: Extract<ShipmentState.PendingStep, { _tag: "TellOrder" }>) {
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

  return Effect.fnUntraced(function* (
    pendingStep: ShipmentState.PendingStep
  ): Effect.fn.Return<ShipmentState.Command, unknown> {
    const { key: reference } = pendingStep
    const fields = {
      commandId: CommandId.make(`${reference}:outcome`),
      origin: { actor: pendingStep._tag === "TellOrder" ? "order" : "carrier", causationId: reference }
    }
    switch (pendingStep._tag) {
      case "Book": {
        const { address, orderId, parcels } = pendingStep
        const answer = yield* carrier.ship({ reference, orderId, parcels, address })
        return { _tag: "RecordBooking", ...fields, answer }
      }
      case "Cancel":
        return {
          _tag: "RecordCancel",
          ...fields,
          answer: yield* carrier.cancel({ shipmentId: pendingStep.shipmentId })
        }
      case "Label": {
        const { lines, orderId, returnId } = pendingStep
        const answer = yield* carrier.returnLabel({ reference, orderId, returnId, lines })
        return { _tag: "RecordLabel", ...fields, returnId, answer }
      }
      case "TellOrder":
        yield* tell(pendingStep)
        return { _tag: "NoteTold", ...fields, key: reference }
    }
  })
})

export const ShipmentLive = Layer.unwrap(
  Effect.map(makePerform, (perform) =>
    EventSourced.layer(Shipment, ShipmentState, {
      id: OrderId,
      maxIdleTime: "30 seconds",
      mailboxCapacity: 256,
      perform
    })
  )
)
