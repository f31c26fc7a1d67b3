import { limitMax } from "@halles/entities/Reads"
import { CommandId } from "@halles/shared/Ids"
import { CurrentIntent } from "@halles/shared/Intent"
import type { UndeclaredError } from "@halles/engine/activation/Undeclared"
import { isMaxCharacters } from "@halles/shared/Text"
import { Cause, Effect, Exit, Schema } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { hash } from "node:crypto"
import * as Consistency from "./shop/Consistency.ts"
import * as Deadlines from "./admission/Deadlines.ts"
import { InvalidRequest, Unavailable } from "./problems/EdgeErrors.ts"
import { WholeNumber } from "./WholeNumber.ts"
import * as RetryBudget from "./admission/RetryBudget.ts"

/** How long one call to an entity may take, unless it waits on purpose. */
export const deadlineMs = 3_000

/**
 * What the cluster says when it could not serve a call, and whether trying again at once may help. Each may come after the
 * command has run: the receiver knows a repeated command id.
 */
const clusterFailures = {
  EntityNotAssignedToRunner: "try_again",
  RunnerUnavailable: "try_again",
  RunnerNotRegistered: "try_again",
  RegionUnavailable: "give_up",
  AlreadyProcessingMessage: "give_up",
  MailboxFull: "give_up",
  PersistenceError: "give_up",
  RpcClientError: "give_up",
  Busy: "give_up",
  /** Its region does not answer, or the region's database. */
  BreakerOpen: "give_up",
  /** A list's database. */
  SqlError: "give_up"
} as const

/** `E` without what the cluster may say: the refusals of the entity. */
export type Refusal<E> = Exclude<E, { readonly _tag: keyof typeof clusterFailures }>

const failureOf = (error: unknown): "try_again" | "give_up" | undefined =>
  typeof error === "object" && error !== null && "_tag" in error
    ? (clusterFailures as Readonly<Record<string, "try_again" | "give_up">>)[String(error._tag)]
    : undefined

/** Of all calls of this process: when most of them fail, trying again would only add to it. */
const retries = RetryBudget.make()

/** Two more attempts, 50 ms apart: a shard that has just moved is found again, and the caller's deadline stands. */
const attemptsMax = 2
const againMs = 50
/** `Effect.retry` makes a schedule for every call, failed or not, which cost as much as the deadline. */
const retried = <A, E, R>(effect: Effect.Effect<A, E, R>, left = attemptsMax): Effect.Effect<A, E, R> =>
  Effect.catchIf(
    effect,
    (error) => left > 0 && failureOf(error) === "try_again" && retries.take(),
    () => Effect.delay(retried(effect, left - 1), againMs)
  )

/**
 * The cluster's failures become `Unavailable`; what the entity refused passes, and so does what no contract names: that it is
 * parked, and that what it would come to is too large.
 */
export const unavailable = <E>(error: E): Refusal<E> | Unavailable | UndeclaredError =>
  failureOf(error) === undefined ? (error as Refusal<E>) : new Unavailable()

/**
 * Every call from the edge to an entity goes through here: it ends within the deadline, and failures of the cluster become
 * `Unavailable`. The command may still have run; its sender repeats it with the same id.
 */
export const call = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  durationMs: number = deadlineMs
): Effect.Effect<A, Refusal<E> | Unavailable | UndeclaredError, R> =>
  Effect.suspend(() => {
    retries.earn()
    return retried(effect).pipe(
      // A runner that gives up a shard interrupts what it has not begun. An interrupt of the caller itself passes by here.
      Effect.catchCauseIf(Cause.hasInterruptsOnly, () => Effect.fail(new Unavailable())),
      (answer) => Deadlines.within(answer, durationMs, () => Exit.fail(new Unavailable())),
      Effect.mapError(unavailable)
    )
  })

