import { NodeHttpClient } from "@effect/platform-node"
import { Clock, Config, Context, Effect, Layer, Redacted, Schema, Stream } from "effect"
import { HttpClient, type HttpClientError, HttpClientRequest, type HttpClientResponse } from "effect/http"
import { ImportLine } from "./EdgeSchema.ts"
import { type EdgeLost, Refused } from "./LoadErrors.ts"
import { Progress } from "./Progress.ts"
import { check, fault, insist, later, type Later, transport } from "./Retry.ts"

const deadlineMs = 15_000
/** Between two lines of an import's answer. */
const importSilenceMsMax = 60_000
/** Connections to the edge; more requests than that wait for a free one. */
const connectionsMax = 256

/** One request; what changes something carries a key, and is repeated under it. */
export interface Tell {
  readonly method: "GET" | "POST" | "PUT"
  readonly path: string
  readonly body?: unknown
  readonly key?: string
  /** The most seconds that the edge may wait for an outcome before it answers 202. */
  readonly waitSeconds?: number
}
/** A request whose answer matters beyond that it came. */
export interface Ask<A> extends Tell {
  readonly answer: Schema.ConstraintDecoder<A>
}

export interface Imported {
  readonly accepted: number
  readonly rejected: number
  readonly errors: ReadonlyArray<Extract<ImportLine, { readonly type: "error" }>>
}

type Send = (
  request: HttpClientRequest.HttpClientRequest
) => Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>

const nameOf = (command: Tell): string => `${command.method} ${command.path}`

const requestOf = (base: string, command: Tell): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.make(command.method)(`${base}${command.path}`).pipe(
    HttpClientRequest.acceptJson,
    HttpClientRequest.setHeaders({
      ...(command.key === undefined ? {} : { "idempotency-key": command.key }),
      ...(command.waitSeconds === undefined ? {} : { prefer: `wait=${command.waitSeconds}` })
    }),
    command.body === undefined ? (self) => self : HttpClientRequest.bodyJsonUnsafe(command.body)
  )

/** One try at a request, with a deadline over its whole answer; the answer's text. */
const once = (send: Send, base: string, command: Tell): Effect.Effect<string, Refused | Later> =>
  Effect.gen(function* () {
    const response = yield* Effect.mapError(send(requestOf(base, command)), transport)
    yield* check(nameOf(command), response)
    return yield* Effect.mapError(response.text, transport)
  }).pipe(
    Effect.timeoutOrElse({
      duration: deadlineMs + (command.waitSeconds ?? 0) * 1000,
      orElse: () => Effect.fail(later("deadline"))
    })
  )

const importName = "POST /v1/catalog/import"
const decodeImportLine = Schema.decodeUnknownEffect(Schema.fromJsonString(ImportLine))

/** One try at an import; its answer may take any time as long as its lines keep coming. */
const importOnce = Effect.fnUntraced(function* (
  send: Send,
  request: HttpClientRequest.HttpClientRequest,
  onLine: (line: ImportLine) => Effect.Effect<void>
) {
  const response = yield* Effect.mapError(send(request), transport).pipe(
    Effect.timeoutOrElse({ duration: importSilenceMsMax, orElse: () => Effect.fail(later("deadline")) })
  )
  yield* check(importName, response)
  const errors: Array<Imported["errors"][number]> = []
  let done: { readonly accepted: number; readonly rejected: number } | undefined
  yield* response.stream.pipe(
    Stream.mapError(transport),
    Stream.decodeText,
    Stream.splitLines,
    Stream.filter((text) => text !== ""),
    Stream.mapEffect((text) => Effect.mapError(decodeImportLine(text), (cause) => fault(String(cause)))),
    Stream.timeoutOrElse({
      duration: importSilenceMsMax,
      orElse: () => Stream.fail(later("the import fell silent"))
    }),
    Stream.runForEach((line) => {
      if (line.type === "done") done = line
      if (line.type === "error") errors.push(line)
      return line.type === "failed" ? Effect.fail(fault(`${line.code}: ${line.detail}`)) : onLine(line)
    })
  )
  if (done === undefined) return yield* later("the import's answer broke off")
  const imported: Imported = { accepted: done.accepted, rejected: done.rejected, errors }
  return imported
})

/** The shop's public edge, and all that a replay knows of the shop. */
export class Edge extends Context.Service<
  Edge,
  {
    /** Sends a request until it is accepted: through outages, under the same key. */
    readonly tell: (command: Tell) => Effect.Effect<void, Refused | EdgeLost>
    /** As `tell`, with what it was answered. */
    readonly ask: <A>(query: Ask<A>) => Effect.Effect<A, Refused | EdgeLost>
    /** As `ask`, with 404 as undefined. */
    readonly find: <A>(query: Ask<A>) => Effect.Effect<A | undefined, Refused | EdgeLost>
    /** Imports rows of NDJSON under an id, again from the start if the answer breaks off; nothing is written twice. */
    readonly importCatalog: (
      importId: string,
      ndjson: string,
      onLine: (line: ImportLine) => Effect.Effect<void>
    ) => Effect.Effect<Imported, Refused | EdgeLost>
  }
>()("@halles/load/Edge") {
  static readonly layer = Layer.effect(
    Edge,
    Effect.gen(function* () {
      const { token, url } = yield* EdgeConfig
      const base = url.href.replace(/\/$/, "")
      const client = yield* HttpClient.HttpClient
      const progress = yield* Progress
      const send: Send = (request) => client.execute(HttpClientRequest.bearerToken(request, Redacted.value(token)))
      const tell = (command: Tell) => insist(nameOf(command), once(send, base, command), progress.retried)
      const ask = <A>(query: Ask<A>): Effect.Effect<A, Refused | EdgeLost> => {
        const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(query.answer))
        const unexpected = (cause: unknown) =>
          new Refused({ request: nameOf(query), status: 200, code: "unexpected_answer", detail: String(cause) })
        return Effect.flatMap(tell(query), (text) => Effect.mapError(decode(text), unexpected))
      }
      return Edge.of({
        tell: (command) => Effect.asVoid(tell(command)),
        ask,
        find: <A>(query: Ask<A>) =>
          Effect.catchIf(
            ask(query) as Effect.Effect<A | undefined, Refused | EdgeLost>,
            (error) => error._tag === "Refused" && error.status === 404,
            () => Effect.succeed(undefined)
          ),
        importCatalog: Effect.fnUntraced(function* (importId, ndjson, onLine) {
          const request = HttpClientRequest.post(`${base}/v1/catalog/import`).pipe(
            HttpClientRequest.setHeaders({ "import-id": importId, accept: "application/x-ndjson" }),
            HttpClientRequest.bodyText(ndjson, "application/x-ndjson")
          )
          let aliveMs = 0
          const alive = Effect.map(Clock.currentTimeMillis, (now) => void (aliveMs = now))
          const attempt = importOnce(send, request, (line) => Effect.andThen(alive, onLine(line)))
          return yield* insist(importName, attempt, progress.retried, () => aliveMs)
        })
      })
    })
  ).pipe(Layer.provide(NodeHttpClient.layerUndiciOptions({ connections: connectionsMax, keepAliveTimeout: 10_000 })))
}

/** The whole environment of a replay. */
const EdgeConfig = Config.all({ url: Config.URL("HALLES_EDGE_URL"), token: Config.Redacted("HALLES_IMPORT_TOKEN") })
