import { isMaxCharacters, maybeParagraph } from "@halles/shared/Text"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import * as Edge from "../Edge.ts"
import { Idempotency } from "../idempotency/Idempotency.ts"
import * as Problems from "../problems/Problems.ts"
import { EndpointId, MessageId, State } from "./Subscriptions.ts"
import { Type } from "./Occurrences.ts"

const Url = Schema.String.check(isMaxCharacters(2_000))
const Description = maybeParagraph(200)
const Types = Schema.Array(Type).check(Schema.isMinLength(1), Schema.isMaxLength(Type.literals.length))

export const EndpointJson = Schema.Struct({
  id: EndpointId,
  url: Url,
  description: Description,
  types: Types,
  enabled: Schema.Boolean,
  /** Why nothing is sent there: `owner`, or what it did for too long. */
  disabledReason: Schema.NullOr(Schema.String),
  /** Unix milliseconds. */
  createdAt: Schema.Int,
  seq: Schema.Int
}).annotate({ identifier: "WebhookEndpoint" })

const Secret = Schema.String.check(Schema.isPattern(/^whsec_[A-Za-z0-9+/=]{32,}$/u))
/** With the secret, which is told this once. */
export const NewEndpointJson = Schema.Struct({ ...EndpointJson.fields, secret: Secret }).annotate({
  identifier: "NewWebhookEndpoint"
})
export const EndpointsJson = Schema.Struct({
  items: Schema.Array(EndpointJson),
  next: Schema.NullOr(Edge.Cursor)
}).annotate({
  identifier: "WebhookEndpoints"
})
export const DeliveryJson = Schema.Struct({
  messageId: MessageId,
  type: Type,
  state: State,
  attempts: Schema.Int,
  /** What the last try came to. */
  outcome: Schema.NullOr(Schema.String),
  createdAt: Schema.Int,
  /** Of the next try, while it is pending. */
  dueAt: Schema.Int
}).annotate({ identifier: "WebhookDelivery" })
export const DeliveriesJson = Schema.Struct({
  items: Schema.Array(DeliveryJson),
  next: Schema.NullOr(Edge.Cursor)
}).annotate({
  identifier: "WebhookDeliveries"
})
const RotatedJson = Schema.Struct({ secret: Secret, previousUntil: Schema.Int }).annotate({
  identifier: "RotatedSecret"
})
const ReplayedJson = Schema.Struct({ replayed: Schema.Int }).annotate({ identifier: "Replayed" })
const TestedJson = Schema.Struct({ messageId: MessageId }).annotate({ identifier: "TestMessage" })

const params = { endpointId: EndpointId }
const error = [Problems.notFound]

export class SubscriptionApi extends HttpApiGroup.make("endpoints")
  .add(
    HttpApiEndpoint.post("createEndpoint", "/webhook-endpoints", {
      headers: Edge.keyRequired,
      payload: Schema.Struct({ url: Url, description: Schema.optionalKey(Description), types: Types }),
      success: NewEndpointJson.pipe(HttpApiSchema.status(201)),
      error: [Problems.targetRefused, Problems.tooManyEndpoints]
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "Be told of what happens"),
    HttpApiEndpoint.get("listEndpoints", "/webhook-endpoints", { query: Edge.paged, success: EndpointsJson }).annotate(
      OpenApi.Summary,
      "Your endpoints"
    ),
    HttpApiEndpoint.get("getEndpoint", "/webhook-endpoints/:endpointId", {
      params,
      success: EndpointJson,
      error
    }).annotate(OpenApi.Summary, "One endpoint"),
    HttpApiEndpoint.put("putEndpoint", "/webhook-endpoints/:endpointId", {
      params,
      headers: Edge.replacing,
      payload: Schema.Struct({ url: Url, description: Description, types: Types, enabled: Schema.Boolean }),
      success: EndpointJson,
      error: [Problems.notFound, Problems.preconditionFailed, Problems.targetRefused]
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "Change an endpoint, or switch it off and on"),
    HttpApiEndpoint.delete("deleteEndpoint", "/webhook-endpoints/:endpointId", {
      params,
      success: HttpApiSchema.NoContent,
      error
    }).annotate(OpenApi.Summary, "Be told no more"),
    HttpApiEndpoint.post("rotateSecret", "/webhook-endpoints/:endpointId/secret", {
      params,
      success: RotatedJson,
      error
    }).annotate(OpenApi.Summary, "Replace the secret"),
    HttpApiEndpoint.get("listDeliveries", "/webhook-endpoints/:endpointId/deliveries", {
      params,
      query: { state: Schema.optionalKey(State), ...Edge.paged },
      success: DeliveriesJson,
      error
    }).annotate(OpenApi.Summary, "What became of each message"),
    HttpApiEndpoint.post("replayDelivery", "/webhook-endpoints/:endpointId/deliveries/:messageId/replay", {
      params: { endpointId: EndpointId, messageId: MessageId },
      success: ReplayedJson,
      error
    }).annotate(OpenApi.Summary, "Send a message again"),
    HttpApiEndpoint.post("replayDead", "/webhook-endpoints/:endpointId/replay", {
      params,
      success: ReplayedJson,
      error
    }).annotate(OpenApi.Summary, "Send again all that was given up"),
    HttpApiEndpoint.post("testEndpoint", "/webhook-endpoints/:endpointId/test", {
      params,
      success: TestedJson.pipe(HttpApiSchema.status(202)),
      error
    }).annotate(OpenApi.Summary, "Send a message that means nothing")
  )
  .prefix("/v1")
  .annotate(OpenApi.Title, "Webhook endpoints") {}
