import * as EntityClient from "@halles/engine/activation/EntityClient"
import { CommandId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import type { Notice } from "@halles/shared/Notice"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { ForgetContent, Media } from "./Media.ts"
import { type Content, contentName } from "./MediaContent.ts"
import * as MediaNews from "./MediaNews.ts"
import { MediaProcess } from "./MediaProcess.ts"
import { isBuilt, MediaTable } from "./MediaTable.ts"

const lookEvery = "10 seconds"
/** Removed entities of one look. */
const lookMax = 100

/** Looks once, and says whether there may be something to drop. */
const look = (region: Region) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const media = yield* EntityClient.make(Media)
    const { drop } = yield* MediaProcess
    if (!(yield* isBuilt)) return true
    const left = yield* sql<{ id: string; content: Content; shared: boolean }>`
      SELECT v.id, v.content, EXISTS (
        SELECT FROM ${sql(MediaTable.table)} o WHERE o.hash = v.hash AND o.status = 'ready'
      ) AS shared
      FROM ${sql(MediaTable.table)} v WHERE v.status = 'removed' AND v.hash IS NOT NULL ORDER BY v.id LIMIT ${lookMax}`
    const forget = (id: string) =>
      media(id).ForgetContent(
        new ForgetContent({ commandId: CommandId.make("media:forget"), origin: { actor: "media" } })
      )
    yield* Effect.forEach(
      left,
      ({ content, id, shared }) =>
        (shared ? Effect.succeed(true) : drop(contentName(region, content))).pipe(
          Effect.flatMap((isGone) => (isGone ? Effect.asVoid(forget(id)) : Effect.void)),
          Effect.catchCause((cause) => Effect.logWarning(`The content of ${id} could not be dropped`, cause))
        ),
      { discard: true }
    )
    return left.length > 0
  }).pipe(
    Effect.catchCause((cause) =>
      Effect.as(Effect.logWarning(`The removed media of ${region} could not be read, trying again`, cause), true)
    )
  )

/**
 * Makes the media process drop the content of removed entities, for ever, unless another entity of the region has the same content. The
 * entity is told afterwards: until it is, its row is found again, also after a crash.
 */
export const run = (region: Region, news: Notice) => MediaNews.repeat(news, lookEvery, look(region))
