import { changes, looks, type Rule } from "@halles/shared/wire/AccessRule"
import { named } from "@halles/shared/wire/Named"
import { operation } from "@halles/shared/wire/Operation"
import * as Refusal from "@halles/shared/wire/Refusal"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { line } from "@halles/shared/Text"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import * as Headers from "@halles/shared/wire/Headers"
import { PartnerKey, PartnerScope, TooManyKeys } from "./PartnerKeys.ts"
import { RateClass } from "@halles/shared/wire/Principal"

const sample = {
  id: "k3v9w1x7y2z5",
  partner: "acme",
  name: "warehouse sync",
  scopes: ["stock:read", "catalog:read"],
  rateClass: "standard",
  createdAt: 1_793_613_600_000,
  expiresAt: 1_801_389_600_000,
  lastUsedAt: null,
  revokedAt: null
}

export const PartnerKeyJson = PartnerKey.pipe(named("PartnerKey", sample))
/** The one answer with a secret in it. */
export const IssuedKeyJson = Schema.Struct({ ...PartnerKey.fields, secret: Schema.String }).pipe(
  named("IssuedPartnerKey", { ...sample, secret: "hk_k3v9w1x7y2z5_…, of which 43 characters are secret" })
)
export const PartnerKeysJson = Schema.Struct({
  items: Schema.Array(PartnerKeyJson),
  next: Schema.NullOr(Headers.Cursor)
}).pipe(named("PartnerKeys", { items: [sample], next: null }))

const partnerKeys: Rule = {
  ...looks,
  scopes: ["keys:manage"],
  roles: { partner: "any", admin: "any" },
  asks: ["owner"]
}
const changeOfKey: Rule = { ...partnerKeys, ...changes, audited: "always" }

const Partner = Schema.String.check(Schema.isPattern(/^[a-z0-9][a-z0-9-]{0,39}$/u))
const params = { key: Schema.String.check(Schema.isPattern(/^[a-z0-9]{12}$/u)) }
const issued = IssuedKeyJson.pipe(HttpApiSchema.status(201))

export class PartnerKeyApi extends HttpApiGroup.make("partnerKeys")
  .add(
    HttpApiEndpoint.post("createPartnerKey", "/partner-keys", {
      payload: Schema.Struct({
        partner: Partner,
        name: line(100),
        scopes: Schema.Array(PartnerScope).check(Schema.isMinLength(1), Schema.isMaxLength(20)),
        rateClass: Schema.optionalKey(RateClass),
        expiresInDays: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 400 })))
      }),
      success: issued,
      error: [Refusal.of(TooManyKeys)]
    }).annotateMerge(
      operation({
        access: { ...changes, scopes: ["keys:manage"], roles: { admin: "any" }, audited: "always" },
        summary: "Make a key; its secret is shown once",
        example: { partner: "acme", name: "warehouse sync", scopes: ["stock:read", "catalog:read"] },
        about:
          "The secret is in this answer and nowhere else: what is lost is replaced, not found again. It goes into `Authorization: Bearer` or `X-Api-Key`. A key lives 90 days when nothing else is said."
      })
    ),
    HttpApiEndpoint.get("listPartnerKeys", "/partner-keys", {
      query: { partner: Schema.optionalKey(Partner), ...Headers.paged },
      success: PartnerKeysJson
    }).annotateMerge(
      operation({
        access: partnerKeys,
        summary: "Keys, without their secrets",
        about: "A page at a time, by id; those that have ended too. A partner names itself and sees its own."
      })
    ),
    HttpApiEndpoint.get("getPartnerKey", "/partner-keys/:key", {
      params,
      success: PartnerKeyJson,
      error: [Refusal.of(NotFound)]
    }).annotateMerge(
      operation({
        access: partnerKeys,
        summary: "One key, without its secret",
        about: "When it was made, when it ends, and about when it was last used."
      })
    ),
    HttpApiEndpoint.post("rotatePartnerKey", "/partner-keys/:key/rotate", {
      params,
      payload: Schema.Struct({
        /** How long the old key goes on, a week at the most; a day when absent. */
        overlapSeconds: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 604_800 })))
      }),
      success: issued,
      error: [Refusal.of(NotFound), Refusal.of(TooManyKeys)]
    }).annotateMerge(
      operation({
        access: changeOfKey,
        summary: "Make a key that replaces this one, which ends after an overlap",
        example: { overlapSeconds: 3600 },
        about:
          "The new key may do what the old one may, for as long. Both are good during the overlap, a day when nothing else is said, so that nobody has to change over in one moment."
      })
    ),
    HttpApiEndpoint.delete("revokePartnerKey", "/partner-keys/:key", {
      params,
      success: HttpApiSchema.NoContent,
      error: [Refusal.of(NotFound)]
    }).annotateMerge(
      operation({
        access: changeOfKey,
        summary: "End a key, at every edge within seconds",
        about: "Ending a key that has ended changes nothing and is no error."
      })
    )
  )
  .prefix("/v1")
  .annotate(OpenApi.Title, "Partner keys")
  .annotate(
    OpenApi.Description,
    "Keys with which partners' programs call the API: made, rotated and ended here; their secrets are shown once."
  ) {}
