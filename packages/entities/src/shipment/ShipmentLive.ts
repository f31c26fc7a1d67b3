import * as EntityClient from "@halles/engine/activation/EntityClient"
import { CommandId, OrderId } from "@halles/shared/Ids"
import { Effect, Layer } from "effect"
import { Carrier } from "./Carrier.ts"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import type { ShellOf } from "@halles/engine/eventsourced/EventSourcedEntity"
import { NoteDelivered, NoteDispatched, NoteReturnReceived, Order } from "../order/Order.ts"
import * as Refusals from "@halles/engine/eventsourced/Refusals"
import { Shipment } from "./Shipment.ts"
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

type Self = ShellOf<OrderId, typeof ShipmentState>

const result = Effect.fnUntraced(function* <A extends { readonly _tag: string }>(
  self: Self,
  command: ShipmentState.Command,
  of: (state: ShipmentState.State) => A
) {
  const { state } = yield* self.handle(command)
  const first = of(state)
  if (first._tag !== "Pending") return first
  return of((yield* self.until((state) => of(state)._tag !== "Pending", answerWithinMs)).state)
})

export const ShipmentLive = Layer.unwrap(
  Effect.map(makePerform, (perform) =>
    EventSourced.layer(Shipment, ShipmentState, {
      id: OrderId,
      maxIdleTime: "30 seconds",
      mailboxCapacity: 256,
      perform,
      handlers: {
        Create: (self, payload) =>
          result(self, payload, ShipmentState.createResult).pipe(Refusals.only(self.id, "Busy")),
        CancelShipment: (self, payload) =>
          result(self, payload, ShipmentState.cancelResult).pipe(Refusals.only(self.id, "Busy")),
        Collect: (self, payload) =>
          result(self, payload, (state) => ShipmentState.collectResult(state, payload.returnId)).pipe(
            Refusals.only(self.id, "NotFound", "Busy")
          ),
        CarrierNotice: (self, payload) =>
          Effect.asVoid(self.handle(payload)).pipe(Refusals.only(self.id, "NotFound", "Busy")),
        Wake: (self, payload) => Effect.asVoid(self.handle(payload)).pipe(Refusals.only(self.id, "Busy")),
        View: (self) =>
          Effect.flatMap(self.committed, ({ seq, state }) => {
            const shipment = ShipmentState.view(state, seq)
            return shipment === null
              ? Effect.fail(new NotFound({ entity: ShipmentState.type, id: self.id }))
              : Effect.succeed(shipment)
          })
      }
    })
  )
)
