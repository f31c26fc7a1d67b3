import { jetstream, jetstreamManager, type JetStreamClient } from "@nats-io/jetstream"
import { headers } from "@nats-io/transport-node"
import { PgTypes } from "@effect/sql-pg"
import { Nats } from "@halles/shared/Nats"
import type { Region } from "@halles/shared/Region"
import * as Subject from "@halles/shared/Subject"
import { Context, Effect, Latch, Layer, Metric, Result, Schedule } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import type { Committed } from "./Journal/GroupCommit.ts"
import { ShardEpochs } from "./ShardEpochs.ts"

/** Batches that are published and struck off together: one after the other each would wait for the stream's answer. */
const togetherMax = 16
/** Batches kept in memory until they are published; later ones are read back from the journal when their turn comes. */
const rememberedMax = 256
/** A marker older than this whose batch nobody is publishing belongs to a runner that died. */
const orphanedAfterMs = 3_000
const sweepMax = 100

export const unpublished = Metric.gauge("halles_outbox_unpublished_batches", {
  description: "Committed batches of this runner whose events have not reached the stream yet"
})

const int8 = (values: ReadonlyArray<bigint>) => Result.getOrThrow(PgTypes.array(values, PgTypes.OID.int8))

interface Message {
  readonly subject: string
  readonly id: string
  readonly body: string
}

/**
 * Every committed event reaches the region's stream, at least once, in order per entity. The marker of a batch is
 * written in the transaction of the batch and deleted when the stream has acknowledged all of it: what is marked is
 * owed, whatever crashed in between.
 */
export class Outbox extends Context.Service<
  Outbox,
  {
    readonly publishUnsafe: (committed: Committed) => void
    readonly alarm: (kind: string, detail: unknown) => void
    /** Waits until what this runner has committed up to now is in the stream. */
    readonly settled: Effect.Effect<void>
    /** Publishes what dead runners left behind: marked longer ago than `olderThanMs`, in the order of commit. */
    readonly sweep: (options: { readonly olderThanMs: number }) => Effect.Effect<void, SqlError.SqlError>
  }
