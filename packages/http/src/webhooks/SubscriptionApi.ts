import { changes, looks, type Rule } from "@halles/shared/wire/AccessRule"
import { named } from "@halles/shared/wire/Named"
import { operation, repeated } from "@halles/shared/wire/Operation"
import * as Refusal from "@halles/shared/wire/Refusal"
import { NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { TargetRefused } from "./WebhookTargets.ts"
import { isMaxCharacters, maybeParagraph } from "@halles/shared/Text"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import * as Headers from "@halles/shared/wire/Headers"
import { Idempotency } from "@halles/shared/wire/Idempotency"
import { EndpointId, MessageId, State, TooManyEndpoints } from "./Subscriptions.ts"
import { Type } from "./Occurrences.ts"

const Url = Schema.String.check(isMaxCharacters(2_000))
const Description = maybeParagraph(200)
const Types = Schema.Array(Type).check(Schema.isMinLength(1), Schema.isMaxLength(Type.literals.length))

const endpoint = {
  id: "whe_Zk3vXr8Kd0ZtWbYp5nLc2A",
  url: "https://shop.example.com/halles",
  description: "Order status for the warehouse",
  types: ["order.confirmed", "order.shipped"],
  enabled: true,
  disabledReason: null,
  createdAt: 1_793_613_600_000,
  seq: 1
}
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
const delivery = {
  messageId: "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
  type: "order.confirmed",
  state: "pending",
  attempts: 1,
  outcome: "status 500",
  createdAt: 1_793_613_600_180,
  dueAt: 1_793_613_605_180
}

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
}).pipe(named("WebhookEndpoint", endpoint))

const Secret = Schema.String.check(Schema.isPattern(/^whsec_[A-Za-z0-9+/=]{32,}$/u))
/** With the secret, which is told this once. */
export const NewEndpointJson = Schema.Struct({ ...EndpointJson.fields, secret: Secret }).pipe(
  named("NewWebhookEndpoint", { ...endpoint, secret })
)
export const EndpointsJson = Schema.Struct({
  items: Schema.Array(EndpointJson),
  next: Schema.NullOr(Headers.Cursor)
}).pipe(named("WebhookEndpoints", { items: [endpoint], next: null }))
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
}).pipe(named("WebhookDelivery", delivery))
export const DeliveriesJson = Schema.Struct({
  items: Schema.Array(DeliveryJson),
  next: Schema.NullOr(Headers.Cursor)
}).pipe(named("WebhookDeliveries", { items: [delivery], next: null }))
const RotatedJson = Schema.Struct({ secret: Secret, previousUntil: Schema.Int }).pipe(
  named("RotatedSecret", { secret, previousUntil: 1_793_700_000_000 })
)
const ReplayedJson = Schema.Struct({ replayed: Schema.Int }).pipe(named("Replayed", { replayed: 1 }))
const TestedJson = Schema.Struct({ messageId: MessageId }).pipe(named("TestMessage", { messageId: delivery.messageId }))

/** Each sees its own endpoints, and an administrator all: `SubscriptionHttp` asks for them in the sender's name. */
const webhooks: Rule = { ...looks, scopes: ["webhooks:manage"], roles: { partner: "any", admin: "any" } }
const changeOfWebhooks: Rule = { ...webhooks, ...changes, audited: "always" }
const params = { endpointId: EndpointId }
const error = [Refusal.of(NotFound)]

