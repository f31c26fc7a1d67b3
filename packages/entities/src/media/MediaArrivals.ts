import * as EntityClient from "@halles/engine/activation/EntityClient"
import { CommandId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import type { Notice } from "@halles/shared/Notice"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { KeepContent, Media, type MediaId, RefuseContent } from "./Media.ts"
import * as MediaNews from "./MediaNews.ts"
import { MediaProcess } from "./MediaProcess.ts"
import { MediaTable } from "./MediaTable.ts"

const lookEvery = "2 seconds"
/** Declared entities of one look; the next look goes on behind them, so that uploads which never come hold up no other. */
const lookMax = 50
const concurrency = 4

const command = { commandId: CommandId.make("media:settle"), origin: { actor: "media" } } as const

/** A function that looks once: it asks the media process about some of the region's declared entities, tells each the outcome, and says whether any is declared. */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const media = yield* EntityClient.make(Media)
  const { outcomeOf } = yield* MediaProcess
  let behind: { readonly id: MediaId; readonly declaredAt: string } | null = null

  const settle = (id: MediaId) =>
    Effect.gen(function* () {
      const outcome = yield* outcomeOf(id)
      if (outcome === null) return
      if ("kept" in outcome) yield* media(id).KeepContent(new KeepContent({ ...command, content: outcome.kept }))
      else yield* media(id).RefuseContent(new RefuseContent({ ...command, reason: outcome.refused }))
    }).pipe(
      Effect.catchCause((cause) =>
        Effect.logWarning(`The outcome of upload ${id} is not known yet, trying again`, cause)
      )
    )

  return Effect.gen(function* () {
    const page = yield* sql<{ id: MediaId; declaredAt: string }>`
      SELECT id, declared_at::text AS "declaredAt" FROM ${sql(MediaTable.table)} WHERE status = 'declared'
      ${behind === null ? sql.literal("") : sql`AND (declared_at, id) < (${behind.declaredAt}::timestamptz, ${behind.id})`}
      ORDER BY declared_at DESC, id DESC LIMIT ${lookMax}`
    const isLast = page.length < lookMax
    const found = behind !== null || page.length > 0
    behind = isLast ? null : page.at(-1)!
    yield* Effect.forEach(page, ({ id }) => settle(id), { concurrency, discard: true })
    return found
  })
})

/**
 * Settles the uploads in pieces of a region, for ever. Clients send the pieces to the media process, which knows no entities; this
 * asks it for the outcome of each, and tells the entity.
 */
export const run = (region: Region, news: Notice) =>
  Effect.flatMap(make, (look) =>
    MediaNews.repeat(
      news,
      lookEvery,
      Effect.catchCause(look, (cause) =>
        Effect.as(Effect.logWarning(`The declared media of ${region} could not be read, trying again`, cause), true)
      )
    )
  )
