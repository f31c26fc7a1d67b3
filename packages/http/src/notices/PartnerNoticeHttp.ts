import { CarrierWebhook } from "@halles/entities/shipment/Carrier"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { GatewayNotice, Payment } from "@halles/entities/payment/Payment"
import { GatewayWebhook } from "@halles/entities/payment/PaymentGateway"
import { CarrierNotice, Shipment } from "@halles/entities/shipment/Shipment"
import { CommandId, OrderId } from "@halles/shared/Ids"
import { fingerprint } from "@halles/shared/Intent"
import * as WebhookSignature from "@halles/shared/security/WebhookSignature"
import { Context, Effect, Layer, Option, type Redacted, Result, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../Api.ts"
import * as Stamp from "@halles/shared/wire/Stamp"
import * as Edge from "../EdgeLive.ts"
import { BadSignature, InvalidRequest } from "@halles/shared/wire/EdgeErrors"
import { faultsOf } from "@halles/shared/wire/Faults"

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

/**
 * A notice is known by its event and by what it says: repeated, it has one effect, and one that says something else under the
 * same event is heard, so that it is held against the ledger.
 */
const stamp = (notice: { readonly eventId: string }, actor: "gateway" | "carrier") => ({
  commandId: CommandId.make(`webhook:${fingerprint(notice)}`),
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
// A partner may add fields; those that we do not know are left out.
const gatewayEvent = opened(Schema.fromJsonString(GatewayWebhook))
const carrierEvent = opened(Schema.fromJsonString(CarrierWebhook))

const decodeOrderId = Schema.decodeUnknownOption(OrderId)
/** An order that cannot be ours is as unknown as one that is not. */
const orderOf = (id: string): Effect.Effect<OrderId, NotFound> =>
  Option.match(decodeOrderId(id), {
    onNone: () => Effect.fail(new NotFound({ entity: "Order", id })),
    onSome: Effect.succeed
  })

export const WebhookHttp = HttpApiBuilder.group(
  Api,
  "webhooks",
  Effect.fnUntraced(function* (handlers) {
    const payment = yield* Edge.entity(Payment)
    const shipment = yield* Edge.entity(Shipment)
    const secrets = yield* WebhookSecrets
    return handlers.handleAll({
      gateway: Effect.fnUntraced(function* ({ headers, payload }) {
        const {
          currency: _,
          occurredAt: __,
          orderId,
          ...notice
        } = yield* gatewayEvent(secrets.gateway, headers, payload)
        const id = yield* orderOf(orderId)
        const command = new GatewayNotice({ ...stamp(notice, "gateway"), ...notice })
        yield* Edge.call(payment(id).GatewayNotice(command))
      }),
      carrier: Effect.fnUntraced(function* ({ headers, payload }) {
        const event = yield* carrierEvent(secrets.carrier, headers, payload)
        const { eventId, orderId, type } = event
        const id = yield* orderOf(orderId)
        const returned = event.type === "return.received" ? Stamp.given("returnId", event.returnId) : {}
        const notice = { eventId, type, ...returned }
        const command = new CarrierNotice({ ...stamp(notice, "carrier"), ...notice })
        yield* Edge.call(shipment(id).CarrierNotice(command))
      })
    })
  })
)
