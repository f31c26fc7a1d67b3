import { type JsMsg, jetstreamManager } from "@nats-io/jetstream"
import { PgTypes } from "@effect/sql-pg"
import * as EventConsumer from "@halles/engine/journal/EventConsumer"
import { rowsOf } from "@halles/engine/journal/EventMessage"
import { Nats } from "@halles/shared/clients/Nats"
import { blamesTheData } from "@halles/shared/clients/Postgres"
import { type Region, regions } from "@halles/shared/Region"
import * as Subject from "@halles/shared/Subject"
import { Duration, Effect, FiberMap, Latch, Metric, Option, Result, Schedule, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { entitiesOf, type Message, messagesOf, Row } from "./Occurrences.ts"

/** Messages taken into one transaction, and delivered but not yet taken. */
const batchMax = 100
const inFlightMax = 500
const ackWaitMs = 30_000
/** Undelivered messages of one endpoint: beyond it the endpoint is disabled, and says why. */
export const pendingMax = 50_000
/** How often it is looked who wants to be told of what. */
const lookEvery = Duration.seconds(2)
const retry = Schedule.spaced("500 millis")

const collected = Metric.counter("halles_webhook_collected_total", {
  description: "Messages written down for endpoints",
  incremental: true
})

const unreadable = Metric.counter("halles_webhook_unreadable_total", {
  description: "Messages of the event streams that could not be read, and became dead letters",
  incremental: true
})

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Row))

type Occurrence = Message & { readonly at: number }

/** What one message of a stream tells, and of how many of its rows nobody can tell what they are. */
interface Taken {
  readonly message: JsMsg
  readonly rows: ReadonlyArray<ReadonlyArray<Occurrence>>
  readonly unreadable: number
}

/** `null` for what is no row, whatever is wrong with it. */
const occurrencesOf = (text: string): ReadonlyArray<Occurrence> | null => {
  try {
    const row = Option.getOrThrow(decode(text))
    return messagesOf(row).map((one) => ({ ...one, at: row.at }))
  } catch {
    return null
  }
}
const takenOf = (message: JsMsg, entity: string): Taken => {
  const own = rowsOf(message.string()).filter(({ type }) => type === "" || type === entity)
  const rows = own.flatMap(({ text }) => {
    const occurrences = occurrencesOf(text)
    return occurrences === null ? [] : [occurrences]
  })
  return { message, rows, unreadable: own.length - rows.length }
}
/** Where the messages themselves are in the way of being written, and not the database. */
const orElse = <A, B>(writing: Effect.Effect<A, SqlError.SqlError>, otherwise: Effect.Effect<B, SqlError.SqlError>) =>
  writing.pipe(
    Effect.catchIf(blamesTheData, () => otherwise),
    Effect.catchDefect(() => otherwise)
  )
const text = (values: ReadonlyArray<string>) => Result.getOrThrow(PgTypes.array(values, PgTypes.OID.text))

const durable = (entity: string): string => `webhooks_${entity}`

/** Nobody wants it any more. */
const close = (region: Region, entity: string) =>
  Effect.flatMap(Nats, (nats) =>
    Effect.ignore(
      Effect.tryPromise(async () => {
        const manager = await jetstreamManager(nats)
        await manager.consumers.delete(Subject.eventStream(region), durable(entity))
      })
    )
  )

/**
 * Writes down, for each endpoint that wants it, what it is to be told: from the event streams, by durable consumers, which
 * are acknowledged after the commit. What comes twice is written once, since an occurrence has one id.
 */
