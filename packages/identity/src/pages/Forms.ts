import { Context, Effect, Layer, Schema } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { randomBytes, timingSafeEqual } from "node:crypto"
import { type Html, html } from "./Html.ts"
import * as Page from "./HtmlPage.ts"
import { Seal } from "../oidc/Seal.ts"

/** A request that ends in a page which says why. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  status: Schema.Int,
  title: Schema.String,
  detail: Schema.String,
  retryAfterSeconds: Schema.optionalKey(Schema.Int)
}) {}

export type Fields = Readonly<Record<string, string>>

const cookie = "halles_form"
const fieldMax = 16_384

const forged = new Refused({
  status: 403,
  title: "Please try again",
  detail: "This form was not sent from our page, or cookies are turned off. Open the page again."
})

/**
 * Forms that only our own pages can send: a secret of the browser lies in a cookie, its digest in a field, and the browser
 * says itself that the request comes from here where it can (Fetch Metadata).
 */
export class Forms extends Context.Service<
  Forms,
  {
    /** A page whose forms carry the given field. */
    readonly page: (
      build: (field: Html) => Page.PageOptions
    ) => Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest>
    readonly read: Effect.Effect<Fields, Refused, HttpServerRequest.HttpServerRequest>
    /** Tells the browser from others, for as long as it runs; empty without cookies. */
    readonly browser: Effect.Effect<string, never, HttpServerRequest.HttpServerRequest>
  }
>()("@halles/identity/Forms") {
  static readonly layer = (options: { readonly secure: boolean }) =>
    Layer.effect(
      Forms,
      Effect.map(Seal, ({ digest }) => {
        const token = (value: string) => digest("form", value)
        const known = Effect.map(HttpServerRequest.HttpServerRequest, ({ cookies }) => cookies[cookie])
        return {
          page: (build) =>
            Effect.map(known, (present) => {
              const value = present ?? randomBytes(16).toString("base64url")
              const response = Page.page(build(html`<input type="hidden" name="form" value="${token(value)}" />`))
              return present === undefined
                ? HttpServerResponse.setCookieUnsafe(response, cookie, value, {
                    httpOnly: true,
                    sameSite: "lax",
                    secure: options.secure,
                    path: "/"
                  })
                : response
            }),
          browser: Effect.map(known, (value) => (value === undefined ? "" : digest("browser", value))),
          read: Effect.gen(function* () {
            const request = yield* HttpServerRequest.HttpServerRequest
            const site = request.headers["sec-fetch-site"]
            if (site !== undefined && site !== "same-origin") return yield* forged
            const body = yield* Effect.mapError(request.urlParamsBody, () => forged)
            const fields: Record<string, string> = {}
            for (const [name, value] of body) fields[name] = String(value).slice(0, fieldMax)
            const value = yield* known
            const given = Buffer.from(fields["form"] ?? "")
            const expected = Buffer.from(value === undefined ? "" : token(value))
            if (value === undefined || given.length !== expected.length || !timingSafeEqual(given, expected))
              return yield* forged
            return fields
          })
        }
      })
    )
}
