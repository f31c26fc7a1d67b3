import { Effect, Option, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { SqlClient } from "effect/sql"
import { OperatorApi } from "./OperatorApi.ts"
import type * as Json from "./OperatorJson.ts"
import { Live } from "./views/Live.ts"
import { unavailable } from "./OperatorFailures.ts"

const limitDefault = 50

const Stored = Schema.fromJsonString(
  Schema.Struct({
    actor: Schema.String,
    action: Schema.String,
    subject: Schema.String,
    outcome: Schema.Literals(["allowed", "denied", "failed"]),
    reason: Schema.optionalKey(Schema.String),
    details: Schema.optionalKey(Schema.Json)
  })
)
const decodeStored = Schema.decodeUnknownOption(Stored)

/** The audit log, and what changes while somebody looks. */
export const WatchingHttp = HttpApiBuilder.group(
  OperatorApi,
  "watching",
  Effect.fnUntraced(function* (handlers) {
    const sql = yield* SqlClient.SqlClient
    const live = yield* Live
    return handlers.handleAll({
      audit: ({ query: { action, actor, cursor, limit = limitDefault } }) =>
        Effect.gen(function* () {
          const before = /^\d{1,18}$/.test(cursor ?? "") ? cursor! : "9223372036854775807"
          const rows = yield* sql<{ seq: bigint; at: bigint; entry: string }>`
            SELECT seq, at, entry FROM audit.entry
            WHERE seq < ${before}::text::bigint
              AND (${actor === undefined} OR actor = ${actor ?? ""}) AND (${action === undefined} OR action = ${action ?? ""})
            ORDER BY seq DESC LIMIT ${limit + 1}`
          const items = rows.slice(0, limit).flatMap((row): ReadonlyArray<typeof Json.AuditRow.Encoded> => {
            const entry = Option.getOrUndefined(decodeStored(row.entry))
            if (entry === undefined) return []
            const { details = null, reason = null, ...rest } = entry
            return [{ seq: String(row.seq), at: Number(row.at / 1_000n), ...rest, reason, details }]
          })
          return { items, next: rows.length > limit ? String(rows[limit - 1]!.seq) : null }
        }).pipe(Effect.mapError(unavailable)),
      live: ({ headers, query }) =>
        live.answer({ lastEventId: headers["last-event-id"] ?? query.since, tail: query.tail, topic: query.topic })
    })
  })
)
