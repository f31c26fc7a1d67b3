import { Redis } from "@halles/shared/clients/Redis"
import type { Region } from "@halles/shared/Region"
import { Clock, Context, Deferred, Effect, Exit, Layer, Metric } from "effect"
import { Cookies, type HttpServerRequest, HttpServerResponse } from "effect/http"
import { LRUCache } from "lru-cache"
import { createHash } from "node:crypto"
import { type Answer, freshness, isFresh, isUsable, read, write } from "./CachedAnswer.ts"

/** Answers in memory: by number and by bytes of their bodies; the least used goes. One larger than `bodyMax` is not kept. */
export const answersMax = 20_000
export const bytesMax = 64 * 1_024 * 1_024
export const bodyMax = 256 * 1_024
/** Redis is asked for no longer than this; then the answer is made. */
const redisMsMax = 100
const keyOf = (key: string): string => `answer:${key}`

const lookups = Metric.counter("halles_response_cache_lookups_total", {
  description: "Answers that may be shared, by where they came from.",
  incremental: true
})
const invalidations = Metric.counter("halles_response_cache_invalidations_total", {
  description: "Answers that an event made old.",
  incremental: true
})

export interface Shared {
  /** What the answer is about, and all that it depends on. */
  readonly key: string
  /** How long it is taken for true; and then, how long it may still be given while a new one is made. */
  readonly freshMs: number
  readonly staleMs: number
  /** Whose events tell when it is old, if any do; then edges share it through Redis. */
  readonly invalidatedBy: Region | null
}

interface Making {
  readonly done: Deferred.Deferred<Answer | HttpServerResponse.HttpServerResponse, unknown>
  /** It became old while it was made: whoever waits gets it, nobody after. */
  old: boolean
}

/**
 * Answers that are the same for everybody: in this process, then in Redis, then made, by one of all who ask at the same
 * time. Nothing gets in that a handler has not declared `Shared`, and nothing of a request is part of an answer but its key.
 */
export class ResponseCache extends Context.Service<
  ResponseCache,
  {
    /** Only an answer with status 200 is kept; others go to those who asked meanwhile. */
    readonly through: <E, R>(
      request: HttpServerRequest.HttpServerRequest,
      shared: Shared,
      make: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
    ) => Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
    /** What it is about has changed. */
    readonly invalidate: (key: string) => Effect.Effect<void>
    /** Whether a region's events arrive; while they do not, no answer that relies on them is kept. */
    readonly setHeard: (region: Region, isHeard: boolean) => void
    /** The answer whose body this is. */
    readonly answerOf: (body: Uint8Array) => Answer | undefined
  }
>()("@halles/http/ResponseCache") {
  static readonly layer = Layer.effect(
    ResponseCache,
    Effect.suspend(() => make)
  )
}

const count = (from: string) => Metric.update(Metric.withAttributes(lookups, { from }), 1)

const made = (shared: Shared, response: HttpServerResponse.HttpServerResponse, nowMs: number) => {
  const { body, cookies, headers, status } = response
  if (status !== 200 || body._tag !== "Uint8Array" || body.body.length > bodyMax) return undefined
  if (!Cookies.isEmpty(cookies)) return undefined
  const etag = headers["etag"] ?? `"${createHash("sha1").update(body.body).digest("base64url")}"`
  const times = freshness(nowMs, shared)
  return {
    key: shared.key,
    invalidatedBy: shared.invalidatedBy,
    etag,
    headers: { ...headers, "content-type": body.contentType },
    body: body.body,
    dropped: false,
    refreshing: false,
    ...times
  }
}

