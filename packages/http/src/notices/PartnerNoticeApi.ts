import { type Rule } from "@halles/shared/wire/AccessRule"
import { vital } from "@halles/shared/wire/Traffic"
import { saleId } from "@halles/entities/sale/SaleJson"
import { operation } from "@halles/shared/wire/Operation"
import * as Refusal from "@halles/shared/wire/Refusal"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { BadSignature } from "@halles/shared/wire/EdgeErrors"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"

/** By Standard Webhooks: the event, Unix seconds, and who holds the secret. One that is missing is a bad signature. */
const headers = {
  "webhook-id": Schema.optionalKey(Schema.String),
  "webhook-timestamp": Schema.optionalKey(Schema.String),
  "webhook-signature": Schema.optionalKey(Schema.String)
}
/** The bytes as they were signed. */
const payload = Schema.String.pipe(HttpApiSchema.asText({ contentType: "application/json" }))
const error = [Refusal.of(BadSignature), Refusal.of(NotFound)]

const signer: Rule = { open: "signer", scopes: [], roles: {} }

const notice = <const Name extends string>(name: Name, who: string, example: object) =>
  HttpApiEndpoint.post(name, `/${name}`, { headers, payload, success: HttpApiSchema.NoContent, error }).annotateMerge(
    operation({
      access: signer,
      traffic: vital,
      summary: `What the ${who} has to say; answered once it is written down`,
      example: JSON.stringify(example),
      about: `For the ${who} only. Answered once what it says is written down; a notice that comes twice has one effect.`
    })
  )

export class WebhookApi extends HttpApiGroup.make("webhooks")
  .add(
    notice("gateway", "payment gateway", {
      eventId: "evt_7Yd2",
      type: "payment.captured",
      reference: "capture:1",
      orderId: saleId,
      authorisationId: "auth_51Kc",
      amount: 1662,
      currency: "GBP",
      occurredAt: "2026-11-02T10:00:00Z"
    }),
    notice("carrier", "carrier", {
      eventId: "evt_9Rf4",
      type: "shipment.delivered",
      reference: "ship:1",
      orderId: saleId,
      shipmentId: "shp_83Nw",
      trackingNumbers: ["HC-0042-7719"],
      occurredAt: "2026-11-03T09:30:00Z"
    })
  )
  .prefix("/webhooks")
  .annotate(OpenApi.Title, "Webhooks")
  .annotate(OpenApi.Description, "Where the payment gateway and the carrier report to, signed by Standard Webhooks.") {}
