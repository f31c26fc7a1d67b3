import { Schema } from "effect"
import * as Json from "./OperatorJson.ts"

/** A committed row, as the stream of a region tells it; personal data is hidden. */
export const TailEvent = Schema.Struct({
  entity: Json.EntityName,
  seq: Schema.Int,
  at: Schema.Int,
  commandId: Schema.String,
  events: Schema.Array(Schema.Json),
  actor: Schema.NullOr(Schema.String)
})

/**
 * What `GET /v1/ops/live` tells, by the `event` of the frame. `overview`, `runners` and `alarms` are whole each time; `shards`
 * holds changed rows only, and all of them first; `events` come where `tail` asked for them, with how many were left out in
 * the second. `types`, `streams` and `sagas` come where `topic` asked for one, whole each time. `bye` is the last one: why the stream ends, after which a client connects again with `Last-Event-ID`.
 */
export const liveEvents = {
  hello: Schema.Struct({ at: Schema.Int, resumed: Schema.Boolean }),
  overview: Json.Overview,
  runners: Json.Runners,
  shards: Json.Shards,
  alarms: Json.Alarms,
  moves: Json.Moves,
  events: Schema.Struct({ items: Schema.Array(TailEvent), left: Schema.Int }),
  types: Json.Types,
  streams: Json.Streams,
  sagas: Json.Sagas,
  bye: Schema.Struct({ reason: Schema.Literals(["slow", "stopping", "signed_out", "too_long"]) })
} as const
/** Lists that are told to who shows them; of sagas the unfinished ones, or those of a state. */
export const LiveTopic = Schema.Literals([
  "types",
  "streams",
  "sagas",
  "sagas:stuck",
  "sagas:open",
  "sagas:refused",
  "sagas:done"
])
export type LiveTopic = typeof LiveTopic.Type

export type LiveEventName = keyof typeof liveEvents

/** The data of any frame. */
export const LiveEvent = Schema.Union(Object.values(liveEvents))
