import { GatewayNotice, Payment } from "@halles/entities/Payment"
import { CarrierNotice, Shipment } from "@halles/entities/Shipment"
import { CommandId, OrderId } from "@halles/shared/Ids"
import * as WebhookSignature from "@halles/shared/WebhookSignature"
import { Context, Effect, Layer, type Redacted, Result, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "./Api.ts"
import * as Edge from "./Edge.ts"
import { BadSignature, InvalidRequest } from "./EdgeErrors.ts"
import { faultsOf } from "./Refusals.ts"

/** What our partners sign their webhooks with. */
export class WebhookSecrets extends Context.Service<
  WebhookSecrets,
  { readonly gateway: WebhookSignature.WebhookSignature; readonly carrier: WebhookSignature.WebhookSignature }
>()("@halles/http/WebhookSecrets") {
  static readonly layer = (secrets: { readonly gateway: Redacted.Redacted; readonly carrier: Redacted.Redacted }) =>
    Layer.sync(WebhookSecrets, () => ({
      gateway: WebhookSignature.make([secrets.gateway]),
      carrier: WebhookSignature.make([secrets.carrier])
    }))
}

const { amount, authorisationId, eventId, reason, reference, type } = GatewayNotice.fields
/** A partner may add fields; those that we do not know are left out. */
const GatewayEvent = Schema.fromJsonString(
  Schema.Struct({ eventId, type, orderId: OrderId, reference, authorisationId, amount, reason })
)
const CarrierEvent = Schema.fromJsonString(
  Schema.Struct({
    eventId: CarrierNotice.fields.eventId,
    type: CarrierNotice.fields.type,
    orderId: OrderId,
    returnId: CarrierNotice.fields.returnId
  })
)

/** A notice is known by its event: repeated, it has one effect. */
const stamp = (eventId: string, actor: "gateway" | "carrier") => ({
  commandId: CommandId.make(`webhook:${eventId}`),
  origin: { actor }
})

/** The signed body, read; nothing of it is looked at before the signature holds. */
const opened = <A>(schema: Schema.ConstraintCodec<A, string>) => {
  const decode = Schema.decodeUnknownEffect(schema)
  return (
    signature: WebhookSignature.WebhookSignature,
    headers: Readonly<Record<string, string | undefined>>,
    body: string
  ): Effect.Effect<A, BadSignature | InvalidRequest> =>
    Result.isFailure(signature.verify(headers, body))
      ? Effect.fail(new BadSignature())
      : Effect.mapError(decode(body), ({ issue }) => new InvalidRequest({ errors: faultsOf(issue, "Payload") }))
}
const gatewayEvent = opened(GatewayEvent)
const carrierEvent = opened(CarrierEvent)

export const WebhookHttp = HttpApiBuilder.group(
  Api,
  "webhooks",
  Effect.fnUntraced(function* (handlers) {
    const payment = yield* Payment.client
    const shipment = yield* Shipment.client
    const secrets = yield* WebhookSecrets
    return handlers.handleAll({
      gateway: ({ headers, payload }) =>
        Effect.flatMap(gatewayEvent(secrets.gateway, headers, payload), ({ orderId, ...notice }) =>
          Edge.call(
            payment(orderId).GatewayNotice(new GatewayNotice({ ...stamp(notice.eventId, "gateway"), ...notice }))
          )
        ),
      carrier: ({ headers, payload }) =>
        Effect.flatMap(carrierEvent(secrets.carrier, headers, payload), ({ orderId, ...notice }) =>
          Edge.call(
            shipment(orderId).CarrierNotice(new CarrierNotice({ ...stamp(notice.eventId, "carrier"), ...notice }))
          )
        )
    })
  })
)