const waitMaxSeconds = 30
/** RFC 7240: `wait=10`, among other preferences, for how long to wait for an outcome; `respond-async` for not at all. */
export const waitMsOf = (prefer: string | undefined): number => {
  if (prefer === undefined || /(?:^|[,;\s])respond-async\b/i.test(prefer)) return 0
  const seconds = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})/i.exec(prefer)?.[1]
  return Math.min(Number(seconds ?? 0), waitMaxSeconds) * 1_000
}
/** What of it was honoured. */
export const applied = (prefer: string | undefined): { readonly "preference-applied"?: string } => {
  const waitMs = waitMsOf(prefer)
  if (waitMs > 0) return { "preference-applied": `wait=${waitMs / 1_000}` }
  return /(?:^|[,;\s])respond-async\b/i.test(prefer ?? "") ? { "preference-applied": "respond-async" } : {}
}
/** RFC 7240: the sender has no use for what its change came to. */
export const isMinimal = (prefer: string | undefined): boolean =>
  /(?:^|[,;\s])return\s*=\s*"?minimal\b/i.test(prefer ?? "")
export const preferMinimal = {
  /** `return=minimal`: only whether it was done, and the version that it led to. */
  prefer: Schema.optionalKey(Schema.String)
}

/** Made by the client, new for each intent; the same on each retry. */
export const IdempotencyKey = Schema.String.check(Schema.isPattern(/^[\x21-\x7e]{1,100}$/u))

/** Headers of what changes something: repeated with its key, it has one effect. */
export const keyed = { "idempotency-key": Schema.optionalKey(IdempotencyKey) }
/** As `keyed`, where a repeat without a key could do harm. */
export const keyRequired = { "idempotency-key": IdempotencyKey }
/** One entity tag as we give them out, or `*`: whatever version there is. */
const IfMatch = Schema.String.check(
  Schema.isPattern(/^(\*|"[\x21\x23-\x7e]{1,40}")$/u, { expected: "one strong entity tag, or *" })
).annotate({ examples: ['"7"'] })
/** As `keyed`, for what changes an entity that is there: `If-Match` is checked where the change is decided. */
export const changing = { ...keyed, "if-match": Schema.optionalKey(IfMatch) }
export const changingKeyRequired = { ...keyRequired, "if-match": Schema.optionalKey(IfMatch) }

/** As `changing`, where a change that was made without looking would undo somebody else's: 428 without `If-Match`. */
export const replacing = { ...keyed, "if-match": IfMatch }

interface Keyed {
  readonly "idempotency-key"?: string
  readonly "if-match"?: string
}

/** A tag that we never gave out is no version of anything. What stood beside the entity is no part of its version. */
const seqOfTag = (tag: string): number => {
  const seq = /^"(\d{1,15})(?:-[\w-]{1,22})?"$/.exec(tag)?.[1]
  return seq === undefined ? -1 : Number(seq)
}

/** The version that a change is meant for. */
export const expected = ({ "if-match": tag }: Keyed): { readonly expectedSeq?: number } =>
  tag === undefined || tag === "*" ? {} : { expectedSeq: seqOfTag(tag) }

export interface Stamp {
  readonly commandId: CommandId
  readonly origin: { readonly actor: string }
  readonly expectedSeq?: number
}

/** Names a command after what the sender wants, so that its repeat is known by whoever receives it. `about`: see `Intent`. */
export const stamp = (
  operation: string,
  headers: Keyed,
  { about, actor = "edge" }: { readonly about?: unknown; readonly actor?: "edge" | "edge:import" } = {}
): Effect.Effect<Stamp> =>
  Effect.map(CurrentIntent, ({ name }) => ({
    commandId: CommandId.make(`${operation}:${name(operation, about)}`),
    origin: { actor },
    ...expected(headers)
  }))

/** Sends a command that is stamped, within the deadline. */
export const send = <A, E, R>(
  operation: string,
  headers: Keyed,
  command: (stamp: Stamp) => Effect.Effect<A, E, R>,
  options: Parameters<typeof stamp>[2] = {}
): Effect.Effect<A, Refusal<E> | Unavailable | UndeclaredError, R> =>
  Effect.flatMap(stamp(operation, headers, options), (stamped) => call(command(stamped)))

