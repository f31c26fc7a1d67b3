import { withinBytes } from "@halles/engine/journal/Pages"
import type { Now } from "../Domain.ts"
import { models } from "../Domains.ts"
import { RegionDatabases } from "../routes/Reads.ts"
import { type Region, regionOf } from "@halles/shared/Region"
import { causeText } from "@halles/engine/activation/Strikes"
import { Cause, Effect, Predicate, Schema } from "effect"

/** One entity: its type and its id. */
export interface Ref {
  readonly type: string
  readonly id: string
}
export const nameOf = ({ id, type }: Ref): string => `${type}/${id}`

/** A row of the journal: one accepted command and what came of it. */
export interface Row extends Ref {
  readonly position: bigint
  readonly seq: number
  readonly commandId: string
  readonly events: ReadonlyArray<{ readonly _tag: string }>
  /** Who asked, what it belongs to, its trace. */
  readonly meta: Readonly<Record<string, unknown>>
  readonly shard: number
  readonly epoch: number
  /** Unix milliseconds. */
  readonly at: number
}

/** What was typed names no entity. */
export class BadRef extends Schema.TaggedError<BadRef>()("BadRef", { given: Schema.String }) {
  override get message() {
    return `"${this.given}" names no entity: give an id such as eu_TEA-01, or a type and an id such as Sku/eu_TEA-01`
  }
}
/** Nothing was ever written under this name. */
export class NoHistory extends Schema.TaggedError<NoHistory>()("NoHistory", { name: Schema.String }) {
  override get message() {
    return `nothing is in the journal under ${this.name}`
  }
}

/** A row is in the journal that this version can make nothing of: what an entity is after it cannot be said. */
export class HistoryUnreadable extends Schema.TaggedError<HistoryUnreadable>()("HistoryUnreadable", {
  name: Schema.String,
  seq: Schema.Int,
  reason: Schema.String
}) {
  override get message() {
    return `row ${this.seq} of ${this.name} cannot be read: ${this.reason}. Its events show what is there`
  }
}

/** Rows of one read of a history, and bytes of them. */
const pageMax = 1_000
const pageBytesMax = 16 * 1024 ** 2

const ofRegion = (id: string) => Effect.map(RegionDatabases, ({ of }) => of(regionOf(id) as Region))

/** `Order/eu_x`, or `eu_x` for every type that has a history under this id. A type that is named may be one that nobody knows. */
export const refsOf = Effect.fn("Histories.refsOf")(function* (given: string) {
  const [, type, id] = /^(?:([A-Za-z]{1,63})[/:])?((?:eu|am|ap)_[A-Za-z0-9_-]{1,63})$/.exec(given) ?? []
  if (id === undefined) return yield* new BadRef({ given })
  const sql = yield* ofRegion(id)
  const types = type === undefined ? [...models.keys()] : [type]
  const found = yield* sql<{ type: string }>`
    SELECT t AS type FROM unnest(${types}::text[]) AS t
    WHERE EXISTS (SELECT FROM journal_all j WHERE j.entity_type = t AND j.entity_id = ${id})`
  if (found.length === 0) {
    return yield* type === undefined || models.has(type) ? new NoHistory({ name: given }) : new BadRef({ given })
  }
  return found.map((one): Ref => ({ type: one.type, id }))
})

interface Stored {
  readonly position: bigint
  readonly type: string
  readonly id: string
  readonly seq: number
  readonly command_id: string
  readonly events: unknown
  readonly meta: unknown
  readonly shard: number
  readonly epoch: number
  readonly at: number
}
const columns = `position, entity_type AS type, entity_id AS id, seq, command_id, events, meta, shard, epoch,
  (extract(epoch FROM at) * 1000)::double precision AS at`
/** Whatever was written is shown: what is no event of ours is one that nobody knows. */
const eventOf = (stored: unknown): Row["events"][number] =>
  Predicate.hasProperty(stored, "_tag") && typeof stored._tag === "string"
    ? (stored as Row["events"][number])
    : ({ _tag: "Unknown", stored } as Row["events"][number])
const rowOf = ({ command_id, events, meta, ...row }: Stored): Row => ({
  ...row,
  commandId: command_id,
  events: Array.isArray(events) ? events.map(eventOf) : [eventOf(events)],
  meta: Predicate.isObject(meta) ? (meta as Row["meta"]) : {}
})

