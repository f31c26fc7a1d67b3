import { Context, Effect, Layer, Schema } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

const Attribute = Schema.Struct({ key: Schema.String, value: Schema.Record(Schema.String, Schema.Unknown) })
const Attributes = Schema.Struct({ attributes: Schema.Array(Attribute) })
const Spans = Schema.Struct({
  resourceSpans: Schema.Array(
    Schema.Struct({
      resource: Attributes,
      scopeSpans: Schema.Array(
        Schema.Struct({
          spans: Schema.Array(
            Schema.Struct({
              traceId: Schema.String,
              spanId: Schema.String,
              parentSpanId: Schema.optionalKey(Schema.String),
              name: Schema.String,
              attributes: Schema.Array(Attribute)
            })
          )
        })
      )
    })
  )
})
const decodeSpans = Schema.decodeUnknownSync(Spans)

export interface Span {
  readonly service: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
}

/** A collector of OTLP over HTTP, as JSON, that keeps what it is sent; processes that are started after it report to it. */
export class OtlpReceiver extends Context.Service<
  OtlpReceiver,
  {
    readonly spans: () => ReadonlyArray<Span>
    /** All that came, as it came, by the path it came to. */
    readonly bodies: () => ReadonlyArray<{ readonly path: string; readonly body: string }>
  }
>()("test/OtlpReceiver") {
  static readonly layer = Layer.effect(
    OtlpReceiver,
    Effect.gen(function* () {
      const bodies: Array<{ path: string; body: string }> = []
      const server = createServer((request, response) => {
        const chunks: Array<Buffer> = []
        request.on("data", (chunk: Buffer) => chunks.push(chunk))
        request.on("end", () => {
          bodies.push({ path: request.url ?? "", body: Buffer.concat(chunks).toString("utf8") })
          response.setHeader("content-type", "application/json")
          response.end("{}")
        })
      })
      yield* Effect.acquireRelease(
        Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
        () => Effect.sync(() => server.closeAllConnections())
      )
      const given = {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        OTEL_BSP_SCHEDULE_DELAY: "500"
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => Object.assign(process.env, given)),
        () => Effect.sync(() => Object.keys(given).forEach((name) => delete process.env[name]))
      )
      const spans = () =>
        bodies
          .filter(({ path }) => path === "/v1/traces")
          .flatMap(({ body }) => decodeSpans(JSON.parse(body)).resourceSpans)
          .flatMap(({ resource, scopeSpans }) => {
            const named = resource.attributes.find(({ key }) => key === "service.name")
            const service = String(named?.value["stringValue"])
            return scopeSpans.flatMap(({ spans }) =>
              spans.map(({ name, parentSpanId, spanId, traceId }) => ({ service, traceId, spanId, parentSpanId, name }))
            )
          })
      return OtlpReceiver.of({ spans, bodies: () => bodies })
    })
  )
}
