import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Cause, Config, Context, Duration, Effect, Exit, Layer, Logger, Option, Tracer } from "effect"
import { HttpMiddleware } from "effect/http"
import { OtlpExporter, OtlpLogger, OtlpMetrics, OtlpSerialization, OtlpTracer } from "effect/observability"
import { scrubbed } from "./Scrubbed.ts"

/** By the names that every OpenTelemetry SDK knows. Nothing is exported without an endpoint. */
const TelemetryConfig = Config.all({
  endpoint: Config.option(Config.URL("OTEL_EXPORTER_OTLP_ENDPOINT")),
  disabled: Config.Boolean("OTEL_SDK_DISABLED").pipe(Config.withDefault(false)),
  /** `name=value`, with commas between. */
  headers: Config.String("OTEL_EXPORTER_OTLP_HEADERS").pipe(Config.withDefault("")),
  /** The share of customer actions that are traced, from 0 to 1. */
  share: Config.Finite("OTEL_TRACES_SAMPLER_ARG").pipe(Config.withDefault(1)),
  everyMs: Config.Int("OTEL_BSP_SCHEDULE_DELAY").pipe(Config.withDefault(5_000))
})

/** Whether spans leave this process: what makes them only then looks at this first. */
export const Exporting = Context.Reference("@halles/shared/Telemetry/Exporting", { defaultValue: () => false })

/** Says who somebody is, or may; all else that spans carry is kept, without e-mail addresses, tokens and the like. */
const personal =
  /^(client\.|user_agent|url\.(full|query)|http\.(request|response)\.header|enduser|db\.query\.parameter)/

/** The text that an exporter makes of a failure, without personal data and machine paths. */
const publicExit = (exit: Exit.Exit<unknown, unknown>): Exit.Exit<unknown, unknown> => {
  if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return exit
  const failure = Cause.squash(exit.cause)
  const named = failure instanceof Error ? failure : new Error(String(failure))
  const safe = new Error(scrubbed(named.message))
  safe.name = named.name
  safe.stack = `${safe.name}: ${safe.message}`
  return Exit.die(safe)
}

/** `POST`, as the server names a request; entities name theirs `Cart.CheckOut`. */
const isRequest = ({ kind, name }: { readonly kind: Tracer.SpanKind; readonly name: string }): boolean =>
  kind === "server" && /^(http\.server )?[A-Z]+$/.test(name)

/** The same traces are taken in every process, since a trace id decides: a client cannot ask for more by its flag. */
const isTaken = (traceId: string, share: number): boolean => Number.parseInt(traceId.slice(-8), 16) < share * 2 ** 32

const guarded = (tracer: Tracer.Tracer, share: number): Tracer.Tracer =>
  Tracer.make({
    ...(tracer.context === undefined ? {} : { context: tracer.context }),
    span: (options) => {
      const { parent } = options
      // What begins by itself, such as the statements of a loop, is nobody's action.
      const sampled = isRequest(options)
        ? isTaken(Option.isSome(parent) ? parent.value.traceId : crypto.randomUUID().slice(-8), share)
        : Option.isSome(parent) && options.sampled
      const span = tracer.span({ ...options, sampled })
      if (!sampled) return span
      const attribute = span.attribute.bind(span)
      const end = span.end.bind(span)
      return Object.assign(span, {
        attribute: (key: string, value: unknown) => {
          if (!personal.test(key)) attribute(key, typeof value === "string" ? scrubbed(value) : value)
        },
        end: (time: bigint, exit: Exit.Exit<unknown, unknown>) => end(time, publicExit(exit))
      })
    }
  })

const scrubbedValue = (value: unknown): unknown => {
  if (typeof value === "string") return scrubbed(value)
  if (Array.isArray(value)) return value.map(scrubbedValue)
  return value instanceof Error ? scrubbed(`${value.name}: ${value.message}`) : value
}

/** One object a line, without personal data and secrets. */
const lines = Logger.withConsoleLog(Logger.map(Logger.formatJson, scrubbed))

/**
 * The log of a process, and, where an endpoint is named, its traces, metrics and log by OTLP over HTTP. While the receiver is
 * away what is due is dropped after three tries, and nothing waits for it.
 */
export const layer = (service: string, instance: string = service): Layer.Layer<never, Config.ConfigError> =>
  Layer.unwrap(
    Effect.map(TelemetryConfig, ({ disabled, endpoint, everyMs, headers, share }) => {
      if (disabled || Option.isNone(endpoint)) return Logger.layer([lines])
      const options = (signal: string) => ({
        url: `${endpoint.value.href.replace(/\/$/, "")}/v1/${signal}`,
        resource: {
          serviceName: `halles-${service}`,
          attributes: { "service.instance.id": instance }
        },
        headers: Object.fromEntries(
          headers.split(",").flatMap((pair) => (pair.includes("=") ? [pair.trim().split("=", 2)] : []))
        ),
        exportInterval: Duration.millis(everyMs)
      })
      const log = Effect.map(OtlpLogger.make(options("logs")), (exported) =>
        Logger.make<unknown, void>((entry) =>
          exported.log({
            ...entry,
            message: scrubbedValue(entry.message),
            cause: entry.cause.reasons.length === 0 ? entry.cause : Cause.die(scrubbed(Cause.pretty(entry.cause)))
          })
        )
      )
      return Layer.mergeAll(
        Layer.effect(
          Tracer.Tracer,
          Effect.map(OtlpTracer.make(options("traces")), (tracer) => guarded(tracer, share))
        ),
        Layer.succeed(Exporting, true),
        // Probes and scrapes are nobody's action either.
        Layer.succeed(HttpMiddleware.TracerDisabledWhen, ({ url }) => /^\/(health|metrics)/.test(url)),
        Logger.layer([lines, log]),
        OtlpMetrics.layer({ ...options("metrics"), exportInterval: Duration.seconds(15) })
      ).pipe(Layer.provide([OtlpExporter.layerFlusher, OtlpSerialization.layerJson, NodeHttpClient.layerUndici]))
    })
  )
