import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { HttpApiBuilder, HttpApiScalar } from "effect/http-api"
import { createHash } from "node:crypto"
import { documented } from "../Api.ts"
import { Issuer } from "@halles/entities/routes/Edge"

/** Scalar sets styles as it draws, and asks the edge that it describes; no other script runs in the page. */
const policyOf = (html: string): string => {
  const digests = [...html.matchAll(/<script>(.*?)<\/script>/gsu)].map(
    ([, script = ""]) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`
  )
  return [
    "default-src 'none'",
    `script-src ${digests.join(" ")}`,
    "style-src 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'"
  ].join("; ")
}

/** Nothing in the page that asks its maker's servers, which the policy would refuse anyway. */
const scalar = {
  withDefaultFonts: false,
  showDeveloperTools: "never",
  hideClientButton: true,
  telemetry: false
} satisfies HttpApiScalar.ScalarConfig & Record<string, unknown>

const ContentPolicy = HttpRouter.middleware(
  Effect.sync(() => {
    const known = new WeakMap<Uint8Array, string>()
    const headersOf = (body: Uint8Array) => {
      const policy = known.get(body) ?? policyOf(Buffer.from(body).toString())
      known.set(body, policy)
      return { "content-security-policy": policy, "cache-control": "no-cache" }
    }
    return <E, R>(answered: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>) =>
      Effect.map(answered, (response) =>
        response.body._tag === "Uint8Array"
          ? HttpServerResponse.setHeaders(response, headersOf(response.body.body))
          : response
      )
  })
).layer

/** The routes of the contract, the contract itself, and a page to try it with. */
export const DocumentedApi = Layer.unwrap(
  Effect.map(Issuer, (issuer) => {
    const api = documented(issuer)
    return Layer.merge(
      HttpApiBuilder.layer(api, { openapiPath: "/openapi.json" }),
      Layer.provide(HttpApiScalar.layer(api, { path: "/docs", scalar }), ContentPolicy)
    )
  })
)
