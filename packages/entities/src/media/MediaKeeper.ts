import type { JsMsg } from "@nats-io/jetstream"
import * as EntityClient from "@halles/engine/activation/EntityClient"
import * as EventConsumer from "@halles/engine/journal/EventConsumer"
import { rowsOf } from "@halles/engine/journal/EventMessage"
import { Nats } from "@halles/shared/clients/Nats"
import { CommandId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import { Effect, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { ForgetContent, KeepContent, Media, MediaId, RefuseContent, RemoveMedia } from "./Media.ts"
import { type Content, contentName } from "./MediaContent.ts"
import { MediaProcess } from "./MediaProcess.ts"
import { MediaTable } from "./MediaTable.ts"

/** How often it is looked for what was removed, and how much of it is taken at a time. */
const lookEvery = "10 seconds"
/** How often it is looked whether what was declared has come, and how much of it at a time: the newest first. */
const arrivalEvery = "2 seconds"
const arrivalsMax = 50
const concurrency = 4
const batchMax = 100
/** How long a request for messages lasts, and the rest between two of them. */
const waitMs = 30_000
const retryEvery = "2 seconds"
/** The read table follows the journal: who was forgotten is looked for once more, after what was on its way has arrived. */
const againMs = 30_000

const origin = { actor: "media" } as const
const table = MediaTable.table

/** A table that is being built knows only some of what is kept: nothing is concluded from what is not in it. */
const isBuilt = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const { name, version } = MediaTable
  const rows = yield* sql`SELECT FROM projection WHERE name = ${name} AND version = ${version}`
  return rows.length > 0
})

/** Bytes go with the last thing that had them. Told after they are gone: what is interrupted is done again. */
const drop = (region: Region) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const media = yield* EntityClient.make(Media)
    const { drop } = yield* MediaProcess
    if (!(yield* isBuilt)) return
    const left = yield* sql<{ id: string; content: Content; shared: boolean }>`
      SELECT v.id, v.content, EXISTS (
        SELECT FROM ${sql(table)} o WHERE o.hash = v.hash AND o.status = 'ready'
      ) AS shared
      FROM ${sql(table)} v WHERE v.status = 'removed' AND v.hash IS NOT NULL ORDER BY v.id LIMIT ${batchMax}`
    const forget = (id: string) =>
      media(id).ForgetContent(new ForgetContent({ commandId: CommandId.make("media:forget"), origin }))
    yield* Effect.forEach(
      left,
      ({ content, id, shared }) =>
        (shared ? Effect.succeed(true) : drop(contentName(region, content))).pipe(
          Effect.flatMap((isGone) => (isGone ? Effect.asVoid(forget(id)) : Effect.void)),
          Effect.catchCause((cause) => Effect.logWarning(`The content of ${id} could not be dropped`, cause))
        ),
      { discard: true }
    )
  }).pipe(
    Effect.catchCause((cause) => Effect.logWarning("What was removed could not be read, trying again", cause)),
    Effect.repeat(Schedule.spaced(lookEvery))
  )

/** What comes in pieces goes from the sender to the media process; its entity is told here what became of it. */
const settle = (region: Region) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const media = yield* EntityClient.make(Media)
    const { taken } = yield* MediaProcess
    const declared = yield* sql<{ id: MediaId }>`
      SELECT id FROM ${sql(table)} WHERE status = 'declared' ORDER BY declared_at DESC LIMIT ${arrivalsMax}`
    const command = { commandId: CommandId.make("media:settle"), origin }
    yield* Effect.forEach(
      declared,
      ({ id }) =>
        Effect.gen(function* () {
          const outcome = yield* taken(id)
          if (outcome === null) return
          if ("kept" in outcome) yield* media(id).KeepContent(new KeepContent({ ...command, content: outcome.kept }))
          else yield* media(id).RefuseContent(new RefuseContent({ ...command, reason: outcome.refused }))
        }).pipe(Effect.catchCause((cause) => Effect.logWarning(`What became of ${id} is not known yet`, cause))),
      { concurrency, discard: true }
    )
  }).pipe(
    Effect.catchCause((cause) =>
      Effect.logWarning(`What was declared in ${region} could not be read, trying again`, cause)
    ),
    Effect.repeat(Schedule.spaced(arrivalEvery))
  )

/** Ids of the customers that a message says are forgotten. */
const forgottenOf = (message: JsMsg): ReadonlyArray<string> =>
  rowsOf(message.string()).flatMap(({ id, text, type }) =>
    type === "Customer" && text.includes('"_tag":"Forgotten"') ? [id] : []
  )

/** What was a customer's own goes with the customer. */
const erase = (region: Region) =>
  Effect.gen(function* () {
    const nats = yield* Nats
    const sql = yield* SqlClient.SqlClient
    const media = yield* EntityClient.make(Media)
    const reader = { name: "media_customers", entityType: "Customer", ackWaitMs: 60_000, inFlightMax: 100 }
    const consumer = yield* EventConsumer.open(nats, region, reader, { streamSeq: 1 })
    const eraseAll = Effect.fnUntraced(function* (owner: string) {
      const owned = yield* sql<{ id: string }>`SELECT id FROM ${sql(table)} WHERE owner = ${owner}`
      yield* Effect.forEach(
        owned,
        ({ id }) =>
          media(MediaId.make(id)).RemoveMedia(
            new RemoveMedia({ commandId: CommandId.make("media:erase"), origin, reason: "erased" })
          ),
        { discard: true }
      )
    })
    while (true) {
      const message = yield* Effect.tryPromise(() => consumer.next({ expires: waitMs }))
      // Nothing came, or the server has nobody to ask: the place is looked for again.
      if (message === null) return
      const forgotten = forgottenOf(message)
      if (forgotten.length === 0) {
        message.ack()
        continue
      }
      const isWhole = yield* isBuilt
      yield* Effect.forEach(forgotten, eraseAll, { discard: true })
      if (isWhole && message.info.deliveryCount > 1) message.ack()
      else message.nak(againMs)
    }
  }).pipe(
    Effect.catchCause((cause) => Effect.logWarning("The forgotten could not be followed, trying again", cause)),
    Effect.repeat(Schedule.spaced(retryEvery))
  )

/** What has to be done in a region for what is removed to be gone, for ever. */
export const run = (region: Region) =>
  Effect.all([drop(region), settle(region), erase(region)], { concurrency: "unbounded", discard: true })
