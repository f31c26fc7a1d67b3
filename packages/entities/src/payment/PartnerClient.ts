import * as Breaker from "@halles/shared/clients/Breaker"
import { Effect, type Redacted, Schema } from "effect"
import { HttpClient, HttpClientRequest, type HttpClientResponse } from "effect/http"

/** One call in all, connecting and reading included. */
const deadlineMs = 1_000

/** Kept-alive connections of this process to one partner; more calls than these wait, and their deadline ends the wait. */
export const agentOptions = { connections: 64, keepAliveTimeout: 4_000, connectTimeout: deadlineMs } as const

/** The partner's answer is not one that we can act on. */
export class PartnerStatus extends Schema.TaggedError<PartnerStatus>()("PartnerStatus", { status: Schema.Int }) {}

const Refusal = Schema.Struct({ code: Schema.String.check(Schema.isMaxLength(100)) })

/**
 * Of the answers that say no, those that another try may get past: it is not let in (the key is wrong or locked), it took too
 * long, came too early, or was one of too many. All others are final: what was asked is wrong, and stays so.
 */
const passing = new Set([401, 403, 407, 408, 425, 429])
const isFinal = (status: number): boolean => status >= 400 && status < 500 && !passing.has(status)

export type PartnerAnswer<A> =
  | { readonly _tag: "Answered"; readonly body: A }
  | { readonly _tag: "Refused"; readonly code: string }

/** Calls to an outside company: bearer key, JSON, one deadline, a circuit breaker, no retry. */
export const make = Effect.fnUntraced(function* (options: {
  /** Of the breaker, in metrics. */
  readonly name: string
  readonly url: string
  readonly key: Redacted.Redacted
}) {
  const client = yield* HttpClient.HttpClient
  const breaker = yield* Breaker.make(options.name)
  const decodeRefusal = Schema.decodeUnknownEffect(Refusal)

  const read = Effect.fnUntraced(function* <A>(
    response: HttpClientResponse.HttpClientResponse,
    schema: Schema.ConstraintCodec<A, unknown>
  ) {
    const { status } = response
    if (status >= 200 && status < 300) {
      return { _tag: "Answered" as const, body: yield* Schema.decodeUnknownEffect(schema)(yield* response.json) }
    }
    if (!isFinal(status)) return yield* new PartnerStatus({ status })
    const code = response.json.pipe(
      Effect.flatMap(decodeRefusal),
      Effect.map(({ code }) => code),
      Effect.orElseSucceed(() => `http_${status}`)
    )
    return { _tag: "Refused" as const, code: yield* code }
  })
  const post = <A>(path: string, body: object, schema: Schema.ConstraintCodec<A, unknown>) =>
    HttpClientRequest.post(`${options.url}${path}`).pipe(
      HttpClientRequest.bearerToken(options.key),
      HttpClientRequest.bodyJsonUnsafe(body),
      client.execute,
      Effect.flatMap((response): Effect.Effect<PartnerAnswer<A>, unknown> => read(response, schema)),
      Effect.timeout(deadlineMs),
      breaker.run
    )
  return { post }
})
