import { Redis } from "@halles/shared/clients/Redis"
import { type IntentRequest, CurrentIntent, Intents } from "@halles/shared/Intent"
import { Context, Effect, Layer, Metric, Option, Schema, type Types } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { deadlineMs } from "@halles/entities/routes/Edge"
import * as Headers from "@halles/shared/wire/Headers"
import { IdempotencyKeyReused, RequestInProgress, WeakIdempotencyKey } from "@halles/shared/wire/EdgeErrors"
import { strengthOf } from "./KeyStrength.ts"
import * as Places from "./Places.ts"
import * as ReplyBudget from "./ReplyBudget.ts"
import { Idempotency } from "@halles/shared/wire/Idempotency"
import { ruleOf } from "../access/Policy.ts"
import { Principal } from "@halles/shared/wire/Principal"

/** An answer is repeated for so long. What a key has done stays done for longer: that the entity knows by itself. */
export const keptMs = 24 * 3_600_000
/** Of the keys in Redis: the edge's login there may use those that begin so. */
const placesUnder = "idempotency:"
/** A request may run for as long as its own deadline, and for what it was asked to wait; after that its place is free. */
const runningMsMax = deadlineMs + 2_000
/** An answer that takes longer to keep is not kept. */
const redisMsMax = 250
/** Answers beyond this are not kept: a repeat asks the entity again, which knows the command. */
export const bodyMax = 16_384

const outcomes = Metric.counter("halles_http_idempotency_total", {
  description:
    "Requests with an idempotency key, by what was known of it: new, replayed, repeated, running, reused, over budget, unknown",
  incremental: true
})

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
const encode = (kept: Kept): string => JSON.stringify(kept)
const isKey = Schema.is(Headers.IdempotencyKey)

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

const knownOf = (found: string | null): Kept | undefined =>
  found === null ? undefined : Option.getOrUndefined(decode(found))

const statesResult: ReadonlySet<string> = new Set(["PUT", "DELETE"])

const replayed = HttpServerResponse.setHeader("idempotent-replayed", "true")
/** The key said nothing: whoever repeats the request gets another thing. */
const ignored = HttpServerResponse.setHeader("idempotency-key-ignored", "true")

const quietly = <A>(command: Effect.Effect<A, unknown>): Effect.Effect<Option.Option<A>> =>
  Effect.option(Effect.timeout(command, redisMsMax))

type Outcome = "new" | "replayed" | "repeated" | "running" | "reused" | "over" | "unknown"
const counters = Object.fromEntries(
  (["new", "replayed", "repeated", "running", "reused", "over", "unknown"] as const).map((outcome) => [
    outcome,
    Metric.withAttributes(outcomes, { outcome })
  ])
) as Readonly<Record<Outcome, Metric.Counter<number>>>

type Answering = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  Types.unhandled | IdempotencyKeyReused | RequestInProgress | WeakIdempotencyKey
>

export const IdempotencyLive = Layer.effect(
  Idempotency,
  Effect.gen(function* () {
    const redis = yield* Redis
    const intents = yield* Intents
    const context = yield* Effect.context<never>()
    const count = (outcome: Outcome) => counters[outcome].updateUnsafe(1, context)
    /** One round trip, shared with others: takes the place if it is free, and says what is there if it is not. */
    const take = Places.make({ use: redis.use, context })
    const budget = ReplyBudget.make(() => performance.timeOrigin + performance.now())
    // Nobody waits for these two: what they do not reach ends by itself.
    const keep = (place: string, done: Kept) =>
      Effect.forkDetach(quietly(redis.use((client) => client.set(place, encode(done), "PX", keptMs))))
    const free = (place: string) => Effect.forkDetach(quietly(redis.use((client) => client.del(place))))

    const affordable = (sender: ReplyBudget.Sender, done: Kept): Kept =>
      done._tag === "Running" || done.answer === null || budget.bytes(sender, done.answer.body.length)
        ? done
        : { ...done, answer: null }

    const reused = Effect.suspend(() => {
      count("reused")
      return Effect.fail(new IdempotencyKeyReused())
    })

    return Idempotency.of((unnamed, { endpoint, group }) => {
      const decided = (
        request: HttpServerRequest.HttpServerRequest,
        principal: Principal,
        intended: IntentRequest
      ): Answering => {
        const intent = intents.of(intended)
        const answered = Effect.provideService(unnamed, CurrentIntent, intent)
        const sender = { principal, address: Option.getOrElse(request.remoteAddress, () => "") }
        if (!budget.place(sender)) {
          count("over")
          return answered
        }
        const place = `${placesUnder}${intents.placeOf(intended)}`
        const fingerprint = intent.name("fingerprint")

        if (statesResult.has(request.method)) {
          return Effect.flatMap(
            take(place, encode({ _tag: "Done", fingerprint, answer: null }), keptMs),
            (found): Answering => {
              if (found === undefined) {
                count("unknown")
                return answered
              }
              const known = knownOf(found)
              if (known !== undefined && known.fingerprint !== fingerprint) return reused
              count(known === undefined ? "new" : "repeated")
              if (known !== undefined) return Effect.map(answered, replayed)
              return Effect.onExitPrimitive(answered, (exit) =>
                exit._tag === "Success" && exit.value.status < 300 ? undefined : free(place)
              )
            }
          )
        }

        const run = Effect.onExit(answered, (exit) =>
          exit._tag === "Success" && exit.value.status < 300
            ? keep(place, affordable(sender, doneOf(fingerprint, exit.value, group.identifier)))
            : free(place)
        )
        const mine = encode({ _tag: "Running", fingerprint })
        const forMs = runningMsMax + Headers.waitMsOf(request.headers["prefer"])
        return Effect.flatMap(take(place, mine, forMs), (found): Answering => {
          if (found === undefined) {
            count("unknown")
            return answered
          }
          const known = knownOf(found)
          if (known === undefined) {
            count("new")
            return run
          }
          if (known.fingerprint !== fingerprint) return reused
          if (known._tag === "Running") {
            count("running")
            return Effect.fail(new RequestInProgress())
          }
          if (known.answer === null) {
            count("repeated")
            return Effect.map(run, replayed)
          }
          count("replayed")
          const { body: text, contentType, headers, status } = known.answer
          return Effect.succeed(replayed(HttpServerResponse.text(text, { status, headers, contentType })))
        })
      }

      return Effect.withFiber((fiber) => {
        const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
        const key = request.headers["idempotency-key"]
        // A key that is malformed, or a body that cannot be read, is refused with its own problem.
        if (key === undefined || !isKey(key)) return unnamed
        const principal = Context.get(fiber.context, Principal)
        const { kind, subject } = principal
        const sender = kind === "anonymous" ? null : subject
        if (sender === null && ruleOf(endpoint)?.open === "everybody") {
          const strength = strengthOf(key)
          if (strength === "guessable") return Effect.fail(new WeakIdempotencyKey())
          if (strength === "weak") return Effect.map(unnamed, ignored)
        }
        const { method, url } = request
        return Effect.matchEffect(request.text, {
          onFailure: (): Answering => unnamed,
          onSuccess: (body) => decided(request, principal, { sender, method, url, body, key })
        })
      })
    })
  })
)
