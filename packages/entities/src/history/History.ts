import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { Refusal } from "@halles/shared/wire/Refusal"
import { Schema } from "effect"
import { Rpc } from "effect/rpc"

/** Reads of a history that one answer may take; each has at most `historyMax` rows and `historyBytesMax` bytes. */
export const readsMax = 24
/** Bytes of the entries of one page; a page has at least one entry. */
export const pageBytesMax = 1_024 * 1_024

/** What an entity is to be shown as: after the version, or at the time in Unix milliseconds. Absent: now. */
export const Moment = { version: Schema.optionalKey(Schema.Int), at: Schema.optionalKey(Schema.Int) }

/** A field of the entity as clients see it, before and after; `null` where it has no value. */
const Change = Schema.Struct({ field: Schema.String, before: Schema.Json, after: Schema.Json })

/** One row of the journal as merchants read it. */
export const Entry = Schema.Struct({
  /** The version that it led to. */
  seq: Schema.Int,
  /** Unix milliseconds. */
  at: Schema.Int,
  /** An account, a partner or a tool as the audit log names it; `timer` for a scheduled change. */
  author: Schema.String,
  reason: Schema.NullOr(Schema.String),
  changes: Schema.Array(Change)
})
export type Entry = typeof Entry.Type

export class HistoryTooLong extends Refusal<HistoryTooLong>()("HistoryTooLong", {
  status: 422,
  title: "The history is too long to be read at once",
  fields: { reads: Schema.Int },
  sample: { reads: readsMax },
  detail: ({ reads }) => `${reads} reads of the journal did not get there. Ask for an earlier version.`
}) {}

export class NoSuchMoment extends Refusal<NoSuchMoment>()("NoSuchMoment", {
  status: 404,
  title: "It had no such version, or was not there yet",
  fields: { seq: Schema.Int },
  sample: { seq: 7 },
  detail: ({ seq }) => `Its version is ${seq} now. Ask for one from 1 to that, or for a later time.`
}) {}

/** What merchants ask of an entity: how it is or was at a moment, and its changes below the version `before`, the newest first. */
export const messages = <Edited extends Schema.Top>(edited: Edited) =>
  [
    Rpc.make("Edited", {
      payload: Moment,
      success: edited,
      error: Schema.Union([NotFound, NoSuchMoment, HistoryTooLong])
    }),
    Rpc.make("History", {
      payload: { before: Schema.NullOr(Schema.Int), limit: Schema.Int },
      success: Schema.Struct({ items: Schema.Array(Entry), more: Schema.Boolean }),
      error: Schema.Union([NotFound, HistoryTooLong])
    })
  ] as const
