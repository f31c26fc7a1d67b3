import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { Clock, Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { ownsPartner } from "./Access.ts"
import { Api } from "../Api.ts"
import * as Headers from "@halles/shared/wire/Headers"
import * as Answers from "@halles/shared/wire/Answers"
import * as Edge from "../EdgeLive.ts"
import type { IssuedKeyJson, PartnerKeysJson } from "./PartnerKeyApi.ts"
import { type Issued, PartnerKeys } from "./PartnerKeys.ts"
import { Principal } from "@halles/shared/wire/Principal"

const dayMs = 86_400_000
const expiresInDaysDefault = 90
const overlapSecondsDefault = 86_400

const issuedAnswer = ({ key, secret }: Issued) =>
  HttpServerResponse.jsonUnsafe({ ...key, secret } satisfies typeof IssuedKeyJson.Encoded, {
    status: 201,
    headers: { location: `/v1/partner-keys/${key.id}`, "cache-control": "no-store" }
  })

export const PartnerKeyHttp = HttpApiBuilder.group(
  Api,
  "partnerKeys",
  Effect.fnUntraced(function* (handlers) {
    const keys = yield* PartnerKeys
    /** A key of somebody else's is as unknown as one that is not there. */
    const found = (id: string) =>
      Effect.gen(function* () {
        const key = yield* Edge.call(keys.find(id))
        yield* Effect.catchTag(ownsPartner(key?.partner), "Forbidden", () =>
          Effect.fail(new NotFound({ entity: "Key", id }))
        )
        return key === undefined ? yield* new NotFound({ entity: "Key", id }) : key
      })
    return handlers.handleAll({
      createPartnerKey: Effect.fnUntraced(function* ({ payload }) {
        const { expiresInDays = expiresInDaysDefault, rateClass = "standard", ...wanted } = payload
        const { subject } = yield* Principal
        const now = yield* Clock.currentTimeMillis
        const expiresAt = now + expiresInDays * dayMs
        return issuedAnswer(yield* Edge.call(keys.issue({ ...wanted, rateClass, expiresAt, createdBy: subject })))
      }),
      listPartnerKeys: Effect.fnUntraced(function* ({ query, request }) {
        const { cursor = "", limit = Headers.limitDefault, partner } = query
        yield* ownsPartner(partner)
        const items = yield* Edge.call(keys.list(partner, cursor, limit))
        const next = items.length < limit ? null : (items.at(-1)?.id ?? null)
        return Answers.listed(request, { items, next } satisfies typeof PartnerKeysJson.Encoded)
      }),
      getPartnerKey: ({ params }) => Effect.map(found(params.key), (key) => HttpServerResponse.jsonUnsafe(key)),
      rotatePartnerKey: Effect.fnUntraced(function* ({ params, payload }) {
        const { createdAt, expiresAt, name, partner, rateClass, scopes } = yield* found(params.key)
        const { subject } = yield* Principal
        const now = yield* Clock.currentTimeMillis
        const wanted = { partner, name, scopes, rateClass, createdBy: subject, expiresAt: now + expiresAt - createdAt }
        const made = yield* Edge.call(keys.issue(wanted, params.key))
        yield* Edge.call(keys.expire(params.key, now + (payload.overlapSeconds ?? overlapSecondsDefault) * 1_000))
        return issuedAnswer(made)
      }),
      revokePartnerKey: Effect.fnUntraced(function* ({ params }) {
        yield* found(params.key)
        yield* Edge.call(keys.revoke(params.key))
      })
    })
  })
)
