import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import * as Problems from "../problems/Problems.ts"

/** By Standard Webhooks: the event, Unix seconds, and who holds the secret. One that is missing is a bad signature. */
const headers = {
  "webhook-id": Schema.optionalKey(Schema.String),
  "webhook-timestamp": Schema.optionalKey(Schema.String),
  "webhook-signature": Schema.optionalKey(Schema.String)
}
/** The bytes as they were signed. */
const payload = Schema.String.pipe(HttpApiSchema.asText({ contentType: "application/json" }))
const error = [Problems.badSignature, Problems.notFound]

export class WebhookApi extends HttpApiGroup.make("webhooks")
  .add(
    HttpApiEndpoint.post("gateway", "/gateway", { headers, payload, success: HttpApiSchema.NoContent, error }).annotate(
      OpenApi.Summary,
      "What the payment gateway has to say; answered once it is written down"
    ),
    HttpApiEndpoint.post("carrier", "/carrier", { headers, payload, success: HttpApiSchema.NoContent, error }).annotate(
      OpenApi.Summary,
      "What the carrier has to say; answered once it is written down"
    )
  )
  .prefix("/webhooks")
  .annotate(OpenApi.Title, "Webhooks") {}
