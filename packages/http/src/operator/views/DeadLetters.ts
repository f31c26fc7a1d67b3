import { jetstream, jetstreamManager, type StreamInfo } from "@nats-io/jetstream"
import { headers } from "@nats-io/transport-node"
import { Nats } from "@halles/shared/clients/Nats"
import { Context, Effect, Layer, Option, Schedule, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { randomUUID } from "node:crypto"
import { Unavailable } from "@halles/shared/wire/EdgeErrors"
import type * as Json from "../OperatorJson.ts"
import { unavailable } from "../OperatorFailures.ts"
import * as ParkedLetters from "./ParkedLetters.ts"

/**
 * Where JetStream's word is kept that a consumer gave a message up, after all tries or by its own decision: 30 days, and so
 * many at the most.
 */
export const stream = "DEAD_LETTERS"
const advisories = ["$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>"]
export const keptMs = 30 * 24 * 3_600_000
export const lettersMax = 100_000
const webhooks = "webhooks"

const Advisory = Schema.Struct({
  stream: Schema.String,
  consumer: Schema.String,
  stream_seq: Schema.Int,
  deliveries: Schema.Int,
  /** Of a consumer that gave it up itself. */
  reason: Schema.optionalKey(Schema.String),
  timestamp: Schema.String
})
const decodeAdvisory = Schema.decodeUnknownOption(Schema.fromJsonString(Advisory))

type Letter = typeof Json.DeadLetter.Encoded
type Page = typeof Json.DeadLetters.Encoded
type Replayed = typeof Json.Replayed.Encoded
type Resolved = typeof Json.Resolved.Encoded

/**
 * What was given up: events that the outbox or a read table set aside, messages that a consumer of a stream cannot do with,
 * and webhooks whose tries are used up. Each can be sent again: a webhook begins its tries anew, an event goes to its subject
 * once more, where every consumer knows what it has applied. What nobody needs any more is struck off the list.
 */
export class DeadLetters extends Context.Service<
  DeadLetters,
  {
    /** The newest first: events that were set aside, messages of streams, then webhooks. */
    readonly page: (cursor: string | undefined, limit: number) => Effect.Effect<Page, Unavailable>
    readonly replay: (ids: ReadonlyArray<string>) => Effect.Effect<Replayed, Unavailable>
    /** Webhooks stay: their owners see them, and they go by themselves. */
    readonly resolve: (ids: ReadonlyArray<string>) => Effect.Effect<Resolved, Unavailable>
    /** The oldest of a stream, or of `webhooks`. */
    readonly replayStream: (stream: string, limit: number) => Effect.Effect<Replayed, Unavailable>
  }
>()("@halles/http/Operator/DeadLetters") {
  static readonly layer = Layer.effect(
    DeadLetters,
    Effect.suspend(() => make)
  )
}

const attempt = <A>(run: () => Promise<A>) =>
  Effect.mapError(Effect.timeout(Effect.tryPromise(run), "5 seconds"), () => new Unavailable())

const goneText = "the stream does not hold the message any more"

const read = async (manager: Awaited<ReturnType<typeof jetstreamManager>>, seq: number): Promise<Letter | null> => {
  const message = await manager.streams.getMessage(stream, { seq }).catch(() => null)
  const advisory = message === null ? null : Option.getOrNull(decodeAdvisory(message.string()))
  if (advisory === null) return null
  const original = await manager.streams.getMessage(advisory.stream, { seq: advisory.stream_seq }).catch(() => null)
  return {
    id: `stream:${seq}`,
    stream: advisory.stream,
    consumer: advisory.consumer,
    subject: original?.subject ?? "",
    at: Date.parse(advisory.timestamp),
    tries: advisory.deliveries,
    cause: original === null ? goneText : (advisory.reason ?? null)
  }
}

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const nats = yield* Nats
  const js = jetstream(nats)
  const parked = yield* ParkedLetters.make
  yield* Effect.tryPromise(async () => {
    const manager = await jetstreamManager(nats)
    const config = { subjects: advisories, max_age: keptMs * 1e6, max_msgs: lettersMax }
    if ((await manager.streams.names().next()).includes(stream)) await manager.streams.update(stream, config)
    else await manager.streams.add({ name: stream, ...config })
  }).pipe(
    Effect.tapError((error) => Effect.logWarning("Dead letters cannot be kept yet", error.cause)),
    Effect.retry(Schedule.spaced("2 seconds")),
    Effect.forkScoped
  )

  const info = attempt(async (): Promise<StreamInfo> => (await jetstreamManager(nats)).streams.info(stream))

  /** Letters of streams with a number below `before`, the newest first. */
  const newest = (before: number, limit: number) =>
    attempt(async () => {
      const manager = await jetstreamManager(nats)
      const { first_seq, last_seq } = (await manager.streams.info(stream)).state
      const found: Array<Letter> = []
      let looked = 0
      for (let seq = Math.min(before - 1, last_seq); seq >= first_seq && found.length < limit; seq--) {
        // Letters that were sent again leave holes.
        if (++looked > limit * 10) break
        const letter = await read(manager, seq)
        if (letter !== null) found.push(letter)
      }
      return found
    })

  const webhookLetters = (before: string, limit: number) => {
    const [at = "", id = ""] = before.split("|")
    return sql<{ endpoint: string; message: string; type: string; tries: number; outcome: string | null; at: number }>`
      SELECT endpoint_id AS endpoint, message_id AS message, type, attempts AS tries, outcome,
        (extract(epoch FROM created_at) * 1000)::bigint::double precision AS at
      FROM webhook.delivery WHERE state = 'dead'
        AND (${at} = '' OR ((extract(epoch FROM created_at) * 1000)::bigint, message_id) < (${at || "0"}::bigint, ${id}))
      ORDER BY created_at DESC, message_id DESC LIMIT ${limit}`.pipe(
      Effect.map((rows) =>
        rows.map(({ at, endpoint, message, outcome, tries, type }): Letter => ({
          id: `webhook:${endpoint}:${message}`,
          stream: webhooks,
          consumer: endpoint,
          subject: type,
          at,
          tries,
          cause: outcome
        }))
      ),
      Effect.mapError(unavailable)
    )
  }

  const sendAgain = (seq: number) =>
    attempt(async () => {
      const manager = await jetstreamManager(nats)
      const message = await manager.streams.getMessage(stream, { seq }).catch(() => null)
      const advisory = message === null ? null : Option.getOrNull(decodeAdvisory(message.string()))
      if (advisory === null) return 0
      const original = await manager.streams.getMessage(advisory.stream, { seq: advisory.stream_seq }).catch(() => null)
      if (original === null) return 0
      const named = headers()
      // Another id than the first time: the stream would leave out what it knows.
      named.set("Nats-Msg-Id", `replay:${randomUUID()}`)
      await js.publish(original.subject, original.data, { headers: named })
      await manager.streams.deleteMessage(stream, seq)
      return 1
    })

  const tellAgain = (endpoint: string, message: string) =>
    sql`
      UPDATE webhook.delivery SET state = 'pending', attempts = 0, due_at = now()
      WHERE endpoint_id = ${endpoint} AND message_id = ${message} AND state = 'dead' RETURNING 1`.pipe(
      Effect.map((rows) => rows.length),
      Effect.mapError(unavailable)
    )

  const replay = (ids: ReadonlyArray<string>) =>
    Effect.map(
      Effect.forEach(ids, (id) => {
        const [kind, ...rest] = id.split(":")
        if (kind === "parked") return parked.retry(id)
        if (kind === "stream") return sendAgain(Number(rest[0]))
        return kind === "webhook" ? tellAgain(rest[0] ?? "", rest.slice(1).join(":")) : Effect.succeed(0)
      }),
      (sent) => {
        const replayed = sent.reduce((sum, one) => sum + one, 0)
        return { replayed, left: ids.length - replayed }
      }
    )

  const strikeOff = (seq: number) =>
    attempt(async () => {
      const manager = await jetstreamManager(nats)
      return Number(await manager.streams.deleteMessage(stream, seq).catch(() => false))
    })

  const resolve = (ids: ReadonlyArray<string>) =>
    Effect.map(
      Effect.forEach(ids, (id) => {
        const [kind, seq] = id.split(":")
        if (kind === "parked") return parked.resolve(id)
        return kind === "stream" ? strikeOff(Number(seq)) : Effect.succeed(0)
      }),
      (done) => {
        const resolved = done.reduce((sum, one) => sum + one, 0)
        return { resolved, left: ids.length - resolved }
      }
    )

  /** Behind those that were set aside: messages of streams, then webhooks. */
  const given = (cursor: string | undefined, limit: number) =>
    Effect.gen(function* () {
      const inWebhooks = cursor?.startsWith("webhook|") === true
      const before = inWebhooks || cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor) || 0
      const ofStreams = inWebhooks ? [] : yield* newest(before, limit)
      const rest = limit - ofStreams.length
      if (rest === 0) return { items: ofStreams, next: ofStreams.at(-1)?.id.slice("stream:".length) ?? null }
      const letters = yield* webhookLetters(inWebhooks ? cursor.slice("webhook|".length) : "", rest + 1)
      const page = letters.slice(0, rest)
      const last = page.at(-1)
      const next =
        letters.length > rest && last !== undefined
          ? `webhook|${last.at}|${last.id.split(":").slice(2).join(":")}`
          : null
      return { items: [...ofStreams, ...page], next }
    })

  const replayOthers = (name: string, limit: number) =>
    Effect.gen(function* () {
      if (name === webhooks) {
        const rows = yield* Effect.mapError(
          sql`
              UPDATE webhook.delivery SET state = 'pending', attempts = 0, due_at = now()
              WHERE (endpoint_id, message_id) IN (
                SELECT endpoint_id, message_id FROM webhook.delivery WHERE state = 'dead'
                ORDER BY created_at LIMIT ${limit}) AND state = 'dead' RETURNING 1`,
          unavailable
        )
        const [row] = yield* Effect.mapError(
          sql<{ left: number }>`SELECT count(*)::int AS left FROM webhook.delivery WHERE state = 'dead'`,
          unavailable
        )
        return { replayed: rows.length, left: row?.left ?? 0 }
      }
      const { first_seq, last_seq } = (yield* info).state
      let replayed = 0
      let left = 0
      for (let seq = first_seq; seq <= last_seq; seq++) {
        const letter = yield* attempt(async () => read(await jetstreamManager(nats), seq))
        if (letter?.stream !== name) continue
        if (replayed < limit && letter.cause !== goneText) replayed += yield* sendAgain(seq)
        else left += 1
        if (left > limit) break
      }
      return { replayed, left }
    })

  return DeadLetters.of({
    page: (cursor, limit) =>
      Effect.gen(function* () {
        const isBehind = cursor !== undefined && !cursor.startsWith("parked|")
        if (isBehind) return yield* given(cursor === "rest" ? undefined : cursor, limit)
        const { items, next } = yield* parked.page(cursor?.slice("parked|".length) ?? "", limit)
        if (items.length === limit) return { items, next: next === null ? "rest" : `parked|${next}` }
        const rest = yield* given(undefined, limit - items.length)
        return { items: [...items, ...rest.items], next: rest.next }
      }),
    replay,
    resolve,
    replayStream: (name, limit) =>
      Effect.gen(function* () {
        const first = yield* replay(yield* parked.ofStream(name, limit))
        const others = yield* replayOthers(name, limit - first.replayed)
        return { replayed: first.replayed + others.replayed, left: first.left + others.left }
      })
  })
})