const make = Effect.gen(function* () {
  const redis = yield* Redis
  const answers = new LRUCache<string, Answer>({
    max: answersMax,
    maxSize: bytesMax,
    sizeCalculation: ({ body }) => body.length + 512,
    dispose: (answer) => {
      answer.dropped = true
    }
  })
  const bodies = new WeakMap<Uint8Array, Answer>()
  const making = new Map<string, Making>()
  const heard = new Set<Region>()
  /** Nothing is kept that nobody would tell the end of. */
  const mayKeep = ({ invalidatedBy }: Shared) => invalidatedBy === null || heard.has(invalidatedBy)

  const keep = (answer: Answer) => {
    bodies.set(answer.body, answer)
    answers.set(answer.key, answer)
  }

  const fromRedis = ({ freshMs, key, staleMs, invalidatedBy }: Shared) =>
    invalidatedBy !== null && heard.has(invalidatedBy)
      ? redis
          .use((client) => client.getBuffer(keyOf(key)))
          .pipe(
            Effect.timeout(redisMsMax),
            Effect.map((bytes) =>
              bytes === null ? undefined : read({ key, invalidatedBy }, bytes, { freshMs, staleMs })
            ),
            // A cache that is away is no reason to fail.
            Effect.orElseSucceed(() => undefined)
          )
      : Effect.succeed(undefined)

  const toRedis = (answer: Answer, { freshMs }: Shared) =>
    Effect.ignore(redis.use((client) => client.set(keyOf(answer.key), write(answer), "PX", freshMs)))

  /** Runs once for all who ask meanwhile, and goes on when the first of them gives up. */
  const makeOnce = <E, R>(
    shared: Shared,
    make: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>,
    own: Making,
    anew: boolean
  ) =>
    Effect.gen(function* () {
      const stored = anew ? undefined : yield* fromRedis(shared)
      const nowMs = (yield* Clock.Clock).currentTimeMillisUnsafe()
      if (stored !== undefined && isFresh(stored, nowMs)) {
        if (!own.old && mayKeep(shared)) keep(stored)
        yield* count("redis")
        return stored
      }
      yield* count("made")
      const response = yield* make
      const answer = made(shared, response, (yield* Clock.Clock).currentTimeMillisUnsafe())
      if (answer === undefined) return response
      // While no events come, what relies on them is for those who wait for it, and not kept.
      if (own.old || !mayKeep(shared)) {
        answer.dropped = true
        return answer
      }
      keep(answer)
      if (shared.invalidatedBy !== null) yield* Effect.forkDetach(toRedis(answer, shared))
      return answer
    }).pipe(
      Effect.onExit((exit) =>
        Effect.suspend(() => {
          if (making.get(shared.key) === own) making.delete(shared.key)
          const before = answers.peek(shared.key)
          if (before !== undefined) before.refreshing = false
          return Deferred.done(own.done, exit as Exit.Exit<Answer | HttpServerResponse.HttpServerResponse, unknown>)
        })
      )
    )

  const through = <E, R>(
    request: HttpServerRequest.HttpServerRequest,
    shared: Shared,
    make: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> =>
    Effect.gen(function* () {
      const nowMs = (yield* Clock.Clock).currentTimeMillisUnsafe()
      const known = answers.get(shared.key)
      const anew = wantsAnew(request)
      if (known !== undefined && !anew) {
        // One asker makes the new answer; meanwhile the others get the old one.
        if (isFresh(known, nowMs) || (known.refreshing && isUsable(known, nowMs))) {
          yield* count("memory")
          return respond(request, known)
        }
        known.refreshing = true
      }
      const others = anew ? undefined : making.get(shared.key)
      const own: Making = others ?? {
        done: yield* Deferred.make<Answer | HttpServerResponse.HttpServerResponse, unknown>(),
        old: false
      }
      if (others === undefined) {
        making.set(shared.key, own)
        yield* Effect.forkDetach(makeOnce(shared, make, own, anew))
      }
      const outcome = yield* Effect.exit(Deferred.await(own.done))
      if (Exit.isSuccess(outcome)) {
        return "etag" in outcome.value ? respond(request, outcome.value) : outcome.value
      }
      // What was true a moment ago is better than nothing, but for a reader who has written since.
      if (!anew && known !== undefined && !known.dropped && isUsable(known, nowMs)) return respond(request, known)
      return yield* outcome as Exit.Exit<never, E>
    })

  return ResponseCache.of({
    through,
    invalidate: (key) =>
      Effect.suspend(() => {
        const own = making.get(key)
        if (own !== undefined) {
          own.old = true
          // Who asks from now on asks for what is true now.
          making.delete(key)
        }
        answers.delete(key)
        return Effect.andThen(
          Metric.update(invalidations, 1),
          Effect.ignore(redis.use((client) => client.del(keyOf(key))))
        )
      }),
    setHeard: (region, isHeard) => {
      if (isHeard) return void heard.add(region)
      heard.delete(region)
      // What came meanwhile is not known.
      for (const [key, { invalidatedBy }] of answers.entries()) if (invalidatedBy === region) answers.delete(key)
    },
    answerOf: (body) => bodies.get(body)
  })
})

/** A reader that must not see what is older than its own write asks past the cache. */
const wantsAnew = ({ headers }: HttpServerRequest.HttpServerRequest): boolean =>
  headers["consistency-token"] !== undefined || /no-cache|no-store/.test(headers["cache-control"] ?? "")

/** For browsers and caches between: a short time, since no event reaches them. They tell versions and origins apart. */
export const cacheControl = "public, max-age=5, stale-while-revalidate=30"

/** Weak comparison, as RFC 9110 has it for `If-None-Match`. */
export const matches = (etag: string, ifNoneMatch: string | undefined): boolean =>
  ifNoneMatch !== undefined &&
  (ifNoneMatch.trim() === "*" ||
    ifNoneMatch.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag.replace(/^W\//, "")))

const respond = (request: HttpServerRequest.HttpServerRequest, { body, etag, headers: made }: Answer) => {
  const { "content-length": _, "content-type": contentType = "application/json", ...rest } = made
  const headers = { ...rest, etag, "cache-control": cacheControl, vary: "origin" }
  return matches(etag, request.headers["if-none-match"])
    ? HttpServerResponse.empty({ status: 304, headers })
    : HttpServerResponse.uint8Array(body, { contentType, headers })
}
