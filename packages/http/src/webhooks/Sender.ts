import * as WebhookSignature from "@halles/shared/security/WebhookSignature"
import { Clock, Context, Effect, Latch, Layer, Metric, Random, Redacted, Schedule, Semaphore, Stream } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { SqlClient, type SqlError } from "effect/sql"
import { sealedFor } from "./Subscriptions.ts"
import { pendingMax } from "./Collector.ts"
import type { Sealed } from "./Sealed.ts"
import { Targets } from "./WebhookTargets.ts"

/** Messages on their way at a time; and to one endpoint, so that one that is slow leaves the others theirs. */
export const sendsMax = 256
export const sendsOfOneMax = 4
/** An answer that takes longer is none. */
const answerMsMax = 10_000
/** What nobody has come back from sending after this is sent again. */
const leaseMs = 60_000
/** Until the next look for what is due again, or was sent again by hand; what was just written down is told of. */
const lookMs = 2_000
/** What was delivered is kept for a week, what was not for a month. */
export const deliveredDays = 7
export const deadDays = 30

/** Between tries, in milliseconds (Standard Webhooks): after the last one the message is dead. In all, three days. */
export const delays: ReadonlyArray<number> = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map(
  (seconds) => seconds * 1_000
)
/** An endpoint that has taken nothing for so long is disabled. */
export const failingMsMax = 5 * 86_400_000

const attempts = Metric.counter("halles_webhook_attempts_total", {
  description: "Tries to tell an endpoint, by what came of them: delivered, failed, dead",
  incremental: true
})

interface Due {
  readonly endpoint_id: string
  readonly message_id: string
  readonly owner: string
  readonly url: string
  readonly body: string
  readonly attempts: number
  readonly secret: Uint8Array
  readonly previous: Uint8Array | null
}

/** What is learned from one try. */
type Outcome =
  | { readonly _tag: "Delivered" }
  | { readonly _tag: "Gone" }
  | { readonly _tag: "Failed"; readonly reason: string }

export interface Options {
  readonly delays: ReadonlyArray<number>
  readonly failingMsMax: number
}

/** Tells endpoints what was written down for them, until they take it, it is dead, or the endpoint is disabled. */
export class Sender extends Context.Service<Sender, { readonly wake: Effect.Effect<void> }>()("@halles/http/Sender") {
  static readonly layer = (sealed: Sealed, options: Options = { delays, failingMsMax }) =>
    Layer.effect(Sender, make(sealed, options))
}

