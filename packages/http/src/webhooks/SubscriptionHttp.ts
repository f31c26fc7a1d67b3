import { NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { Clock, Effect, Option, Struct } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../Api.ts"
import * as Headers from "@halles/shared/wire/Headers"
import * as Answers from "@halles/shared/wire/Answers"
import * as Stamp from "@halles/shared/wire/Stamp"
import * as Edge from "../EdgeLive.ts"
import { Principal } from "@halles/shared/wire/Principal"
import type { EndpointJson } from "./SubscriptionApi.ts"
import { type Endpoint, overlapMs, Subscriptions } from "./Subscriptions.ts"
import { Targets } from "./WebhookTargets.ts"

const endpointJson = (endpoint: Endpoint): typeof EndpointJson.Encoded => Struct.omit(endpoint, ["owner"])

/** Whose endpoints the sender sees: its own, or all. */
const scopeOf = (principal: Principal): string | null => (principal.roles.has("admin") ? null : principal.subject)

const json = (body: object, status = 200) =>
  HttpServerResponse.jsonUnsafe(body, { status, headers: { "cache-control": "no-store" } })

export const SubscriptionHttp = HttpApiBuilder.group(
  Api,
  "endpoints",
  Effect.fnUntraced(function* (handlers) {
    const subscriptions = yield* Subscriptions
    const targets = yield* Targets
    const mine = Effect.fnUntraced(function* (id: string) {
      const found = yield* Edge.call(subscriptions.find(scopeOf(yield* Principal), id))
      return yield* Option.match(found, {
        onNone: () => Effect.fail(new NotFound({ entity: "WebhookEndpoint", id })),
        onSome: Effect.succeed
      })
    })
    return handlers.handleAll({
      createEndpoint: Effect.fnUntraced(function* ({ payload }) {
        yield* targets.check(payload.url)
        const { subject } = yield* Principal
        const id = `whe_${yield* Stamp.token("endpoint")}`
        const wanted = { id, owner: subject, url: payload.url, types: payload.types }
        const made = yield* Edge.call(subscriptions.create({ ...wanted, description: payload.description ?? "" }))
        return Answers.versioned(
          made.endpoint.seq,
          { ...endpointJson(made.endpoint), secret: made.secret },
          { status: 201, headers: { location: `/v1/webhook-endpoints/${id}`, "cache-control": "no-store" } }
        )
      }),
      listEndpoints: ({ query, request }) =>
        Effect.gen(function* () {
          const { items, next } = yield* Edge.call(
            subscriptions.list(scopeOf(yield* Principal), { ...query, limit: query.limit ?? Headers.limitDefault })
          ).pipe(Effect.catchTag("BadCursor", () => Effect.fail(Answers.badCursor)))
          return Answers.listed(request, { items: items.map(endpointJson), next })
        }),
      getEndpoint: ({ params, request }) =>
        Effect.map(mine(params.endpointId), (endpoint) =>
          Answers.fresh(request, endpoint.seq, () => endpointJson(endpoint))
        ),
      putEndpoint: Effect.fnUntraced(function* ({ headers, params, payload }) {
        const before = yield* mine(params.endpointId)
        yield* targets.check(payload.url)
        const { expectedSeq } = Stamp.expected(headers)
        const after = yield* Edge.call(subscriptions.replace(params.endpointId, payload, expectedSeq))
        if (Option.isNone(after)) return yield* new PreconditionFailed({ seq: before.seq })
        return Answers.versioned(after.value.seq, endpointJson(after.value))
      }),
      deleteEndpoint: ({ params }) =>
        Effect.gen(function* () {
          yield* mine(params.endpointId)
          yield* Edge.call(subscriptions.remove(params.endpointId))
        }),
      rotateSecret: ({ params }) =>
        Effect.gen(function* () {
          yield* mine(params.endpointId)
          const secret = yield* Edge.call(subscriptions.rotate(params.endpointId))
          return json({ secret, previousUntil: (yield* Clock.currentTimeMillis) + overlapMs })
        }),
      listDeliveries: ({ params, query, request }) =>
        Effect.gen(function* () {
          yield* mine(params.endpointId)
          const page = yield* Edge.call(
            subscriptions.deliveries(params.endpointId, { ...query, limit: query.limit ?? Headers.limitDefault })
          ).pipe(Effect.catchTag("BadCursor", () => Effect.fail(Answers.badCursor)))
          return Answers.listed(request, page)
        }),
      replayDelivery: ({ params }) =>
        Effect.gen(function* () {
          yield* mine(params.endpointId)
          const replayed = yield* Edge.call(subscriptions.replay(params.endpointId, params.messageId))
          if (replayed === 0) return yield* new NotFound({ entity: "WebhookDelivery", id: params.messageId })
          return json({ replayed })
        }),
      replayDead: ({ params }) =>
        Effect.gen(function* () {
          yield* mine(params.endpointId)
          return json({ replayed: yield* Edge.call(subscriptions.replay(params.endpointId, null)) })
        }),
      testEndpoint: ({ params }) =>
        Effect.gen(function* () {
          yield* mine(params.endpointId)
          return json({ messageId: yield* Edge.call(subscriptions.test(params.endpointId)) }, 202)
        })
    })
  })
)