/** 132 bits that nobody can guess; whoever repeats a request with its key finds the same. */
export const token = (purpose: string): Effect.Effect<string> =>
  Effect.map(CurrentIntent, ({ name }) => name(purpose).slice(0, 22))

/** A field that is there, nothing where it is undefined: for optional keys. */
export const given = <K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V }

const etagOf = (seq: number): string => `"${seq}"`

/** A view of an entity: its version as strong `ETag`. */
export const versioned = (
  seq: number,
  body: object,
  options: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {}
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(body, {
    status: options.status ?? 200,
    headers: { etag: etagOf(seq), "cache-control": "private, no-cache", ...options.headers }
  })

/** What a change came to: as `versioned`, with a token that a later read of a list may carry. */
export const written = (
  seen: Consistency.Seen,
  body: object,
  options: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {}
): HttpServerResponse.HttpServerResponse =>
  versioned(seen[2], body, {
    ...options,
    headers: { ...options.headers, "consistency-token": Consistency.tokenOf([seen]) }
  })

/** As `written`, for those who asked for no more. */
export const minimal = (seen: Consistency.Seen): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.empty({
    status: 204,
    headers: {
      etag: etagOf(seen[2]),
      "cache-control": "private, no-cache",
      "preference-applied": "return=minimal",
      "consistency-token": Consistency.tokenOf([seen])
    }
  })

/** The `next` of a page: the sort key of its last item, so that what is inserted meanwhile moves nothing. */
export const Cursor = Schema.String.check(isMaxCharacters(200))
export const paged = {
  cursor: Schema.optionalKey(Cursor),
  limit: Schema.optionalKey(WholeNumber({ minimum: 1, maximum: limitMax }))
}
export const limitDefault = 50
export const badCursor = new InvalidRequest({
  errors: [{ parameter: "cursor", detail: "Expected the `next` of this list" }]
})

/** A page of a list, with links (RFC 8288) to the first and the next one. */
export const listed = (
  request: HttpServerRequest.HttpServerRequest,
  page: { readonly items: ReadonlyArray<unknown>; readonly next: string | null }
): HttpServerResponse.HttpServerResponse => {
  const link = (cursor: string | null, rel: string) => {
    const url = new URL(request.url, "http://edge")
    url.searchParams.delete("cursor")
    if (cursor !== null) url.searchParams.set("cursor", cursor)
    return `<${url.pathname}${url.search}>; rel="${rel}"`
  }
  const next = page.next === null ? [] : [link(page.next, "next")]
  return HttpServerResponse.jsonUnsafe(page, { headers: { link: [link(null, "first"), ...next].join(", ") } })
}

/** `If-None-Match` compares weakly (RFC 9110): a cache on the way may have weakened the tag. */
const isKnown = (given: string | undefined, tag: string): boolean =>
  given !== undefined && given.split(",").some((one) => one.trim() === "*" || one.trim().replace(/^W\//, "") === tag)

/** As `versioned`, without the body for a client that has it. */
export const fresh = (
  request: HttpServerRequest.HttpServerRequest,
  seq: number,
  body: () => object
): HttpServerResponse.HttpServerResponse =>
  isKnown(request.headers["if-none-match"], etagOf(seq))
    ? HttpServerResponse.empty({ status: 304, headers: { etag: etagOf(seq) } })
    : versioned(seq, body())

/** As `fresh`, of a view with something beside the entity that changes without it: the tag is of both. */
export const freshBeside = (
  request: HttpServerRequest.HttpServerRequest,
  seq: number,
  body: object
): HttpServerResponse.HttpServerResponse => {
  const etag = `"${seq}-${hash("sha256", JSON.stringify(body), "base64url").slice(0, 11)}"`
  return isKnown(request.headers["if-none-match"], etag)
    ? HttpServerResponse.empty({ status: 304, headers: { etag } })
    : versioned(seq, body, { headers: { etag } })
}
