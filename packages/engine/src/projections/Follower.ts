import { type Consumer, type JsMsg, jetstreamManager } from "@nats-io/jetstream"
import { Nats } from "@halles/shared/clients/Nats"
import { Notice } from "@halles/shared/Notice"
import { sqlState } from "@halles/shared/clients/Postgres"
import { Redis } from "@halles/shared/clients/Redis"
import type { Region } from "@halles/shared/Region"
import * as Subject from "@halles/shared/Subject"
import { causeText } from "../activation/Strikes.ts"
import { Cause, Duration, Effect, Latch, Metric, Option, Schedule } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import * as EventConsumer from "../journal/EventConsumer.ts"
import { rowsOf } from "../journal/EventMessage.ts"
import * as ParkedEvents from "../journal/ParkedEvents.ts"
import * as Projection from "./Projection.ts"

/** Rows applied in one transaction, and those that come with the last of them. */
const rowsMax = 500
/** Messages that are asked for at a time. */
const fetchMax = 100
/** Messages delivered and not yet acknowledged: what this process holds in memory at the most. */
const inFlightMax = 1_000
/** A message not acknowledged for so long comes again, as after a crash; applying it twice is harmless. */
const ackWaitMs = 5_000
/** While the database is away unacknowledged messages come again and again: at this bound it begins anew at the first. */
const bufferMax = 2 * inFlightMax
/** What comes within this time of a first message is written with it. */
const gatherMs = 40
const retry = Schedule.spaced("500 millis")
const lagEvery = Duration.seconds(2)
/** The same while no message comes, and between two questions to the server about the consumer's place. */
const restMs = 10_000
/** How long a request for messages lasts: so long the server also sends messages to a process that has been stopped. */
const requestMs = 10_000

export const pending = Metric.gauge("halles_projection_pending_messages", {
  description: "Messages of the event stream that the projection has not applied"
})
export const lag = Metric.gauge("halles_projection_lag_seconds", {
  description: "Age of the oldest event that the projection has not applied; 0 when there is none"
})
export const applied = Metric.counter("halles_projection_applied_rows_total", {
  description: "Rows of the read table that were written from messages"
})
export const refused = Metric.counter("halles_projection_unreadable_total", {
  description: "Messages and entities that could not be folded; their rows stay as they were"
})

/** Rows of one message. It is acknowledged when all of them are applied: after a crash in between all come again. */
interface Delivered {
  readonly entries: ReadonlyArray<Projection.Entry>
  readonly message: JsMsg
}

const causeOf = (defect: unknown): string =>
  defect instanceof SqlError.SqlError
    ? `the table does not take it (${sqlState(defect)} ${defect.reason._tag})`
    : causeText(Cause.die(defect))

const durableName = (projection: Projection.Projection): string => `view_${projection.name}`

/** The first messages, as many as have so many rows: whole ones, since one that is half applied cannot be acknowledged. */
const batchOf = (buffer: ReadonlyArray<Delivered>): ReadonlyArray<Delivered> => {
  let rows = 0
  const end = buffer.findIndex(({ entries }) => (rows += entries.length) >= rowsMax)
  return end === -1 ? [...buffer] : buffer.slice(0, end + 1)
}

/**
 * Follows the region's stream with a durable consumer and keeps the projection's table up to date, for ever. Messages
 * are acknowledged after the commit of what they led to. While the database or NATS is away it waits for it.
 *
 * The table is built from the journal first when it never was, when its fold has changed, or when the stream has dropped
 * messages that were not applied.
 */