export class SubscriptionApi extends HttpApiGroup.make("endpoints")
  .add(
    HttpApiEndpoint.post("createEndpoint", "/webhook-endpoints", {
      headers: Headers.keyRequired,
      payload: Schema.Struct({ url: Url, description: Schema.optionalKey(Description), types: Types }),
      success: NewEndpointJson.pipe(HttpApiSchema.status(201)),
      error: [Refusal.of(TargetRefused), Refusal.of(TooManyEndpoints)]
    })
      .middleware(Idempotency)
      .annotateMerge(
        operation({
          access: changeOfWebhooks,
          summary: "Be told of what happens",
          example: { url: endpoint.url, description: endpoint.description, types: endpoint.types },
          about: `An https URL with public addresses only. What happens from now on is sent there; the secret that signs it is in this answer and in no other. ${repeated}`
        })
      ),
    HttpApiEndpoint.get("listEndpoints", "/webhook-endpoints", {
      query: Headers.paged,
      success: EndpointsJson
    }).annotateMerge(
      operation({
        access: webhooks,
        summary: "Your endpoints",
        about: "At most twenty of one owner; an administrator sees everybody's."
      })
    ),
    HttpApiEndpoint.get("getEndpoint", "/webhook-endpoints/:endpointId", {
      params,
      success: EndpointJson,
      error
    }).annotateMerge(operation({ access: webhooks, summary: "One endpoint", about: "Without its secret." })),
    HttpApiEndpoint.put("putEndpoint", "/webhook-endpoints/:endpointId", {
      params,
      headers: Headers.replacing,
      payload: Schema.Struct({ url: Url, description: Description, types: Types, enabled: Schema.Boolean }),
      success: EndpointJson,
      error: [Refusal.of(NotFound), Refusal.of(PreconditionFailed), Refusal.of(TargetRefused)]
    })
      .middleware(Idempotency)
      .annotateMerge(
        operation({
          access: changeOfWebhooks,
          summary: "Change an endpoint, or switch it off and on",
          example: { url: endpoint.url, description: "", types: endpoint.types, enabled: true },
          about:
            "Needs the `ETag` of what it replaces. Switched on again, an endpoint gets what waits for it; what happened while it was off is not sent."
        })
      ),
    HttpApiEndpoint.delete("deleteEndpoint", "/webhook-endpoints/:endpointId", {
      params,
      success: HttpApiSchema.NoContent,
      error
    }).annotateMerge(
      operation({ access: changeOfWebhooks, summary: "Be told no more", about: "Together with what waits for it." })
    ),
    HttpApiEndpoint.post("rotateSecret", "/webhook-endpoints/:endpointId/secret", {
      params,
      success: RotatedJson,
      error
    }).annotateMerge(
      operation({
        access: changeOfWebhooks,
        summary: "Replace the secret",
        about: "For a day messages carry a signature by each of the two, so that none is refused meanwhile."
      })
    ),
    HttpApiEndpoint.get("listDeliveries", "/webhook-endpoints/:endpointId/deliveries", {
      params,
      query: { state: Schema.optionalKey(State), ...Headers.paged },
      success: DeliveriesJson,
      error
    }).annotateMerge(
      operation({
        access: webhooks,
        summary: "What became of each message",
        about:
          "The newest first. `pending` waits for its next try, `dead` is given up after nine of them over three days; kept for a week, dead ones for a month."
      })
    ),
    HttpApiEndpoint.post("replayDelivery", "/webhook-endpoints/:endpointId/deliveries/:messageId/replay", {
      params: { endpointId: EndpointId, messageId: MessageId },
      success: ReplayedJson,
      error
    }).annotateMerge(
      operation({
        access: changeOfWebhooks,
        summary: "Send a message again",
        about: "Under the same id, whatever has become of it before."
      })
    ),
    HttpApiEndpoint.post("replayDead", "/webhook-endpoints/:endpointId/replay", {
      params,
      success: ReplayedJson,
      error
    }).annotateMerge(
      operation({ access: changeOfWebhooks, summary: "Send again all that was given up", about: "Under their ids." })
    ),
    HttpApiEndpoint.post("testEndpoint", "/webhook-endpoints/:endpointId/test", {
      params,
      success: TestedJson.pipe(HttpApiSchema.status(202)),
      error
    }).annotateMerge(
      operation({
        access: changeOfWebhooks,
        summary: "Send a message that means nothing",
        about: "Of type `endpoint.test`, whatever the endpoint asks for."
      })
    )
  )
  .prefix("/v1")
  .annotate(OpenApi.Title, "Webhook endpoints")
  .annotate(
    OpenApi.Description,
    "Where you are told of what happens, by Standard Webhooks: signed, at least once, under an id that is the same each time. What is told is that something happened and at which version; ask for the rest. The order in which it arrives is not promised; `seq` tells."
  ) {}
