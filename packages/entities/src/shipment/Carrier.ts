import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import type { Address } from "@halles/shared/Address"
import type { OrderId } from "@halles/shared/Ids"
import { Context, Effect, Layer, type Redacted, Schema } from "effect"
import * as PartnerClient from "../payment/PartnerClient.ts"
import type { Parcel, ParcelLine } from "./Shipment.ts"

/** The carrier did not answer within a second, or not sensibly: whether it acted is unknown until the same reference is asked again. */
export class CarrierUnavailable extends Schema.TaggedError<CarrierUnavailable>()("CarrierUnavailable", {
  cause: Schema.Defect()
}) {}

export type Booking =
  | { readonly _tag: "Booked"; readonly shipmentId: string; readonly trackingNumbers: ReadonlyArray<string> }
  | { readonly _tag: "Refused"; readonly reason: string }
export type Cancellation =
  | { readonly _tag: "Cancelled" }
  | { readonly _tag: "AlreadyDispatched" }
  | { readonly _tag: "Refused"; readonly reason: string }
export type ReturnLabel =
  | { readonly _tag: "Labelled"; readonly label: string }
  | { readonly _tag: "Refused"; readonly reason: string }

/**
 * The company that brings parcels. Nothing here retries: the shipment entity asks again with the same `reference`,
 * which the carrier carries out at most once; cancelling twice is harmless.
 */
export class Carrier extends Context.Service<
  Carrier,
  {
    readonly ship: (request: {
      readonly reference: string
      readonly orderId: OrderId
      readonly parcels: ReadonlyArray<Parcel>
      readonly address: Address
    }) => Effect.Effect<Booking, CarrierUnavailable>
    readonly cancel: (request: { readonly shipmentId: string }) => Effect.Effect<Cancellation, CarrierUnavailable>
    /** `returnId` is our number of the return, which the webhook `return.received` hands back. */
    readonly returnLabel: (request: {
      readonly reference: string
      readonly orderId: OrderId
      readonly returnId: string
      readonly lines: ReadonlyArray<typeof ParcelLine.Type>
    }) => Effect.Effect<ReturnLabel, CarrierUnavailable>
  }
>()("@halles/entities/Carrier") {
  static readonly layer = (options: { readonly url: string; readonly key: Redacted.Redacted }) =>
    Layer.effect(Carrier, make(options)).pipe(
      Layer.provide(NodeHttpClient.layerUndiciOptions(PartnerClient.agentOptions))
    )
}

const webhookFields = {
  eventId: Schema.String.check(Schema.isMaxLength(100)),
  reference: Schema.String.check(Schema.isPattern(/^[A-Za-z0-9:_-]{1,160}$/u)),
  orderId: Schema.String.check(Schema.isMaxLength(100)),
  /** ISO 8601, UTC. */
  occurredAt: Schema.String.check(Schema.isMaxLength(40))
}
/** The body of a carrier webhook; it may come late or twice. */
export const CarrierWebhook = Schema.Union([
  Schema.Struct({
    ...webhookFields,
    type: Schema.Literals(["shipment.dispatched", "shipment.delivered"]),
    shipmentId: Schema.String.check(Schema.isMaxLength(100)),
    trackingNumbers: Schema.Array(Schema.String.check(Schema.isMaxLength(100))).check(Schema.isMaxLength(50))
  }),
  Schema.Struct({
    ...webhookFields,
    type: Schema.Literal("return.received"),
    returnId: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(60)))
  })
])
export type CarrierWebhook = typeof CarrierWebhook.Type

const Shipped = Schema.Struct({ id: Schema.String, trackingNumbers: Schema.Array(Schema.String) })
const Labelled = Schema.Struct({ id: Schema.String, label: Schema.String })
const Cancelled = Schema.Struct({ status: Schema.Literal("cancelled") })

const make = Effect.fnUntraced(function* (options: { readonly url: string; readonly key: Redacted.Redacted }) {
  const partner = yield* PartnerClient.make({ name: "carrier", ...options })
  const unavailable = Effect.mapError((cause: unknown) => new CarrierUnavailable({ cause }))

  const ship: Carrier["Service"]["ship"] = Effect.fn("Carrier.ship")(function* (request) {
    const answer = yield* unavailable(partner.post("/shipments", request, Shipped))
    if (answer._tag === "Refused") return { _tag: "Refused", reason: answer.code }
    return { _tag: "Booked", shipmentId: answer.body.id, trackingNumbers: answer.body.trackingNumbers }
  })
  const cancel: Carrier["Service"]["cancel"] = Effect.fn("Carrier.cancel")(function* ({ shipmentId }) {
    const path = `/shipments/${encodeURIComponent(shipmentId)}/cancel`
    const answer = yield* unavailable(partner.post(path, {}, Cancelled))
    if (answer._tag === "Answered") return { _tag: "Cancelled" }
    return answer.code === "already_dispatched"
      ? { _tag: "AlreadyDispatched" }
      : { _tag: "Refused", reason: answer.code }
  })
  const returnLabel: Carrier["Service"]["returnLabel"] = Effect.fn("Carrier.returnLabel")(function* (request) {
    const answer = yield* unavailable(partner.post("/returns", request, Labelled))
    if (answer._tag === "Refused") return { _tag: "Refused", reason: answer.code }
    return { _tag: "Labelled", label: answer.body.label }
  })
  return Carrier.of({ ship, cancel, returnLabel })
})