export const follow = Effect.fn("Projections.follow")(function* (region: Region, projection: Projection.Projection) {
  const nats = yield* Nats
  const sql = yield* SqlClient.SqlClient
  const table = yield* Projection.make(projection)
  const consumerName = durableName(projection)
  const cache = yield* makeCache(projection)
  const attributes = { region, projection: projection.name }
  const pendingNow = Metric.withAttributes(pending, attributes)
  const lagNow = Metric.withAttributes(lag, attributes)
  const appliedNow = Metric.withAttributes(applied, attributes)
  const refusedNow = Metric.withAttributes(refused, attributes)

  /** Whose events are set aside: known from the table, so that none is looked for after each batch. */
  const lacking = yield* Effect.retry(ParkedEvents.idsOf(sql, consumerName), retry).pipe(Effect.orDie)

  /** What the table cannot do with is set aside where operators see it; what it can do with again is no longer. */
  const settle = Effect.fnUntraced(function* (
    unfolded: ReadonlyArray<Projection.Unfolded>,
    done: (id: string) => boolean
  ) {
    for (const { defect, id } of unfolded) {
      yield* Metric.update(refusedNow, 1)
      yield* Effect.logError(`${projection.name} cannot fold ${projection.entityType}/${id}`, causeOf(defect))
    }
    const still = new Set(unfolded.map(({ id }) => id))
    const over = [...lacking].filter((id) => !still.has(id) && done(id))
    if (over.length > 0) yield* ParkedEvents.done(sql, consumerName, projection.entityType, over)
    if (unfolded.length > 0) {
      const parked = unfolded.map(({ defect, id, seq }) => ({
        consumer: consumerName,
        entity_type: projection.entityType,
        entity_id: id,
        seq,
        cause: causeOf(defect),
        tries: 1
      }))
      yield* ParkedEvents.put(sql, parked)
    }
    for (const id of over) lacking.delete(id)
    for (const id of still) lacking.add(id)
  })

  const applyBatch = Effect.fnUntraced(function* (batch: ReadonlyArray<Delivered>) {
    const changed = yield* Effect.gen(function* () {
      const { changed, unfolded } = yield* table.apply(batch.flatMap(({ entries }) => entries))
      if (unfolded.length > 0 || lacking.size > 0) {
        const rows = new Set(changed.map(({ id }) => id))
        yield* settle(unfolded, (id) => rows.has(id))
      }
      return changed
    }).pipe(
      Effect.tapError((error) => Effect.logWarning(`${projection.name} waits for the database`, error.reason._tag)),
      Effect.retry(retry)
    )
    yield* Metric.update(appliedNow, changed.length)
    yield* cache(changed)
    for (const { message } of batch) message.ack()
  })

  const buffer: Array<Delivered> = []
  const work = Latch.makeUnsafe(false)
  let unreadable = 0
  /** Of the stream, as the table has it. */
  let noted = 0
  const arrived = new Notice()
  /** The newest since `observe` looked last: a message says how many follow it in the stream. */
  let newest: JsMsg | null = null
  const overflow = Latch.makeUnsafe(false)
  const onMessage = (message: JsMsg) => {
    const entries: Array<Projection.Entry> = []
    for (const { text, type } of rowsOf(message.string())) {
      if (type !== "" && type !== projection.entityType) continue
      const entry = Projection.entryOf(text)
      if (entry === null) unreadable += 1
      else entries.push(entry)
    }
    if (entries.length === 0) {
      message.ack()
      return
    }
    if (buffer.length >= bufferMax) {
      overflow.openUnsafe()
      return
    }
    newest = message
    buffer.push({ entries, message })
    arrived.give()
    work.openUnsafe()
  }

  const applyAll = Effect.gen(function* () {
    while (true) {
      yield* work.await
      if (buffer.length < fetchMax) yield* Effect.sleep(gatherMs)
      const batch = batchOf(buffer)
      if (batch.length === 0) {
        work.closeUnsafe()
        continue
      }
      yield* applyBatch(batch)
      buffer.splice(0, batch.length)
    }
  })

  const streamState = Effect.tryPromise(async () => {
    const manager = await jetstreamManager(nats, { checkAPI: false })
    return (await manager.streams.info(Subject.eventStream(region))).state
  })
  let askedAt = 0
  /** Asks the server how many messages are not applied. */
  const ask = Effect.fnUntraced(function* (consumer: Consumer) {
    askedAt = performance.now()
    const { last_seq } = yield* streamState
    const { ack_floor, num_ack_pending, num_pending } = yield* Effect.tryPromise(() => consumer.info())
    const left = num_pending + num_ack_pending
    const streamSeq = left === 0 ? last_seq : ack_floor.stream_seq
    if (streamSeq !== noted) yield* table.noteStreamSeq(streamSeq)
    noted = streamSeq
    return left
  })
  const observe = (consumer: Consumer) =>
    Effect.gen(function* () {
      const came = arrived.next()
      const told = newest
      newest = null
      const isAsked = told === null || performance.now() - askedAt > restMs
      const left = isAsked ? yield* ask(consumer) : told.info.pending + buffer.length
      const oldest = buffer[0]?.entries[0]?.at
      yield* Metric.update(pendingNow, left)
      yield* Metric.update(lagNow, oldest === undefined ? 0 : Math.max(0, (Date.now() - oldest) / 1000))
      if (unreadable > 0) yield* Metric.update(refusedNow, unreadable)
      unreadable = 0
      if (isAsked && left === 0) yield* Effect.timeoutOption(came, restMs)
    }).pipe(Effect.ignore, Effect.repeat(Schedule.spaced(lagEvery)))

  const consume = (consumer: Consumer) =>
    Effect.acquireUseRelease(
      Effect.tryPromise(() =>
        consumer.consume({
          max_messages: fetchMax,
          expires: requestMs,
          abort_on_missing_resource: true,
          callback: onMessage
        })
      ),
      (messages) =>
        Effect.andThen(
          Effect.promise(() => messages.closed()),
          Effect.fail("the consumer is gone" as const)
        ),
      (messages) => Effect.promise(() => messages.close())
    )

  yield* Effect.gen(function* () {
    const { first_seq, last_seq } = yield* streamState
    const built = yield* table.progress
    const streamSeq = built?.streamSeq ?? 0
    noted = streamSeq
    const lost = streamSeq + 1 < first_seq || streamSeq > last_seq
    const reader = { name: consumerName, entityType: projection.entityType, ackWaitMs, inFlightMax }
    const beginning = { streamSeq: (lost ? last_seq : streamSeq) + 1 }
    const consumer = yield* EventConsumer.open(nats, region, reader, beginning)
    if (lost || built?.version !== projection.version) {
      yield* Effect.logInfo(`Building ${projection.name} from the journal`, { region, lost, built })
      yield* settle((yield* table.rebuild).unfolded, () => true)
    }
    buffer.length = 0
    overflow.closeUnsafe()
    const overflown = Effect.andThen(overflow.await, Effect.fail("too many messages at once" as const))
    yield* Effect.raceAllFirst([consume(consumer), applyAll, observe(consumer), overflown])
  }).pipe(
    Effect.scoped,
    Effect.catchCause((cause) => Effect.logWarning(`${projection.name} stopped following, trying again`, cause)),
    Effect.repeat(retry)
  )
})

/** Best effort: Redis is only a cache, and what is not written there is read from the table. */
const makeCache = Effect.fnUntraced(function* ({ cached }: Projection.Projection) {
  const redis = yield* Effect.serviceOption(Redis)
  if (cached === null || Option.isNone(redis)) return () => Effect.void
  const { prefix, ttlSeconds, value } = cached
  return (rows: ReadonlyArray<Projection.ViewRow>) =>
    rows.length === 0
      ? Effect.void
      : redis.value
          .use((client) => {
            const writes = client.pipeline()
            for (const row of rows) writes.setex(`${prefix}:${row.id}`, ttlSeconds, JSON.stringify(value(row)))
            return writes.exec()
          })
          .pipe(Effect.ignore)
})
