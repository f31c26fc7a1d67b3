import { jetstreamManager } from "@nats-io/jetstream"
import { PgTypes } from "@effect/sql-pg"
import { Nats } from "@halles/shared/clients/Nats"
import { Notice } from "@halles/shared/Notice"
import type { Region } from "@halles/shared/Region"
import * as Subject from "@halles/shared/Subject"
import { Context, Effect, Latch, Layer, Metric, Option, Result, Schedule, Semaphore } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import type { Committed } from "./GroupCommit.ts"
import { type EventMessage, lineOf, messageBytesMax, messagesOf, type Row } from "./EventMessage.ts"
import * as Publishing from "./Publishing.ts"
import * as ParkedEvents from "./ParkedEvents.ts"
import { ShardEpochs } from "../placement/ShardEpochs.ts"

/**
 * Batches, and bytes of them, that are published and struck off together: one after the other each would wait for the
 * stream's answer.
 */
export const togetherMax = 16
const togetherBytesMax = 8 * 1024 ** 2
/** Kept in memory until they are published; later ones are read back from the journal when their turn comes. */
export const rememberedMax = 256
export const rememberedBytesMax = 32 * 1024 ** 2
/** Markers that are deleted with one batch at the most, and how long they wait for a batch. */
const markersMax = 1_000
const markedMs = 1_000
/** A marker older than this whose batch nobody is publishing belongs to a runner that died. */
const orphanedAfterMs = 3_000
const sweepMax = 100
/**
 * Between two sweeps for such markers, and for how long after this runner wrote or took shards it sweeps so often; at rest it
 * sweeps after `restMs`.
 */
const sweepEveryMs = 2_000
const busyForMs = 10_000
const restMs = 10_000

export const parked = Metric.counter("halles_outbox_parked_total", {
  description: "Events that were set aside, since the stream does not take them",
  incremental: true
})
export const unpublished = Metric.gauge("halles_outbox_unpublished_batches", {
  description: "Committed batches of this runner whose events have not reached the stream yet"
})

const int8 = (values: ReadonlyArray<bigint>) => Result.getOrThrow(PgTypes.array(values, PgTypes.OID.int8))

/**
 * Every committed event reaches the region's stream, at least once, in order per entity: the rows of a batch in one message, or
 * in as few as have room for them. The marker of a batch is
 * written in the transaction of the batch and deleted once the stream has acknowledged all of it: in the transaction of the next
 * batch, or by itself when none follows within `markedMs`. A batch with a marker is published, by this runner or by the one that
 * sweeps after a crash. An event that the stream does not take is set aside (`parked_event`) in the transaction that deletes the
 * marker of its batch, and waits for an operator; all other events go on.
 */
export class Outbox extends Context.Service<
  Outbox,
  {
    readonly publishUnsafe: (committed: Committed) => void
    /** Batches that the stream has and whose markers are still there: `GroupCommit` deletes these with the next batch it writes. */
    readonly published: {
      readonly take: () => ReadonlyArray<bigint>
      readonly struckOff: (batches: ReadonlyArray<bigint>) => void
    }
    readonly alarm: (kind: string, detail: unknown) => void
    /** Waits until what this runner has committed up to now is in the stream. */
    readonly settled: Effect.Effect<void>
    /** Publishes what dead runners left behind: marked longer ago than `olderThanMs`, in the order of commit. */
    readonly sweep: (options: { readonly olderThanMs: number }) => Effect.Effect<void, SqlError.SqlError>
  }
