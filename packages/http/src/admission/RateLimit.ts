import { Redis } from "@halles/shared/clients/Redis"
import { Context, Effect, Exit, Layer, Metric } from "effect"
import { LRUCache } from "lru-cache"
import * as RedisBuckets from "./RedisBuckets.ts"
import { type Ask, type Quota, take, type Verdict } from "./TokenBucket.ts"

/** Requests that wait for one call, and calls under way: what comes beyond is judged by this process's own buckets. */
export const batchMax = 256
export const callsMax = 2
export const waitingMax = 4_096
/** An answer that takes longer is not waited for. */
export const answerMsMax = 150
/** So long this process's own buckets judge after Redis did not answer; then one call tries again. */
const localMs = 1_000
/** Buckets in memory; at the bound the least used is forgotten, which means full. */
export const localMax = 50_000

const decisions = Metric.counter("halles_rate_limit_decisions_total", {
  description: "Requests judged, by where the buckets were and the verdict.",
  incremental: true
})

interface Waiting {
  readonly asks: ReadonlyArray<Ask>
  readonly judged: (verdict: Verdict) => void
}

/**
 * Judges requests by token buckets: in Redis, so that all edges share them, with one call for many requests; while Redis
 * does not answer, in this process.
 */
export class RateLimit extends Context.Service<
  RateLimit,
  {
    /** Takes from all of the buckets, or none; `judged` is called exactly once, within `answerMsMax`. */
    readonly ask: (asks: ReadonlyArray<Ask>, judged: (verdict: Verdict) => void) => void
    /** Takes from this process's own bucket alone: for what costs less to answer than to ask Redis about. */
    readonly askLocal: (ask: Ask) => Verdict
    /** Where the buckets are at the moment. */
    readonly where: () => "redis" | "local"
  }
>()("@halles/http/RateLimit") {
  static readonly layer = Layer.effect(
    RateLimit,
    Effect.gen(function* () {
      const { use } = yield* Redis
      const context = yield* Effect.context<never>()
      return make({ use, context, now: () => performance.timeOrigin + performance.now() })
    })
  )
}

/** `now` in milliseconds is the clock of the local buckets. */
export const make = (options: {
  readonly use: RedisBuckets.Use
  readonly context: Context.Context<never>
  readonly now: () => number
}): RateLimit["Service"] => {
  const { context, now, use } = options
  const local = new LRUCache<string, number>({ max: localMax })
  const count = Object.fromEntries(
    (["redis", "local"] as const).flatMap((where) =>
      (["allowed", "refused"] as const).map((verdict) => [
        `${where} ${verdict}`,
        Metric.withAttributes(decisions, { where, verdict })
      ])
    )
  )
  const counted = (where: "redis" | "local", verdict: Verdict): Verdict => {
    count[`${where} ${verdict.allowed ? "allowed" : "refused"}`]?.updateUnsafe(1, context)
    return verdict
  }
  const locally = (asks: ReadonlyArray<Ask>): Verdict =>
    counted(
      "local",
      take(
        asks,
        Math.floor(now() * 1_000),
        (key) => local.get(key),
        (key, fullAt) => local.set(key, fullAt)
      )
    )

  let waiting: Array<Waiting> = []
  let calls = 0
  let scheduled = false
  let localUntil = 0
  let failing = false

  const flush = () => {
    scheduled = false
    while (waiting.length > 0 && calls < (failing ? 1 : callsMax)) {
      const batch = waiting.slice(0, batchMax)
      waiting = waiting.slice(batchMax)
      calls += 1
      Effect.runCallbackWith(context)(
        Effect.timeout(
          use((client) =>
            RedisBuckets.takeMany(
              client,
              batch.map(({ asks }) => asks)
            )
          ),
          answerMsMax
        ),
        { onExit: (exit) => answered(batch, exit) }
      )
    }
  }
  const answered = (batch: ReadonlyArray<Waiting>, exit: Exit.Exit<ReadonlyArray<Verdict>, unknown>) => {
    calls -= 1
    failing = Exit.isFailure(exit)
    if (Exit.isFailure(exit)) {
      localUntil = now() + localMs
      // Whoever waits would meet the same silence.
      const all = [...batch, ...waiting]
      waiting = []
      for (const { asks, judged } of all) judged(locally(asks))
      return
    }
    for (const [index, { asks, judged }] of batch.entries()) {
      const verdict = exit.value[index]
      judged(verdict === undefined ? locally(asks) : counted("redis", verdict))
    }
    if (waiting.length > 0) flush()
  }

  return {
    ask: (asks, judged) => {
      // While it fails one call at a time finds out whether Redis is back; nobody else waits for it.
      if (now() < localUntil || waiting.length >= waitingMax || (failing && calls > 0)) return judged(locally(asks))
      waiting.push({ asks, judged })
      if (scheduled || calls >= callsMax) return
      scheduled = true
      setImmediate(flush)
    },
    askLocal: (ask) => locally([ask]),
    where: () => (failing ? "local" : "redis")
  }
}

/** Of the draft for RateLimit fields (draft-ietf-httpapi-ratelimit-headers-10): all policies, and the tightest bucket's state. */
export const headers = (asks: ReadonlyArray<Ask>, verdict: Verdict): ReadonlyArray<readonly [string, string]> => {
  const { name } = asks[verdict.tightest]?.quota ?? { name: "default" }
  const seconds = Math.ceil(verdict.waitMicros / 1e6)
  return [
    ["RateLimit-Policy", asks.map(({ quota }) => policyOf(quota)).join(", ")],
    ["RateLimit", `"${name}";r=${Math.max(0, verdict.remaining)};t=${seconds}`]
  ]
}
const policies = new WeakMap<Quota, string>()
const policyOf = (quota: Quota): string => {
  const known = policies.get(quota)
  if (known !== undefined) return known
  const made = `"${quota.name}";q=${quota.capacity};w=${Math.ceil(quota.windowMs / 1_000)}`
  policies.set(quota, made)
  return made
}