/** In order, as many as go together; none when there are no more. */
const page = Effect.fnUntraced(function* ({ id, type }: Ref, afterSeq: number, toSeq: number) {
  const sql = yield* ofRegion(id)
  const rows = yield* sql<Stored>`
    SELECT ${sql.literal(columns)} FROM ${withinBytes(
      sql,
      sql`
        SELECT * FROM journal_all
        WHERE entity_type = ${type} AND entity_id = ${id} AND seq > ${afterSeq} AND seq <= ${toSeq}
        ORDER BY seq LIMIT ${pageMax}`,
      "seq",
      pageBytesMax
    )} ORDER BY seq`
  return rows.map(rowOf)
})

/** The newest seq that a history can have. */
export const seqMax = 2_147_483_647

/** The rows of a history, `limit` at the most. */
export const rowsOf = Effect.fn("Histories.rowsOf")(function* (
  ref: Ref,
  { from = 1, limit = seqMax, to = seqMax }: { readonly from?: number; readonly to?: number; readonly limit?: number }
) {
  const rows: Array<Row> = []
  while (rows.length < limit) {
    const next = yield* page(ref, rows.at(-1)?.seq ?? from - 1, to)
    if (next.length === 0) break
    rows.push(...next)
  }
  return rows.slice(0, limit)
})

/** The rows of an entity whose command ids begin so: what one order asked of a SKU. */
export const rowsOfSender = Effect.fn("Histories.rowsOfSender")(function* ({ id, type }: Ref, sender: string) {
  const sql = yield* ofRegion(id)
  const rows = yield* sql<Stored>`
    SELECT ${sql.literal(columns)} FROM ${withinBytes(
      sql,
      sql`
        SELECT * FROM journal_all
        WHERE entity_type = ${type} AND entity_id = ${id} AND starts_with(command_id, ${`${sender}:`})
        ORDER BY seq LIMIT ${pageMax}`,
      "seq",
      pageBytesMax
    )} ORDER BY seq`
  return rows.map(rowOf)
})

/** When to look at: a seq, or a time in Unix milliseconds. */
export type When = { readonly seq: number } | { readonly time: number } | "now"

/** What was typed is neither a seq nor a time. */
export class BadTime extends Schema.TaggedError<BadTime>()("BadTime", { given: Schema.String }) {
  override get message() {
    return `"${this.given}" is neither a seq nor a time such as 2026-11-23T09:41:07Z`
  }
}

/** A seq, or a time such as 2026-11-23T09:41:07Z; now, if nothing is given. */
export const whenOf = (given: string | undefined): Effect.Effect<When, BadTime> => {
  if (given === undefined) return Effect.succeed("now")
  if (/^\d{1,9}$/.test(given)) return Effect.succeed({ seq: Number(given) })
  const time = Date.parse(given)
  return Number.isNaN(time) ? Effect.fail(new BadTime({ given })) : Effect.succeed({ time })
}

/** What the entity was then, rebuilt from its first row on; `HistoryUnreadable` when there is one between that says nothing. */
export const stateOf = Effect.fn("Histories.stateOf")(function* (ref: Ref, when: When) {
  const begin = models.get(ref.type)
  if (begin === undefined) return yield* new NoHistory({ name: nameOf(ref) })
  let now: Now = begin(ref.id)
  let at: number | null = null
  let seen = 0
  const to = when !== "now" && "seq" in when ? when.seq : seqMax
  const until = when !== "now" && "time" in when ? when.time : Number.POSITIVE_INFINITY
  for (;;) {
    const rows = yield* page(ref, seen, to)
    for (const row of rows) {
      if (row.at > until) return { now, at }
      const before = now
      now = yield* Effect.try({
        try: () => before.after(row.events),
        catch: (cause) =>
          new HistoryUnreadable({ name: nameOf(ref), seq: row.seq, reason: causeText(Cause.die(cause)) })
      })
      at = row.at
      seen = row.seq
    }
    if (rows.length === 0) return { now, at }
  }
})

/** The same, or what it was before the first row that cannot be read: `seq` tells how far that is. */
export const readableStateOf = (ref: Ref, when: When) =>
  stateOf(ref, when).pipe(
    Effect.catchTag("HistoryUnreadable", ({ seq }) => stateOf(ref, { seq: seq - 1 })),
    Effect.catchTag("HistoryUnreadable", Effect.die)
  )
