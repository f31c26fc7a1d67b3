import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as HttpListener from "@halles/shared/listener/HttpListener"
import { ByteSize, Config, Context, Effect, Layer, Metric, Redacted, Schema } from "effect"
import {
  HttpClient,
  HttpIncomingMessage,
  HttpMiddleware,
  HttpRouter,
  HttpServerRequest,
  HttpServerResponse
} from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import { timingSafeEqual } from "node:crypto"

const bodyBytesMax = 256 * 1024
/** Below the deadline of the shop's clients, which is 1 s. */
const slowMs = 700

/** What the environment of each partner names. */
export const partnerSettings = {
  /** 0 takes a free one; the log line "Listening on" tells which. */
  port: Config.Int("PORT"),
  key: Config.Redacted("KEY"),
  webhookUrl: Config.URL("WEBHOOK_URL"),
  webhookSecret: Config.Redacted("WEBHOOK_SECRET"),
  file: Config.NonEmptyString("FILE")
}

/** A request that is not done: answered with the status and `{"code": …}`. */
export class Problem extends Schema.TaggedError<Problem>()("Problem", { status: Schema.Int, code: Schema.String }) {}

/** `down` answers 503 to everything, `slow` after `delayMs`; health and this switch always answer at once. */
export const Mode = Schema.Struct({
  mode: Schema.Literals(["up", "down", "slow"]),
  delayMs: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60_000 })).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(slowMs))
  )
})

const requests = Metric.counter("halles_partner_requests_total", {
  description: "Requests of the shop to this stand-in of an outside company, by the mode that it is in",
  incremental: true
})

export type Handler<R> = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  Problem,
  R | HttpServerRequest.HttpServerRequest | HttpServerRequest.ParsedSearchParams | HttpRouter.RouteContext
>

export const json = (status: number, body: object): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(body, { status })

const invalid = new Problem({ status: 400, code: "invalid_request" })

/** The JSON body by a schema: 413 above 256 KiB, 400 if it does not fit. */
export const body = <A>(schema: Schema.ConstraintCodec<A, unknown>) => {
  const decode = Schema.decodeUnknownEffect(schema)
  return Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    if (Number(request.headers["content-length"] ?? 0) > bodyBytesMax) {
      return yield* new Problem({ status: 413, code: "too_large" })
    }
    const value = yield* request.json
    return yield* decode(value)
  }).pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(bodyBytesMax)),
    Effect.mapError((error) => (error._tag === "Problem" ? error : invalid))
  )
}

/** A path parameter of letters, digits, `_` and `-`. */
export const pathId = (name: string) =>
  Effect.flatMap(HttpRouter.params, (params) => {
    const value = params[name]
    return value !== undefined && /^[A-Za-z0-9_-]{1,100}$/.test(value)
      ? Effect.succeed(value)
      : Effect.fail(new Problem({ status: 404, code: "not_found" }))
  })

/** Bearer key, up-down-slow switch and answers without stack traces, for all routes of a partner. */
export class Partner extends Context.Service<
  Partner,
  {
    readonly guard: <R>(
      handler: Handler<R>
    ) => Effect.Effect<HttpServerResponse.HttpServerResponse, never, GuardServices<R>>
    readonly admin: <R>(
      handler: Handler<R>
    ) => Effect.Effect<HttpServerResponse.HttpServerResponse, never, GuardServices<R>>
    readonly setMode: (mode: typeof Mode.Type) => void
  }
>()("@halles/partners/Partner") {
  static readonly layer = (options: { readonly key: Redacted.Redacted }) =>
    Layer.sync(Partner, () => makePartner(options.key))
}
type GuardServices<R> =
  | R
  | HttpServerRequest.HttpServerRequest
  | HttpServerRequest.ParsedSearchParams
  | HttpRouter.RouteContext

const makePartner = (key: Redacted.Redacted) => {
  const expected = Buffer.from(`Bearer ${Redacted.value(key)}`)
  /** Constant-time in what the key is, not in how long it is. */
  const isOurs = (header: string | undefined) => {
    const given = Buffer.from(header ?? "")
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
  let state: typeof Mode.Type = { mode: "up", delayMs: slowMs }

  const admin = <R>(handler: Handler<R>) =>
    HttpServerRequest.HttpServerRequest.pipe(
      Effect.flatMap((request) =>
        isOurs(request.headers["authorization"])
          ? handler
          : Effect.fail(new Problem({ status: 401, code: "unauthorised" }))
      ),
      Effect.catch(({ code, status }) => Effect.succeed(json(status, { code }))),
      Effect.catchDefect((defect) =>
        Effect.as(Effect.logError("A request failed", defect), json(500, { code: "internal" }))
      )
    )
  const guard = <R>(handler: Handler<R>) =>
    admin(
      Effect.andThen(
        Effect.suspend(() => Metric.update(Metric.withAttributes(requests, { mode: state.mode }), 1)),
        Effect.suspend(() => {
          switch (state.mode) {
            case "up":
              return handler
            case "down":
              return Effect.fail(new Problem({ status: 503, code: "unavailable" }))
            case "slow":
              return Effect.delay(handler, state.delayMs)
          }
        })
      )
    )
  const setMode = (mode: typeof Mode.Type) => {
    state = mode
  }
  return Partner.of({ admin, guard, setMode })
}

/** `GET /health/live` without a key, and `PUT /admin/mode`. */
export const routes = (isAlive: () => boolean) =>
  HttpRouter.addAll(
    Effect.gen(function* () {
      const partner = yield* Partner
      const mode = partner.admin(
        Effect.map(body(Mode), (mode) => {
          partner.setMode(mode)
          return json(200, mode)
        })
      )
      const live = Effect.sync(() => (isAlive() ? json(200, { status: "ok" }) : json(503, { status: "broken" })))
      const index = json(200, { name: "A stand-in of an outside company", health: "/health/live", metrics: "/metrics" })
      return [
        HttpRouter.route("GET", "/", Effect.succeed(index)),
        HttpRouter.route("GET", "/health/live", live),
        HttpRouter.route("PUT", "/admin/mode", mode)
      ]
    })
  )

/** An outside company does not report into our traces, and spans that nobody reads cost a tenth of its processor. */
const untraced = Layer.merge(
  Layer.succeed(HttpMiddleware.TracerDisabledWhen, () => true),
  Layer.succeed(HttpClient.TracerDisabledWhen, () => true)
)

/**
 * Serves the routes on 127.0.0.1. The port is bound before the routes are built, so that a second process of the same
 * configuration stops before it opens the ledger file of the first.
 */
export const serve = <A, E, R>(routes: Layer.Layer<A, E, R>, port: number) =>
  HttpRouter.serve(Layer.merge(routes, PrometheusMetrics.layerHttp()), { disableLogger: true }).pipe(
    Layer.provide(NodeHttpClient.layerUndiciOptions({ connections: 32, keepAliveTimeout: 4_000 })),
    Layer.provide(HttpListener.layer({ host: "127.0.0.1", port })),
    Layer.provide(untraced)
  )