>()("@halles/entities/Outbox") {
  /** Publishes nothing and keeps the markers: for tests and tools that have no stream. */
  static readonly layerNoop = Layer.succeed(Outbox, {
    publishUnsafe: () => undefined,
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
        const { owner } = yield* ShardEpochs
        const stream = jetstream(nats)
        yield* ensureStream(nats, region)

        const pending = new Map<bigint, ReadonlyArray<Message> | null>()
        const work = Latch.makeUnsafe(false)

        // A deletion that a crash undoes costs a second publication, which the stream knows by its id: no need of fsync.
        const published = (batches: ReadonlyArray<bigint>) => sql`
          WITH hurry AS (SELECT set_config('synchronous_commit', 'off', true))
          DELETE FROM outbox_batch USING hurry WHERE id = ANY(${int8(batches)})`
        const send = (messages: ReadonlyArray<Message>) =>
          Effect.tryPromise(() => publishAll(nats, stream, messages)).pipe(
            Effect.tapError(() => Effect.logWarning("The stream does not take events, trying again")),
            Effect.retry(Schedule.spaced("200 millis")),
            Effect.orDie
          )

        /** The messages of these batches, in the order in which they were committed; none of a batch that is published. */
        const rowsOf = (batches: ReadonlyArray<bigint>) =>
          Effect.map(
            sql<Row>`
              SELECT j.entity_type, j.entity_id, j.seq, j.command_id, j.position, j.events::text AS events,
                j.meta::text AS meta, extract(epoch FROM j.at) * 1000 AS at
              FROM outbox_batch b JOIN journal j ON j.position BETWEEN b.first_position AND b.last_position
              WHERE b.id = ANY(${int8(batches)}) ORDER BY b.id, j.position`,
            (rows) => rows.map((row) => messageOf(region, row))
          )

        yield* Effect.gen(function* () {
          while (true) {
            yield* work.await
            const next = [...pending].slice(0, togetherMax)
            if (next.length === 0) {
              work.closeUnsafe()
              continue
            }
            const messages: Array<Message> = []
            for (const [batch, remembered] of next) messages.push(...(remembered ?? (yield* rowsOf([batch]))))
            yield* send(messages)
            const batches = next.map(([batch]) => batch)
            yield* published(batches)
            for (const batch of batches) pending.delete(batch)
            yield* Metric.update(unpublished, pending.size)
          }
        }).pipe(
          Effect.tapCause((cause) => Effect.logWarning("Publishing stopped, going on", cause)),
          Effect.retry(Schedule.spaced("200 millis")),
          Effect.forkScoped
        )

        const sweep = Effect.fnUntraced(function* (options: { readonly olderThanMs: number }) {
          while (true) {
            const markers = yield* sql<{ id: bigint }>`
              SELECT id FROM outbox_batch
              WHERE at <= now() - make_interval(secs => ${String(options.olderThanMs / 1000)}::text::double precision)
              ORDER BY id LIMIT ${sweepMax}`
            const owed = markers.filter(({ id }) => !pending.has(id)).map(({ id }) => id)
            if (owed.length > 0) {
              yield* send(yield* rowsOf(owed))
              yield* published(owed)
            }
            if (owed.length < sweepMax) return
          }
        })
        yield* sweep({ olderThanMs: orphanedAfterMs }).pipe(
          Effect.catchCause((cause) => Effect.logWarning("The sweep stopped, going on", cause)),
          Effect.repeat(Schedule.spaced("2 seconds")),
          Effect.forkScoped
        )

        return Outbox.of({
          sweep,
          settled: Effect.suspend(() => {
            const newest = [...pending.keys()].at(-1)
            return newest === undefined
              ? Effect.void
              : Effect.sync(() => pending.has(newest)).pipe(
                  Effect.repeat({ schedule: Schedule.spaced("5 millis"), while: (waits) => waits }),
                  Effect.asVoid
                )
          }),
          alarm: (kind, detail) =>
            nats.publish(`halles.${region}.alarm.${kind}`, JSON.stringify({ kind, owner, detail })),
          publishUnsafe: ({ batch, entries }) => {
            const messages =
              pending.size >= rememberedMax
                ? null
                : entries.map(({ activation, at, commandId, events, meta, position, seq }) =>
                    messageOf(region, {
                      entity_type: activation.entityType,
                      entity_id: activation.entityId,
                      command_id: commandId,
                      seq,
                      position,
                      events,
                      meta,
                      at
                    })
                  )
            pending.set(batch, messages)
            work.openUnsafe()
          }
        })
      })
    )
}

interface Row {
  readonly entity_type: string
  readonly entity_id: string
  readonly seq: number
  readonly command_id: string
  readonly position: bigint
  readonly events: string
  readonly meta: string
  readonly at: number | string
}

/** The body is put together from texts that are JSON already: events are encoded once, for the row and for this. */
const messageOf = (region: Region, row: Row): Message => ({
  subject: Subject.event(region, row.entity_type, row.entity_id),
  id: `${row.entity_type}:${row.entity_id}:${row.seq}`,
  body:
    `{"type":"${row.entity_type}","id":"${row.entity_id}","seq":${row.seq},` +
    `"commandId":${JSON.stringify(row.command_id)},"at":${Math.round(Number(row.at))},` +
    `"position":${row.position},"events":${row.events},"meta":${row.meta}}`
})

/** With the stream's answer. */
const publish = (stream: JetStreamClient, { body, id, subject }: Message) =>
  stream.publish(subject, body, { msgID: id })

/**
 * One connection's messages are stored in the order in which they were sent, so that the answers to the first and the
 * last tell of all between: they are as far apart in the stream as they are here, or further where another runner
 * published in between. Answers of duplicates, or too near together, tell nothing; then each message is asked for.
 */
const publishAll = async (nats: Nats["Service"], stream: JetStreamClient, messages: ReadonlyArray<Message>) => {
  if (messages.length > 2) {
    const [first, last] = await Promise.all(
      messages
        .map((message, at) => {
          if (at === 0 || at === messages.length - 1) return publish(stream, message)
          const named = headers()
          named.set("Nats-Msg-Id", message.id)
          nats.publish(message.subject, message.body, { headers: named })
          return null
        })
        .filter((answer) => answer !== null)
    )
    const told = !first!.duplicate && !last!.duplicate && last!.seq - first!.seq >= messages.length - 1
    if (told) return
  }
  await Promise.all(messages.map((message) => publish(stream, message)))
}

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
