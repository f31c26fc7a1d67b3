import type { JsMsg } from "@nats-io/jetstream"
import * as EntityClient from "@halles/engine/activation/EntityClient"
import * as EventConsumer from "@halles/engine/journal/EventConsumer"
import { rowsOf } from "@halles/engine/journal/EventMessage"
import { Nats } from "@halles/shared/clients/Nats"
import { CommandId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import { Effect, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { Media, MediaId, RemoveMedia } from "./Media.ts"
import { isBuilt, MediaTable } from "./MediaTable.ts"

/** How long a request for messages lasts, and the rest between two of them. */
const waitMs = 30_000
const retryEvery = "2 seconds"
/** The read table follows the journal: what a forgotten customer owned is looked for a second time, when uploads that were under way are in it. */
const againMs = 30_000

/** Ids of the customers that a message says are forgotten. */
const forgottenOf = (message: JsMsg): ReadonlyArray<string> =>
  rowsOf(message.string()).flatMap(({ id, text, type }) =>
    type === "Customer" && text.includes('"_tag":"Forgotten"') ? [id] : []
  )

/** Follows the customer events of a region, for ever, and removes the media that a forgotten customer owned. */
export const run = (region: Region) =>
  Effect.gen(function* () {
    const nats = yield* Nats
    const sql = yield* SqlClient.SqlClient
    const media = yield* EntityClient.make(Media)
    const reader = { name: "media_customers", entityType: "Customer", ackWaitMs: 60_000, inFlightMax: 100 }
    const consumer = yield* EventConsumer.open(nats, region, reader, { streamSeq: 1 })
    const eraseAll = Effect.fnUntraced(function* (owner: string) {
      const owned = yield* sql<{ id: string }>`SELECT id FROM ${sql(MediaTable.table)} WHERE owner = ${owner}`
      yield* Effect.forEach(
        owned,
        ({ id }) =>
          media(MediaId.make(id)).RemoveMedia(
            new RemoveMedia({
              commandId: CommandId.make("media:erase"),
              origin: { actor: "media" },
              reason: "erased"
            })
          ),
        { discard: true }
      )
    })
    while (true) {
      const message = yield* Effect.tryPromise(() => consumer.next({ expires: waitMs }))
      // Nothing came, or the consumer is gone: it is opened again.
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