>()("@halles/engine/Outbox") {
  /** Publishes nothing and keeps the markers: for tests and tools that have no stream. */
  static readonly layerNoop = Layer.succeed(Outbox, {
    publishUnsafe: () => undefined,
    published: { take: () => [], struckOff: () => undefined },
    alarm: () => undefined,
    settled: Effect.void,
    sweep: () => Effect.void
  })

  static readonly layer = (region: Region) =>
    Layer.effect(
      Outbox,
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const nats = yield* Nats
        const { owner, raised } = yield* ShardEpochs
        yield* ensureStream(nats, region)
        const publish = Publishing.make(nats, region)
        /** The server takes headers and body together. */
        const bytesMax = () => Math.min(messageBytesMax, (nats.info?.max_payload ?? messageBytesMax) - 1_024)

        const messagesWith = (rows: ReadonlyArray<Row>) => {
          const max = bytesMax()
          return messagesOf(
            region,
            rows.map((row) => lineOf(row, max)),
            max
          )
        }

        const pending = new Map<bigint, Remembered | null>()
        let rememberedBytes = 0
        let busyAt = performance.now()
        const written = new Notice()
        const work = Latch.makeUnsafe(false)

        /** In the order in which they were published. */
        const marked = new Set<bigint>()
        const published = {
          take: () => [...marked].slice(0, markersMax),
          struckOff: (batches: ReadonlyArray<bigint>) => {
            for (const batch of batches) marked.delete(batch)
          }
        }
        const unmark = Latch.makeUnsafe(false)

        const strikeOff = (batches: ReadonlyArray<bigint>) =>
          sql`DELETE FROM outbox_batch WHERE id = ANY(${int8(batches)})`
        // A deletion that a crash undoes costs a second publication, which the stream knows by its id: no need of fsync.
        const unmarkAll = Effect.suspend(() => {
          const batches = [...marked]
          if (batches.length === 0) return Effect.void
          return Effect.map(
            sql`
              WITH hurry AS (SELECT set_config('synchronous_commit', 'off', true))
              DELETE FROM outbox_batch USING hurry WHERE id = ANY(${int8(batches)})`,
            () => published.struckOff(batches)
          )
        })
        const park = Effect.fnUntraced(function* (
          batches: ReadonlyArray<bigint>,
          all: ReadonlyArray<Publishing.GivenUp>
        ) {
          const rows = all.map(({ cause, row, tries }) => ({
            consumer: ParkedEvents.outbox,
            entity_type: row.entity_type,
            entity_id: row.entity_id,
            seq: row.seq,
            cause,
            tries
          }))
          yield* sql.withTransaction(Effect.andThen(ParkedEvents.put(sql, rows), strikeOff(batches)))
          yield* Metric.update(parked, all.length)
          const [first] = rows
          yield* Effect.logError("Events were set aside: the stream does not take them", { count: all.length, first })
        })
        const send = Effect.fnUntraced(function* (
          batches: ReadonlyArray<bigint>,
          messages: ReadonlyArray<EventMessage>
        ) {
          const givenUp = yield* publish(messages)
          if (givenUp.length > 0) return yield* park(batches, givenUp)
          for (const batch of batches) marked.add(batch)
          unmark.openUnsafe()
        })

        /** The messages of a batch, in the order in which they were committed; none of one that is published. */
        const rowsOf = (batch: bigint) =>
          Effect.map(
            sql<Row>`
              SELECT j.entity_type, j.entity_id, j.seq, j.command_id, j.position,
                CASE WHEN j.bytes <= ${messageBytesMax} THEN j.events::text END AS events,
                CASE WHEN j.bytes > ${messageBytesMax} THEN journal_tags(j.events)::text END AS tags,
                j.meta::text AS meta, extract(epoch FROM j.at) * 1000 AS at,
                CASE WHEN b.runner = '' THEN b.id::text END AS again
              FROM outbox_batch b JOIN journal j ON j.position BETWEEN b.first_position AND b.last_position
              WHERE b.id = ${String(batch)}::text::bigint ORDER BY j.position`,
            messagesWith
          )

        /** The first of those that wait, as many as go together; one at least. */
        const gather = Effect.fnUntraced(function* (waiting: ReadonlyArray<readonly [bigint, Remembered | null]>) {
          const batches: Array<bigint> = []
          const messages: Array<EventMessage> = []
          let bytes = 0
          for (const [batch, remembered] of waiting.slice(0, togetherMax)) {
            const own = remembered?.messages ?? (yield* rowsOf(batch))
            bytes += remembered?.bytes ?? bytesOf(own)
            if (batches.length > 0 && bytes > togetherBytesMax) break
            batches.push(batch)
            messages.push(...own)
          }
          return { batches, messages }
        })

        yield* Effect.gen(function* () {
          while (true) {
            yield* work.await
            if (pending.size === 0) {
              work.closeUnsafe()
              continue
            }
            const { batches, messages } = yield* gather([...pending])
            yield* send(batches, messages)
            for (const batch of batches) {
              rememberedBytes -= pending.get(batch)?.bytes ?? 0
              pending.delete(batch)
            }
            yield* Metric.update(unpublished, pending.size)
          }
        }).pipe(
          Effect.catchCause((cause) => Effect.logWarning("Publishing stopped, going on", cause)),
          Effect.repeat(Schedule.spaced("200 millis")),
          Effect.forkScoped
        )

        yield* Effect.gen(function* () {
          yield* unmark.await
          yield* Effect.sleep(markedMs)
          unmark.closeUnsafe()
          yield* Effect.onError(unmarkAll, () => Effect.sync(() => unmark.openUnsafe()))
        }).pipe(
          Effect.catchCause((cause) => Effect.logWarning("Markers could not be deleted, trying again", cause)),
          Effect.forever,
          Effect.forkScoped
        )

        /** One at a time: two would publish the same batches. */
        const sweeping = Semaphore.makeUnsafe(1)
        const sweepMarked = Effect.fnUntraced(function* (options: { readonly olderThanMs: number }) {
          while (true) {
            const markers = yield* sql<{ id: bigint }>`
              SELECT id FROM outbox_batch
              WHERE at <= now() - make_interval(secs => ${String(options.olderThanMs / 1000)}::text::double precision)
              ORDER BY id LIMIT ${sweepMax}`
            const unsent = markers
              .filter(({ id }) => !pending.has(id) && !marked.has(id))
              .map(({ id }) => [id, null] as const)
            for (let at = 0; at < unsent.length;) {
              const { batches, messages } = yield* gather(unsent.slice(at))
              yield* send(batches, messages)
              at += batches.length
            }
            yield* unmarkAll
            if (unsent.length < sweepMax) return
          }
        })
        const sweep: Outbox["Service"]["sweep"] = (options) => sweeping.withPermit(sweepMarked(options))
        yield* Effect.gen(function* () {
          const woken = Effect.raceFirst(raised.next(), written.next())
          yield* sweep({ olderThanMs: orphanedAfterMs })
          if (performance.now() - busyAt < busyForMs) return
          if (Option.isSome(yield* Effect.timeoutOption(woken, restMs))) busyAt = performance.now()
        }).pipe(
          Effect.catchCause((cause) => Effect.logWarning("The sweep stopped, going on", cause)),
          Effect.repeat(Schedule.spaced(sweepEveryMs)),
          Effect.forkScoped
        )

        const remember = (batch: bigint, entries: Committed["entries"]) => {
          const messages = messagesWith(
            entries.map(({ lease, at, commandId, events, meta, position, seq }) => ({
              entity_type: lease.entityType,
              entity_id: lease.entityId,
              command_id: commandId,
              seq,
              position,
              events,
              meta,
              at
            }))
          )
          const bytes = bytesOf(messages)
          rememberedBytes += bytes
          pending.set(batch, { messages, bytes })
        }

        return Outbox.of({
          sweep,
          published,
          settled: Effect.suspend(() => {
            const newest = [...pending.keys()].at(-1)
            const isThere =
              newest === undefined
                ? Effect.void
                : Effect.sync(() => pending.has(newest)).pipe(
                    Effect.repeat({ schedule: Schedule.spaced("5 millis"), while: (waits) => waits })
                  )
            return Effect.andThen(isThere, Effect.ignore(unmarkAll))
          }),
          alarm: (kind, detail) =>
            nats.publish(`halles.${region}.alarm.${kind}`, JSON.stringify({ kind, owner, detail })),
          publishUnsafe: ({ batch, entries }) => {
            const isRemembered = pending.size < rememberedMax && rememberedBytes <= rememberedBytesMax
            if (isRemembered) remember(batch, entries)
            else pending.set(batch, null)
            // Wakes the publishing fiber.
            work.openUnsafe()
            busyAt = performance.now()
            written.give()
          }
        })
      })
    )
}

interface Remembered {
  readonly messages: ReadonlyArray<EventMessage>
  readonly bytes: number
}

const bytesOf = (messages: ReadonlyArray<EventMessage>): number =>
  messages.reduce((sum, { lines }) => lines.reduce((own, { bytes }) => own + bytes, sum), 0)

/** The region's stream: kept for a week, at most 1 GiB, oldest events dropped first; the journal keeps them all. */
const ensureStream = (nats: Nats["Service"], region: Region) =>
  Effect.tryPromise(async () => {
    const manager = await jetstreamManager(nats)
    const name = Subject.eventStream(region)
    const config = {
      subjects: [Subject.events(region)],
      max_age: 7 * 24 * 3600 * 1e9,
      max_bytes: 1024 ** 3,
      duplicate_window: 120 * 1e9
    }
    const streams = await manager.streams.names().next()
    if (streams.includes(name)) await manager.streams.update(name, config)
    else await manager.streams.add({ name, ...config })
  }).pipe(
    Effect.tapError((error) => Effect.logWarning("The event stream cannot be set up yet", error.cause)),
    Effect.retry(Schedule.spaced("500 millis")),
    Effect.orDie
  )
