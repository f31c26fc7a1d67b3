import { line } from "@halles/shared/Text"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import * as Edge from "../Edge.ts"
import { PartnerKey, PartnerScope } from "./PartnerKeys.ts"
import { RateClass } from "./Principal.ts"
import * as Problems from "../problems/Problems.ts"

export const PartnerKeyJson = PartnerKey.annotate({ identifier: "PartnerKey" })
/** The one answer with a secret in it. */
export const IssuedKeyJson = Schema.Struct({ ...PartnerKey.fields, secret: Schema.String }).annotate({
  identifier: "IssuedPartnerKey"
})
export const PartnerKeysJson = Schema.Struct({
  items: Schema.Array(PartnerKeyJson),
  next: Schema.NullOr(Edge.Cursor)
}).annotate({ identifier: "PartnerKeys" })

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
      error: [Problems.tooManyKeys]
    }).annotate(OpenApi.Summary, "Make a key; its secret is shown once"),
    HttpApiEndpoint.get("listPartnerKeys", "/partner-keys", {
      query: { partner: Schema.optionalKey(Partner), ...Edge.paged },
      success: PartnerKeysJson
    }).annotate(OpenApi.Summary, "Keys, without their secrets"),
    HttpApiEndpoint.get("getPartnerKey", "/partner-keys/:key", {
      params,
      success: PartnerKeyJson,
      error: [Problems.notFound]
    }).annotate(OpenApi.Summary, "One key, without its secret"),
    HttpApiEndpoint.post("rotatePartnerKey", "/partner-keys/:key/rotate", {
      params,
      payload: Schema.Struct({
        /** How long the old key goes on, a week at the most; a day when absent. */
        overlapSeconds: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 604_800 })))
      }),
      success: issued,
      error: [Problems.notFound, Problems.tooManyKeys]
    }).annotate(OpenApi.Summary, "Make a key that replaces this one, which ends after an overlap"),
    HttpApiEndpoint.delete("revokePartnerKey", "/partner-keys/:key", {
      params,
      success: HttpApiSchema.NoContent,
      error: [Problems.notFound]
    }).annotate(OpenApi.Summary, "End a key, at every edge within seconds")
  )
  .prefix("/v1")
  .annotate(OpenApi.Title, "Partner keys") {}
