import { Redis } from "@halles/shared/Redis"
import { CommandReused } from "@halles/entities/EntityErrors"
import { Effect, Layer, Metric, Option, Schema } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiMiddleware } from "effect/http-api"
import { createHash } from "node:crypto"
import * as Edge from "./Edge.ts"
import { RequestInProgress } from "./EdgeErrors.ts"
import { Principal } from "./Principal.ts"
import * as Problems from "./Problems.ts"

/** An answer is repeated for so long. What a key has done stays done for longer: that the entity knows by itself. */
export const keptMs = 24 * 3_600_000
/** A request may run for as long as its own deadline, and for what it was asked to wait; after that its place is free. */
const runningMsMax = Edge.deadlineMs + 2_000
/** Redis that takes longer is no help: the request goes on without it, and the entity knows a repeat. */
const redisMsMax = 250
/** Answers beyond this are not kept: a repeat asks the entity again, which knows the command. */
const bodyMax = 16_384

const outcomes = Metric.counter("halles_http_idempotency_total", {
  description:
    "Requests with an idempotency key, by what was known of it: new, replayed, repeated, running, reused, unknown",
  incremental: true
})

/**
 * On every endpoint that takes a key. The truth about a key is the entity's: its command is named after
 * it and has one effect, whatever is lost here. What Redis adds is the answer as it was given first, 422 for a key that
 * comes with another request, and 409 while the first one runs. `PUT` and `DELETE` state a result: their answer is not kept,
 * and nobody waits for the first one, since doing it twice comes to the same; what it costs them is one round trip.
 */
export class Idempotency extends HttpApiMiddleware.Service<Idempotency>()("@halles/http/Idempotency", {
  error: [Problems.commandReused, Problems.requestInProgress]
}) {}

const Kept = Schema.fromJsonString(
  Schema.Union([
    Schema.TaggedStruct("Running", { fingerprint: Schema.String }),
    /** Without an answer where it was too large, secret or not the last word: the entity is asked again. */
    Schema.TaggedStruct("Done", {
      fingerprint: Schema.String,
      answer: Schema.NullOr(
        Schema.Struct({
          status: Schema.Int,
          headers: Schema.Record(Schema.String, Schema.String),
          contentType: Schema.String,
          body: Schema.String
        })
      )
    })
  ])
)
type Kept = (typeof Kept)["Type"]
const decode = Schema.decodeUnknownOption(Kept)
const encode = Schema.encodeSync(Kept)

/** What makes two requests the same: who sends it, where to, and the body but for white space and the order of keys. */
const fingerprintOf = (request: HttpServerRequest.HttpServerRequest, body: string): string => {
  const parsed = Option.getOrElse(Option.liftThrowable((text: string): unknown => JSON.parse(text))(body), () => body)
  return Edge.fingerprint({
    method: request.method,
    url: request.url,
    version: request.headers["halles-version"],
    parsed
  })
}

/** A key is its sender's own; who has no name is known by what it knows of: the unguessable path. */
const placeOf = (principal: Principal, request: HttpServerRequest.HttpServerRequest, key: string): string => {
  const sender = principal.kind === "anonymous" ? request.url : `${principal.clientId}\n${principal.subject}`
  return `idempotency:${createHash("sha256").update(`${principal.kind}\n${sender}\n${key}`).digest("base64url")}`
}

/** Personal data and secrets are not kept twice: the repeat asks for them again. */
const secret: ReadonlySet<string> = new Set(["customers", "endpoints"])

const keepable = (response: HttpServerResponse.HttpServerResponse, group: string): boolean =>
  response.body._tag === "Uint8Array" &&
  response.body.body.byteLength <= bodyMax &&
  // 202 is not the last word: the next one hears what has become of it since.
  response.status !== 202 &&
  !secret.has(group)