export const collect = Effect.fn("Collector.collect")(function* (collectedSome: Effect.Effect<void>) {
  const sql = yield* SqlClient.SqlClient

  const write = Effect.fnUntraced(function* (occurrences: ReadonlyArray<Occurrence>) {
    if (occurrences.length === 0) return
    const written = yield* sql`
      INSERT INTO webhook.delivery (endpoint_id, message_id, type, body)
      SELECT e.id, m.id, m.type, m.body
      FROM unnest(${text(occurrences.map(({ id }) => id))}::text[], ${text(occurrences.map(({ type }) => type))}::text[],
        ${text(occurrences.map(({ body }) => body))}::text[], ${text(occurrences.map(({ at }) => String(at)))}::text[])
        AS m(id, type, body, at)
      JOIN webhook.endpoint e ON e.enabled AND m.type = ANY(e.types)
        AND e.created_at <= to_timestamp(m.at::double precision / 1000) + interval '1 second'
      ON CONFLICT DO NOTHING RETURNING 1`
    yield* Metric.update(collected, written.length)
    if (written.length > 0) yield* collectedSome
  })
  /** Writes the rows of one message by themselves. Some that cannot be read or stored are given up: then the message becomes a dead letter. */
  const writeApart = Effect.fnUntraced(function* ({ message, rows, unreadable: unread }: Taken) {
    let unstored = 0
    for (const occurrences of rows) {
      yield* orElse(
        write(occurrences),
        Effect.sync(() => void unstored++)
      )
    }
    if (unread + unstored === 0) return message.ack()
    const reason = unread > 0 ? "it is no row of a journal" : "what it says cannot be stored"
    const { seq, subject } = message
    yield* Metric.update(unreadable, 1)
    yield* Effect.logError("A message tells endpoints nothing, and is given up", { subject, seq, reason })
    message.term(reason)
  })
  /** What can be read, and stored, holds nothing up; what cannot is given up. */
  const writeAll = Effect.fnUntraced(function* (messages: ReadonlyArray<JsMsg>, entity: string) {
    const taken = messages.map((message) => takenOf(message, entity))
    const apart = Effect.forEach(taken, writeApart, { discard: true })
    const together = Effect.map(write(taken.flatMap(({ rows }) => rows.flat())), () => {
      for (const message of messages) message.ack()
    })
    yield* Effect.asVoid(taken.some(({ unreadable }) => unreadable > 0) ? apart : orElse(together, apart))
  })

  const follow = (region: Region, entity: string, sinceMs: number) =>
    Effect.gen(function* () {
      const nats = yield* Nats
      const reader = { name: durable(entity), entityType: entity, ackWaitMs, inFlightMax }
      // It begins where the first endpoint that wants it was made, and is there only while somebody wants it.
      const consumer = yield* EventConsumer.open(nats, region, reader, { atMs: sinceMs })
      const buffer: Array<JsMsg> = []
      const work = Latch.makeUnsafe(false)
      const consuming = Effect.acquireUseRelease(
        Effect.tryPromise(() =>
          consumer.consume({
            max_messages: batchMax,
            expires: 5_000,
            abort_on_missing_resource: true,
            callback: (message) => {
              buffer.push(message)
              work.openUnsafe()
            }
          })
        ),
        (messages) =>
          Effect.andThen(
            Effect.promise(() => messages.closed()),
            Effect.fail("the consumer is gone" as const)
          ),
        (messages) => Effect.promise(() => messages.close())
      )
      const writing = Effect.gen(function* () {
        while (true) {
          yield* work.await
          const batch = buffer.slice(0, batchMax)
          if (batch.length === 0) {
            work.closeUnsafe()
            continue
          }
          yield* Effect.retry(writeAll(batch, entity), retry)
          buffer.splice(0, batch.length)
        }
      })
      return yield* Effect.raceFirst(consuming, writing)
    }).pipe(
      Effect.tapCause((cause) => Effect.logWarning(`Collecting ${entity} of ${region} stopped, going on`, cause)),
      Effect.retry(retry),
      Effect.orDie
    )

  /** The kinds of entity that somebody wants to hear of, since when. */
  const wanted = Effect.map(
    sql<{ types: ReadonlyArray<string>; since: bigint }>`
      SELECT types, (extract(epoch FROM created_at) * 1000)::bigint AS since FROM webhook.endpoint WHERE enabled`,
    (rows) => {
      const since = new Map<string, number>()
      for (const row of rows) {
        for (const entity of entitiesOf(new Set(row.types))) {
          since.set(entity, Math.min(Number(row.since), since.get(entity) ?? Infinity))
        }
      }
      return since
    }
  )
  yield* Effect.scoped(
    Effect.gen(function* () {
      const following = yield* FiberMap.make<string>()
      const look = Effect.gen(function* () {
        const now = yield* wanted
        for (const region of regions) {
          for (const [entity, sinceMs] of now) {
            yield* FiberMap.run(following, `${region} ${entity}`, follow(region, entity, sinceMs), {
              onlyIfMissing: true
            })
          }
        }
        for (const [key] of following) {
          const [region, entity] = key.split(" ") as [Region, string]
          if (now.has(entity)) continue
          yield* FiberMap.remove(following, key)
          yield* close(region, entity)
        }
      })
      return yield* look.pipe(
        Effect.catchCause((cause) => Effect.logWarning("Who wants to be told cannot be read, trying again", cause)),
        Effect.repeat(Schedule.spaced(lookEvery))
      )
    })
  )
})