const make = Effect.fnUntraced(function* (sealed: Sealed, options: Options) {
  const sql = yield* SqlClient.SqlClient
  const client = yield* HttpClient.HttpClient
  const targets = yield* Targets
  const free = Semaphore.makeUnsafe(sendsMax)
  const sending = new Map<string, number>()
  const work = Latch.makeUnsafe(true)
  /** When the first of what failed here is due again; what is due elsewhere is found by a look. */
  let againAtMs = Number.POSITIVE_INFINITY

  /** Takes what is due, as much of each endpoint as it has places, and leases it, so that no two senders have the same. */
  const take = Effect.suspend(
    () => sql<Due>`
    WITH locked AS (
      SELECT e.id AS endpoint_id, d.message_id, e.owner, e.url, e.secret,
        CASE WHEN e.previous_until > now() THEN e.previous_secret END AS previous,
        row_number() OVER (PARTITION BY e.id) AS place
      FROM webhook.endpoint e CROSS JOIN LATERAL (
        SELECT message_id FROM webhook.delivery
        WHERE endpoint_id = e.id AND state = 'pending' AND due_at <= now()
        ORDER BY due_at LIMIT ${sendsOfOneMax} FOR UPDATE SKIP LOCKED) d
      WHERE e.enabled),
    due AS (
      SELECT * FROM locked
      WHERE place <= ${sendsOfOneMax} - coalesce(
        (${JSON.stringify(Object.fromEntries(sending))}::text::jsonb ->> endpoint_id)::integer, 0)
      LIMIT ${sendsMax})
    UPDATE webhook.delivery v SET attempts = v.attempts + 1, due_at = now() + make_interval(secs => ${leaseMs / 1_000})
    FROM due WHERE v.endpoint_id = due.endpoint_id AND v.message_id = due.message_id
    RETURNING due.endpoint_id, due.message_id, due.owner, due.url, due.secret, due.previous, v.body, v.attempts`
  ).pipe(
    Effect.tap((due) =>
      Effect.sync(() => {
        for (const { endpoint_id } of due) sending.set(endpoint_id, (sending.get(endpoint_id) ?? 0) + 1)
      })
    )
  )

  const post = Effect.fnUntraced(
    function* (due: Due) {
      yield* targets.checkForm(due.url)
      const secrets = [due.secret, ...(due.previous === null ? [] : [due.previous])].map((secret) =>
        Redacted.make(sealed.open(sealedFor(due.endpoint_id), secret))
      )
      const [first, ...rest] = secrets
      const at = new Date(yield* Clock.currentTimeMillis)
      const signed = WebhookSignature.make([first!, ...rest]).sign({ id: due.message_id, at, body: due.body })
      const request = HttpClientRequest.post(due.url).pipe(
        HttpClientRequest.setHeaders({ ...signed, "user-agent": "halles-webhooks/1" }),
        HttpClientRequest.bodyText(due.body, "application/json")
      )
      const response = yield* client.execute(request)
      // Only the status counts: of the body one chunk is read, and the rest is left.
      yield* Effect.ignore(Stream.runDrain(Stream.take(response.stream, 1)))
      if (response.status >= 200 && response.status < 300) return { _tag: "Delivered" } as const
      if (response.status === 410) return { _tag: "Gone" } as const
      const redirect = response.status >= 300 && response.status < 400 ? " redirects are not followed" : ""
      return { _tag: "Failed", reason: `status ${response.status}${redirect}` } as const
    },
    (effect): Effect.Effect<Outcome> =>
      effect.pipe(
        Effect.timeoutOrElse({
          duration: answerMsMax,
          orElse: () => Effect.succeed<Outcome>({ _tag: "Failed", reason: "no answer in time" })
        }),
        Effect.catch((error) => Effect.succeed<Outcome>({ _tag: "Failed", reason: String(describe(error)) }))
      )
  )

  /** Tells the owner's other endpoints, and whoever looks at this one. */
  const disable = Effect.fnUntraced(function* (due: Due, reason: string) {
    const [disabled] = yield* sql`
      UPDATE webhook.endpoint SET enabled = false, disabled_reason = ${reason}, seq = seq + 1
      WHERE id = ${due.endpoint_id} AND enabled RETURNING id`
    if (disabled === undefined) return
    yield* Effect.logWarning("A webhook endpoint was disabled", { endpoint: due.endpoint_id, reason })
    const now = new Date(yield* Clock.currentTimeMillis).toISOString()
    const body = JSON.stringify({ type: "endpoint.disabled", timestamp: now, data: { id: due.endpoint_id, reason } })
    yield* sql`
      INSERT INTO webhook.delivery (endpoint_id, message_id, type, body)
      SELECT id, 'msg_' || md5(${`${due.endpoint_id}:${now}`}), 'endpoint.disabled', ${body} FROM webhook.endpoint
      WHERE owner = ${due.owner} AND enabled AND 'endpoint.disabled' = ANY(types) ON CONFLICT DO NOTHING`
  })

  const settle = Effect.fnUntraced(function* (due: Due, outcome: Outcome) {
    const { endpoint_id, message_id } = due
    const mine = sql`endpoint_id = ${endpoint_id} AND message_id = ${message_id}`
    if (outcome._tag === "Delivered") {
      yield* sql`UPDATE webhook.delivery SET state = 'delivered', outcome = 'delivered' WHERE ${mine}`
      yield* sql`UPDATE webhook.endpoint SET failing_since = NULL WHERE id = ${endpoint_id} AND failing_since IS NOT NULL`
      return yield* Metric.update(Metric.withAttributes(attempts, { outcome: "delivered" }), 1)
    }
    const reason = outcome._tag === "Gone" ? "status 410" : outcome.reason
    const delayMs = outcome._tag === "Gone" ? undefined : options.delays[due.attempts - 1]
    yield* Metric.update(Metric.withAttributes(attempts, { outcome: delayMs === undefined ? "dead" : "failed" }), 1)
    if (delayMs === undefined) {
      yield* sql`UPDATE webhook.delivery SET state = 'dead', outcome = ${reason} WHERE ${mine}`
    } else {
      againAtMs = Math.min(againAtMs, (yield* Clock.currentTimeMillis) + delayMs * 1.1)
      const later = (delayMs * (yield* Random.nextBetween(0.9, 1.1))) / 1_000
      yield* sql`
        UPDATE webhook.delivery SET outcome = ${reason}, due_at = now() + make_interval(secs => ${String(later)}::text::double precision)
        WHERE ${mine}`
    }
    const [now] = yield* sql<{ failing_ms: string; pending: bigint }>`
      UPDATE webhook.endpoint SET failing_since = coalesce(failing_since, now()) WHERE id = ${endpoint_id}
      RETURNING (extract(epoch FROM now() - failing_since) * 1000)::text AS failing_ms,
        (SELECT count(*) FROM (SELECT FROM webhook.delivery
          WHERE endpoint_id = ${endpoint_id} AND state = 'pending' LIMIT ${pendingMax + 1}) p) AS pending`
    if (outcome._tag === "Gone") return yield* disable(due, "it answered 410")
    if (Number(now?.pending ?? 0) > pendingMax) return yield* disable(due, "too many messages wait for it")
    if (Number(now?.failing_ms ?? 0) > options.failingMsMax) yield* disable(due, "it failed for too long")
  })

  const sendOne = (due: Due) =>
    Effect.flatMap(post(due), (outcome) => settle(due, outcome)).pipe(
      // The lease ends and it is sent again, under the same id.
      Effect.catchCause((cause) => Effect.logWarning("A delivery was not written down", cause)),
      Effect.ensuring(
        Effect.sync(() => {
          const left = (sending.get(due.endpoint_id) ?? 1) - 1
          if (left === 0) sending.delete(due.endpoint_id)
          else sending.set(due.endpoint_id, left)
          work.openUnsafe()
        })
      ),
      free.withPermits(1)
    )

  yield* Effect.gen(function* () {
    while (true) {
      work.closeUnsafe()
      if (againAtMs <= (yield* Clock.currentTimeMillis)) againAtMs = Number.POSITIVE_INFINITY
      const due = yield* take
      yield* Effect.forEach(due, (one) => Effect.forkScoped(sendOne(one)), { discard: true })
      if (due.length > 0) continue
      const restMs = Math.min(lookMs, Math.max(0, againAtMs - (yield* Clock.currentTimeMillis)))
      yield* Effect.timeoutOption(work.await, restMs)
    }
  }).pipe(
    Effect.tapCause((cause) => Effect.logWarning("Sending stopped, going on", cause)),
    Effect.retry(Schedule.spaced("500 millis")),
    Effect.forkScoped
  )
  yield* forget(sql).pipe(
    Effect.catchCause((cause) => Effect.logWarning("Old deliveries were not dropped", cause)),
    Effect.repeat(Schedule.spaced("1 hour")),
    Effect.forkScoped
  )
  return Sender.of({ wake: Effect.sync(() => work.openUnsafe()) })
})

const describe = (error: { readonly reason: unknown }): unknown =>
  typeof error.reason === "object" && error.reason !== null && "_tag" in error.reason ? error.reason._tag : error.reason

const forget = (sql: SqlClient.SqlClient): Effect.Effect<void, SqlError.SqlError> =>
  Effect.asVoid(sql`
    DELETE FROM webhook.delivery
    WHERE (state = 'delivered' AND created_at < now() - make_interval(days => ${deliveredDays}))
      OR (state = 'dead' AND created_at < now() - make_interval(days => ${deadDays}))`)
