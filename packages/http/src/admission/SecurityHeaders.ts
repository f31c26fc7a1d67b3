import { always } from "@halles/shared/listener/ListenerRefusal"
import { Context, Effect, Layer, Schema } from "effect"
import { HttpMiddleware, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import type { IncomingMessage } from "node:http"

const nothing = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
/** A page says itself what it needs; this much holds for one that does not. */
const page = "base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
/** Two years, as the lists of browsers ask; said only over TLS, where it counts. */
const transport = "max-age=63072000; includeSubDomains"

const isHtml = ({ headers }: HttpServerResponse.HttpServerResponse): boolean =>
  headers["content-type"]?.startsWith("text/html") === true

const isEncrypted = ({ source }: HttpServerRequest.HttpServerRequest): boolean =>
  "encrypted" in ((source as Partial<IncomingMessage>).socket ?? {})

/** Round everything else: what an endpoint says itself stands. */
const SecurityHeaders = HttpRouter.middleware(
  Effect.succeed((answered: Effect.Effect<HttpServerResponse.HttpServerResponse, unknown, HttpRouter.GlobalProvided>) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
      Effect.map(answered, (response) =>
        HttpServerResponse.setHeaders(response, {
          ...always,
          // What nobody said may be kept is personal until somebody says otherwise.
          "cache-control": "no-store",
          "content-security-policy": isHtml(response) ? page : nothing,
          ...(isEncrypted(request) ? { "strict-transport-security": transport } : {}),
          ...response.headers
        })
      )
    )
  ),
  { global: true }
)

/** `https://shop.example`: a scheme, a host, a port that is not the usual one, and nothing after it. */
export const Origin = Schema.String.check(
  Schema.makeFilter((text: string) => (URL.canParse(text) && new URL(text).origin === text) || "an origin is expected")
)

/** Whose pages may call the API from a browser; nobody's unless somebody decides otherwise. */
export const CorsOrigins = Context.Reference<ReadonlyArray<string>>("@halles/http/CorsOrigins", {
  defaultValue: () => []
})

/** Headers of answers that a page of another origin may read. */
export const exposed = [
  "consistency-token",
  "etag",
  "idempotency-key-ignored",
  "idempotent-replayed",
  "link",
  "location",
  "preference-applied",
  "ratelimit",
  "ratelimit-policy",
  "request-id",
  "retry-after",
  "traceparent"
]

const Cors = Layer.unwrap(
  Effect.map(CorsOrigins, (origins) => {
    if (origins.length === 0) return Layer.empty
    const allowed = new Set(origins)
    const cors = HttpMiddleware.cors({
      allowedOrigins: (origin) => allowed.has(origin),
      allowedMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
      allowedHeaders: [
        "authorization",
        "change-reason",
        "content-type",
        "idempotency-key",
        "if-match",
        "if-none-match",
        "last-event-id",
        "prefer",
        "request-id",
        "traceparent",
        "x-api-key"
      ],
      exposedHeaders: exposed,
      maxAge: 600
    })
    return HttpRouter.middleware(cors, { global: true })
  })
)

/** Headers for browsers, on every answer, and to which pages the API is open. */
export const BrowserRules = Cors.pipe(Layer.provideMerge(SecurityHeaders))
