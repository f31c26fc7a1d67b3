import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import * as Problems from "./Problems.ts"

/** By Standard Webhooks: `webhook-id`, `webhook-timestamp` in Unix seconds, `webhook-signature`. */
const headers = {
  "webhook-id": Schema.String.check(Schema.isPattern(/^[\x21-\x7e]{1,100}$/)),
  "webhook-timestamp": Schema.String,
  "webhook-signature": Schema.String
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
