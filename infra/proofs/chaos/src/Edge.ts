import { NodeHttpClient } from "@effect/platform-node"
import { Context, Effect, Layer, Schedule, Schema } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import type { Answer } from "./Call.ts"
import { refusalCodes } from "./Direct.ts"

/** The edge answers within 3 s, or 503. */
const deadlineMs = 5_000
const connectionsMax = 128

export interface Request {
  readonly method: "GET" | "POST" | "PUT" | "DELETE"
  readonly path: string
  readonly body?: unknown
  readonly key?: string
  /** How long to wait for the answer; without it longer than the edge itself waits. */
  readonly withinMs?: number
  /** What a success shows, from its body. */
  readonly read: (body: unknown) => unknown
}

const Problem = Schema.Struct({
  code: Schema.String,
  context: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown))
})
const decodeProblem = Schema.decodeUnknownEffect(Problem)

/** The edge answered what its contract does not have: a fault, to be seen. */
class Unexpected extends Schema.TaggedError<Unexpected>()("Unexpected", { detail: Schema.String }) {}

/** The public edge. A 429, a 5xx or no answer leaves open whether the command ran. */
export class Edge extends Context.Service<
  Edge,
  {
    readonly call: (request: Request) => Effect.Effect<Answer>
    /** Puts rows of NDJSON on sale; repeated until all are accepted. */
    readonly importCatalog: (rows: ReadonlyArray<object>, token: string) => Effect.Effect<void>
  }
>()("@halles/chaos/Edge") {
  static readonly layer = (base: string) =>
    Layer.effect(
      Edge,
      Effect.map(HttpClient.HttpClient, (client) =>
        Edge.of({ call: call(client, base), importCatalog: importCatalog(client, base) })
      )
    ).pipe(Layer.provide(NodeHttpClient.layerUndiciOptions({ connections: connectionsMax, keepAliveTimeout: 4_000 })))
}

const call =
  (client: HttpClient.HttpClient, base: string) =>
  ({ body, key, method, path, read, withinMs = deadlineMs }: Request) =>
    Effect.gen(function* () {
      const request = HttpClientRequest.make(method)(`${base}${path}`).pipe(
        HttpClientRequest.acceptJson,
        HttpClientRequest.setHeaders(key === undefined ? {} : { "idempotency-key": key }),
        body === undefined ? (self) => self : HttpClientRequest.bodyJsonUnsafe(body)
      )
      const response = yield* client.execute(request)
      const { status } = response
      if (status === 429 || status >= 500) {
        return { _tag: "Unknown", reason: `${status} ${(yield* response.text).slice(0, 200)}` } satisfies Answer
      }
      // What was answered first, and so shows a state from before this call.
      if (response.headers["idempotent-replayed"] !== undefined)
        return { _tag: "Unknown", reason: "replayed" } satisfies Answer
      const json = yield* response.json
      if (status < 300) {
        const reply = yield* Effect.try({
          try: () => read(json),
          catch: (cause) => new Unexpected({ detail: String(cause) })
        })
        return { _tag: "Replied", reply } satisfies Answer
      }
      const { code, context = {} } = yield* decodeProblem(json)
      if (code === "request_in_progress") return { _tag: "Unknown", reason: code } satisfies Answer
      if (!refusalCodes.has(code)) return yield* new Unexpected({ detail: `${method} ${path}: ${status} ${code}` })
      const { entity: _entity, id: _id, ...detail } = context
      return { _tag: "Refused", code, detail } satisfies Answer
    }).pipe(
      Effect.timeout(withinMs),
      Effect.catchTag("Unexpected", Effect.die),
      Effect.catch((error) => Effect.succeed<Answer>({ _tag: "Unknown", reason: error._tag }))
    )

const Done = Schema.Struct({ type: Schema.Literal("done"), rejected: Schema.Literal(0) })
const decodeDone = Schema.decodeUnknownEffect(Schema.fromJsonString(Done))

const importCatalog = (client: HttpClient.HttpClient, base: string) => (rows: ReadonlyArray<object>, token: string) =>
  HttpClientRequest.post(`${base}/v1/catalog/import`).pipe(
    HttpClientRequest.bearerToken(token),
    HttpClientRequest.setHeaders({ "import-id": "chaos", accept: "application/x-ndjson" }),
    HttpClientRequest.bodyText(rows.map((row) => `${JSON.stringify(row)}\n`).join(""), "application/x-ndjson"),
    client.execute,
    Effect.flatMap((response) => response.text),
    Effect.flatMap((text) => decodeDone(text.trim().split("\n").at(-1) ?? "")),
    Effect.timeout("20 seconds"),
    Effect.retry({ times: 10, schedule: Schedule.spaced("500 millis") }),
    Effect.orDie,
    Effect.asVoid
  )
