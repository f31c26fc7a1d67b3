import * as Table from "@halles/engine/projections/Table"
import type { CustomerId } from "@halles/shared/Ids"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as TableList from "../routes/TableList.ts"
import { MediaId, MediaView } from "./Media.ts"
import * as MediaState from "./MediaState.ts"

const { alt, content, focus, owner, refusedFor, removedFor, status, uploadedBy, usedBy } = MediaView.fields
const columns = {
  status,
  owner,
  uploaded_by: uploadedBy,
  content,
  hash: Schema.NullOr(Schema.String),
  alt,
  focus,
  used_by: usedBy,
  refused_for: refusedFor,
  removed_for: removedFor,
  declared_at: Table.Time,
  idle_since: Schema.Int,
  removed_at: Schema.NullOr(Schema.Int)
}
type Row = Table.RowOf<typeof columns>

/** The row is the state: the same events lead to it, by the same function. */
const stateOf = (row: Row | null): MediaState.State =>
  row === null
    ? MediaState.initial
    : {
        _tag: "Known",
        status: row.status,
        owner: row.owner,
        uploadedBy: row.uploaded_by,
        content: row.content,
        alt: row.alt,
        focus: row.focus,
        usedBy: row.used_by,
        refusedFor: row.refused_for,
        removedFor: row.removed_for,
        declaredAt: row.declared_at,
        idleSince: row.idle_since,
        removedAt: row.removed_at
      }
const rowOf = (state: MediaState.State): Row | null =>
  state._tag === "None"
    ? null
    : {
        status: state.status,
        owner: state.owner,
        uploaded_by: state.uploadedBy,
        content: state.content,
        hash: state.content?.hash ?? null,
        alt: state.alt,
        focus: state.focus,
        used_by: state.usedBy,
        refused_for: state.refusedFor,
        removed_for: state.removedFor,
        declared_at: state.declaredAt,
        idle_since: state.idleSince,
        removed_at: state.removedAt
      }

export const MediaTable = Table.make(MediaState, {
  name: "media",
  version: 1,
  columns,
  indexes: {
    newest: "(declared_at DESC, id DESC)",
    hash: "(hash) WHERE status = 'ready'",
    owner: "(owner) WHERE owner IS NOT NULL",
    awaited: "(declared_at DESC) WHERE status = 'declared'",
    left: "(id) WHERE status = 'removed' AND hash IS NOT NULL"
  },
  fold: (row, event) => rowOf(MediaState.evolve(stateOf(row), event))
})

/** Whether the table has all entities. While it is built it lacks some: nothing follows from what is not in it. */
export const isBuilt = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const { name, version } = MediaTable
  const rows = yield* sql`SELECT FROM projection WHERE name = ${name} AND version = ${version}`
  return rows.length > 0
})

/** The media of a region that are not removed, newest first; with `hash` those with that content, with `owner` those of a customer. */
export const mediaList = TableList.make(MediaTable, {
  name: "media",
  by: ["declared_at", "id"],
  descending: true,
  where: (sql, { hash, owner }: { readonly hash?: string | undefined; readonly owner?: CustomerId | undefined }) =>
    sql.and([
      sql`status <> 'removed'`,
      ...(hash === undefined ? [] : [sql`hash = ${hash}`]),
      ...(owner === undefined ? [] : [sql`owner = ${owner}`])
    ]),
  item: ({ id, seq, ...row }) => MediaState.view(MediaId.make(id), stateOf(row), seq)!,
  key: ({ declaredAt, id }) => [declaredAt, id]
})