const doneOf = (fingerprint: string, response: HttpServerResponse.HttpServerResponse, group: string): Kept => {
  const { body, headers, status } = response
  if (!keepable(response, group) || body._tag !== "Uint8Array") return { _tag: "Done", fingerprint, answer: null }
  return {
    _tag: "Done",
    fingerprint,
    answer: {
      status,
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith("content-"))),
      contentType: body.contentType,
      body: Buffer.from(body.body).toString("utf8")
    }
  }
}

const statesResult: ReadonlySet<string> = new Set(["PUT", "DELETE"])

const replayed = HttpServerResponse.setHeader("idempotent-replayed", "true")

const quietly = <A>(command: Effect.Effect<A, unknown>): Effect.Effect<Option.Option<A>> =>
  Effect.option(Effect.timeout(command, redisMsMax))
const count = (outcome: string) => Metric.update(Metric.withAttributes(outcomes, { outcome }), 1)

export const IdempotencyLive = Layer.effect(
  Idempotency,
  Effect.gen(function* () {
    const redis = yield* Redis
    /** One round trip: takes the place if it is free, and says what is there if it is not. */
    const take = (place: string, mine: Kept, forMs: number) =>
      quietly(redis.use((client) => client.call("SET", place, encode(mine), "PX", forMs, "NX", "GET")))
    // Nobody waits for these two: what they do not reach ends by itself.
    const keep = (place: string, done: Kept) =>
      Effect.forkDetach(quietly(redis.use((client) => client.set(place, encode(done), "PX", keptMs))))
    const free = (place: string) => Effect.forkDetach(quietly(redis.use((client) => client.del(place))))

    return Idempotency.of((answered, { group }) =>
      Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        const key = request.headers["idempotency-key"]
        // A key that is malformed, or a body that cannot be read, is refused with its own problem.
        if (key === undefined || !Schema.is(Edge.IdempotencyKey)(key)) return yield* answered
        const body = yield* Effect.option(request.text)
        if (Option.isNone(body)) return yield* answered
        const place = placeOf(yield* Principal, request, key)
        const fingerprint = fingerprintOf(request, body.value)
        const run = Effect.onExit(answered, (exit) =>
          exit._tag === "Success" && exit.value.status < 300
            ? keep(place, doneOf(fingerprint, exit.value, group.identifier))
            : free(place)
        )

        if (statesResult.has(request.method)) {
          const found = yield* take(place, { _tag: "Done", fingerprint, answer: null }, keptMs)
          if (Option.isNone(found)) return yield* Effect.andThen(count("unknown"), answered)
          const known = Option.getOrUndefined(decode(found.value))
          if (known !== undefined && known.fingerprint !== fingerprint) {
            yield* count("reused")
            return yield* new CommandReused({ commandId: key })
          }
          yield* count(known === undefined ? "new" : "repeated")
          if (known !== undefined) return replayed(yield* answered)
          return yield* Effect.onExit(answered, (exit) =>
            exit._tag === "Success" && exit.value.status < 300 ? Effect.void : free(place)
          )
        }

        const mine: Kept = { _tag: "Running", fingerprint }
        const found = yield* take(place, mine, runningMsMax + Edge.waitMsOf(request.headers["prefer"]))
        if (Option.isNone(found)) {
          yield* count("unknown")
          return yield* answered
        }
        const known = Option.getOrUndefined(decode(found.value))
        if (known === undefined) {
          yield* count("new")
          return yield* run
        }
        if (known.fingerprint !== fingerprint) {
          yield* count("reused")
          return yield* new CommandReused({ commandId: key })
        }
        if (known._tag === "Running") {
          yield* count("running")
          return yield* new RequestInProgress()
        }
        if (known.answer === null) {
          yield* count("repeated")
          return replayed(yield* run)
        }
        yield* count("replayed")
        const { answer } = known
        return replayed(
          HttpServerResponse.text(answer.body, {
            status: answer.status,
            headers: answer.headers,
            contentType: answer.contentType
          })
        )
      })
    )
  })
)
