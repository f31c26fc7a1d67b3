import { PgTypes } from "@effect/sql-pg"
import { blamesTheData } from "@halles/shared/clients/Postgres"
import { Effect, Result } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { withinBytes } from "../journal/Pages.ts"

/** A row of the journal: one accepted command of one entity. Events as they are stored, at today's version. */
export interface Entry {
  readonly id: string
  readonly seq: number
  /** Unix milliseconds. */
  readonly at: number
  readonly events: ReadonlyArray<unknown>
  /** It was too large for a message: what happened is to be read in the journal. */
  readonly inJournal?: boolean
}

/** The row that a line of a message is; `null` for what is no row, whatever is wrong with it. */
export const entryOf = (line: string): Entry | null => {
  try {
    const { at, events, id, inJournal = false, seq }: Entry = JSON.parse(line)
    if (typeof id !== "string" || !Number.isInteger(seq)) return null
    // What is no list is looked at where it came from.
    const isList = Array.isArray(events)
    return { id, seq, at, events: isList ? events : [], inJournal: inJournal || !isList }
  } catch {
    return null
  }
}

/** What a fold sees of it. */
export type Folded = Pick<Entry, "at" | "events">

export interface ViewRow {
  readonly id: string
  readonly seq: number
}

export interface Column {
  readonly type: "text" | "bigint" | "boolean" | "timestamptz" | "jsonb"
  readonly isNullable: boolean
}

/**
 * A read table whose every row is a pure function of one entity's journal up to the row's `seq`. Who folds it and how
 * often makes no difference: two runners, a redelivery and a rebuild come to the same row.
 */
export interface Projection {
  readonly name: string
  /** Raised when `fold` or the columns change: the table is then rebuilt. */
  readonly version: number
  readonly entityType: string
  readonly table: string
  /** The columns that the fold makes; `id` and `seq` stand before them. */
  readonly columns: Readonly<Record<string, Column>>
  /** Columns that Postgres makes of them. */
  readonly derived: Readonly<Record<string, string>>
  /** What an index of that name is on. */
  readonly indexes: Readonly<Record<string, string>>
  /** The values of all columns but `id` and `seq`, after the entry. Times are Unix milliseconds. */
  fold(before: object | null, entry: Folded): object
  /** What is kept in Redis of a row, if anything. */
  readonly cached: { readonly prefix: string; readonly ttlSeconds: number; value(row: ViewRow): unknown } | null
}

const isTime = ({ type }: Column): boolean => type === "timestamptz"

/** A row as folds and lists have it: whole numbers that JavaScript takes for such, times as Unix milliseconds. */
export const selected = ({ columns }: Projection, names: ReadonlyArray<PropertyKey> = Object.keys(columns)): string =>
  ["id", "seq", ...names.map((name) => select(String(name), columns[String(name)]!))].join(", ")

const select = (name: string, column: Column): string => {
  if (isTime(column)) return `(extract(epoch FROM ${name}) * 1000)::bigint::float8 AS ${name}`
  return column.type === "bigint" ? `${name}::float8 AS ${name}` : name
}

/** Where messages are missing: of so many entities so many rows each, and so many bytes, are read from the journal at a time. */
const missingEntities = 50
const missingRows = 200
const missingBytes = 16 * 1024 ** 2
/** Rows that a follower keeps in memory, so that it need not read what it wrote itself. */
export const keptMax = 20_000
/** Entities rebuilt in one transaction. */
export const rebuildBatch = 200

const text = (values: ReadonlyArray<string>) => Result.getOrThrow(PgTypes.array(values, PgTypes.OID.text))
const int4 = (values: ReadonlyArray<number>) => Result.getOrThrow(PgTypes.array(values, PgTypes.OID.int4))

type Rows = Map<string, ViewRow>

/** An entity whose events the fold does not understand, or the table does not take: its row stays as it was before them. */
export interface Unfolded {
  readonly id: string
  /** The first that is lacking. */
  readonly seq: number
  readonly defect: unknown
}
type Unfoldeds = Map<string, Unfolded>

/** Reading and writing of one projection's table. */
export const make = Effect.fnUntraced(function* (projection: Projection) {
  const sql = yield* SqlClient.SqlClient
  const table = sql.literal(projection.table)
  const own = Object.entries(projection.columns)
  const written = ["seq", ...own.map(([name]) => name)]
  const columns = sql.literal(["id", ...written].join(", "))
  const assignments = sql.literal(written.map((column) => `${column} = excluded.${column}`).join(", "))
  const asRow = sql.literal(selected(projection))
  /** A folded row in JSON, and what of it is inserted. */
  const folded = sql.literal(
    own.map(([name, column]) => `${name} ${isTime(column) ? "bigint" : column.type}`).join(", ")
  )
  const values = sql.literal(
    own.map(([name, column]) => (isTime(column) ? `to_timestamp(${name} / 1000.0)` : name)).join(", ")
  )

  const fold = (rows: Rows, entry: Entry, unfolded: Unfoldeds): void => {
    if (unfolded.has(entry.id)) return
    try {
      const row = projection.fold(rows.get(entry.id) ?? null, entry)
      rows.set(entry.id, { ...row, id: entry.id, seq: entry.seq })
    } catch (defect) {
      unfolded.set(entry.id, { id: entry.id, seq: entry.seq, defect })
    }
  }

  /** Locked, in one order for all writers, so that a rebuild and the followers take turns on a row. */
  const load = (ids: ReadonlyArray<string>) =>
    Effect.map(
      sql<{ row: ViewRow }>`
        SELECT to_jsonb(v) AS row
        FROM (SELECT ${asRow} FROM ${table} WHERE id = ANY(${text(ids)}) ORDER BY id FOR UPDATE) v`,
      (found): Rows => new Map(found.map(({ row }) => [row.id, row]))
    )

  const save = (rows: ReadonlyArray<ViewRow>, options: { readonly overwrite: boolean }) =>
    rows.length === 0
      ? Effect.void
      : sql`
          INSERT INTO ${table} AS v (${columns})
          SELECT id, seq, ${values}
          FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) AS r(id text, seq integer, ${folded})
          ORDER BY id
          ON CONFLICT (id) DO UPDATE SET ${assignments}
          ${options.overwrite ? sql.literal("") : sql.literal("WHERE v.seq < excluded.seq")}`

  /** Folds what the journal has after each row and up to (with) the given seq; a few rows of a few entities at a time. */
  const catchUp = Effect.fnUntraced(function* (rows: Rows, upTo: ReadonlyMap<string, number>, unfolded: Unfoldeds) {
    let behind = [...upTo].filter(([id, seq]) => (rows.get(id)?.seq ?? 0) < seq)
    while (behind.length > 0) {
      const some = behind.splice(0, missingEntities)
      // Not a plain join: with the limit inside, each history is looked up by its index, whatever the planner guesses.
      const page = yield* sql<Omit<Entry, "at"> & { readonly at: string | number }>`
        SELECT id, seq, events, extract(epoch FROM at) * 1000 AS at FROM ${withinBytes(
          sql,
          sql`
            SELECT w.id, j.seq, j.events, j.at, j.bytes
            FROM unnest(${text(some.map(([id]) => id))}, ${int4(some.map(([id]) => rows.get(id)?.seq ?? 0))},
              ${int4(some.map(([, seq]) => seq))}) AS w(id, after, upto)
            CROSS JOIN LATERAL (
              SELECT seq, events, at, bytes FROM journal_all
              WHERE entity_type = ${projection.entityType} AND entity_id = w.id AND seq > w.after AND seq <= w.upto
              ORDER BY seq LIMIT ${missingRows}) j`,
          "id, seq",
          missingBytes
        )} ORDER BY id, seq`
      const before = new Map(some.map(([id]) => [id, rows.get(id)?.seq ?? 0]))
      for (const entry of page) {
        const expected = (rows.get(entry.id)?.seq ?? 0) + 1
        if (entry.seq > expected && !unfolded.has(entry.id)) {
          const defect = new Error(`its history lacks seq ${expected}`)
          unfolded.set(entry.id, { id: entry.id, seq: expected, defect })
        }
        if (entry.seq !== expected) continue
        fold(rows, { ...entry, at: Math.round(Number(entry.at)) }, unfolded)
      }
      // The last one that came may have more, and those behind it had no room; of the others all is there.
      const last = page.at(-1)?.id
      const more = ([id, seq]: readonly [string, number]) => {
        const now = rows.get(id)?.seq ?? 0
        if (unfolded.has(id) || now >= seq || last === undefined) return false
        return id > last || (now > before.get(id)! && (id === last || now === before.get(id)! + missingRows))
      }
      behind = [...some.filter(more), ...behind]
    }
  })

  /** Rows as they were written last, the least used one first. Whoever else writes a row comes to the same one. */
  const kept: Rows = new Map()
  const keep = (rows: ReadonlyArray<ViewRow>) => {
    for (const row of rows) {
      kept.delete(row.id)
      kept.set(row.id, row)
    }
    for (const id of kept.keys()) {
      if (kept.size <= keptMax) break
      kept.delete(id)
    }
  }

  const foldAll = (byId: ReadonlyMap<string, ReadonlyArray<Entry>>, rows: Rows) => {
    const gaps = new Map<string, number>()
    const unfolded: Unfoldeds = new Map()
    for (const [id, own] of byId) {
      // Of what came twice the last counts: an operator has sent it again, maybe because its row was mended.
      const last = new Map(own.map((entry) => [entry.seq, entry]))
      for (const entry of [...last.values()].toSorted((a, b) => a.seq - b.seq)) {
        const expected = (rows.get(id)?.seq ?? 0) + 1
        if (entry.seq < expected) continue
        if (entry.seq > expected || entry.inJournal === true || gaps.has(id)) gaps.set(id, entry.seq)
        else fold(rows, entry, unfolded)
      }
    }
    return { gaps, unfolded }
  }

  const applyTogether = Effect.fnUntraced(function* (byId: ReadonlyMap<string, ReadonlyArray<Entry>>) {
    const known = [...byId.keys()].flatMap((id) => kept.get(id) ?? [])
    const rows: Rows = new Map(known.map((row) => [row.id, row]))
    // Of a history that is here from its beginning on no row need be read; one that is there may be newer, and stays.
    const isWhole = ([id, own]: readonly [string, ReadonlyArray<Entry>]) =>
      rows.has(id) || own.some(({ seq }) => seq === 1)
    let before = new Map(rows)
    const changedRows = () => [...rows.values()].filter((row) => before.get(row.id) !== row)
    let folded = foldAll(byId, rows)
    if ([...byId].every(isWhole) && folded.gaps.size === 0) {
      yield* save(changedRows(), { overwrite: false })
    } else {
      yield* sql.withTransaction(
        Effect.gen(function* () {
          rows.clear()
          for (const [id, row] of yield* load([...byId.keys()])) rows.set(id, row)
          before = new Map(rows)
          folded = foldAll(byId, rows)
          yield* catchUp(rows, folded.gaps, folded.unfolded)
          yield* save(changedRows(), { overwrite: false })
        })
      )
    }
    const changed = changedRows()
    keep(changed)
    return { changed, unfolded: [...folded.unfolded.values()] }
  })

  /** What the table does not take is looked for one entity after the other, so that it keeps nobody else waiting. */
  const oneByOne = <A, Id>(
    ids: ReadonlyArray<Id>,
    together: (ids: ReadonlyArray<Id>) => Effect.Effect<A, SqlError.SqlError>,
    refused: (id: Id, cause: unknown) => Effect.Effect<A, SqlError.SqlError>
  ): Effect.Effect<ReadonlyArray<A>, SqlError.SqlError> => {
    const apart = (cause: unknown) =>
      ids.length === 1
        ? Effect.map(refused(ids[0]!, cause), (done): ReadonlyArray<A> => [done])
        : Effect.map(
            Effect.forEach(ids, (id) => oneByOne([id], together, refused)),
            (all) => all.flat()
          )
    return together(ids).pipe(
      Effect.map((done): ReadonlyArray<A> => [done]),
      Effect.catchIf(blamesTheData, apart),
      Effect.catchDefect(apart)
    )
  }

  const lacking = (id: string, defect: unknown) =>
    Effect.map(load([id]), (rows): Unfolded => ({ id, seq: (rows.get(id)?.seq ?? 0) + 1, defect }))

  /**
   * Applies entries in any order, with repeats and gaps: an entry at or below its row is skipped, the ones missing before
   * it are read from the journal.
   */
  const apply = Effect.fnUntraced(function* (entries: ReadonlyArray<Entry>) {
    const byId = Map.groupBy(entries, ({ id }) => id)
    const done = yield* oneByOne(
      [...byId.keys()],
      (ids) => applyTogether(ids.length === byId.size ? byId : new Map(ids.map((id) => [id, byId.get(id)!]))),
      (id, cause) => Effect.map(lacking(id, cause), (one) => ({ changed: [], unfolded: [one] }))
    )
    return { changed: done.flatMap(({ changed }) => changed), unfolded: done.flatMap(({ unfolded }) => unfolded) }
  })

  const rebuildTogether = (ids: ReadonlyArray<string>) =>
    sql.withTransaction(
      Effect.gen(function* () {
        yield* load(ids)
        const rows: Rows = new Map()
        const unfolded: Unfoldeds = new Map()
        yield* catchUp(rows, new Map(ids.map((id) => [id, 2 ** 31 - 1])), unfolded)
        yield* save([...rows.values()], { overwrite: true })
        return [...unfolded.values()]
      })
    )
  const rebuildChunk = (ids: ReadonlyArray<string>) =>
    Effect.map(
      oneByOne(ids, rebuildTogether, (id, cause) => Effect.map(lacking(id, cause), (one) => [one])),
      (done) => done.flat()
    )

  /**
   * Makes the table anew from the journal, in place and a few entities at a time: readers see a row as it was or as it
   * is, never none, and a follower may go on beside it. Rows without a journal are deleted at the end.
   */
  const rebuild = Effect.gen(function* () {
    kept.clear()
    let after = ""
    let entities = 0
    const unfolded: Array<Unfolded> = []
    while (true) {
      const page = yield* sql<{ id: string }>`
        SELECT entity_id AS id FROM journal_all
        WHERE entity_type = ${projection.entityType} AND seq = 1 AND entity_id > ${after}
        ORDER BY entity_id LIMIT ${rebuildBatch}`
      if (page.length > 0) unfolded.push(...(yield* rebuildChunk(page.map(({ id }) => id))))
      entities += page.length
      after = page.at(-1)?.id ?? after
      if (page.length < rebuildBatch) break
    }
    yield* sql`
      DELETE FROM ${table} AS v WHERE NOT EXISTS (
        SELECT FROM journal_all WHERE entity_type = ${projection.entityType} AND entity_id = v.id AND seq = 1)`
    yield* sql`
      INSERT INTO projection (name, version) VALUES (${projection.name}, ${projection.version})
      ON CONFLICT (name) DO UPDATE SET version = excluded.version, rebuilt_at = now()`
    return { entities, unfolded }
  })

  const progress = Effect.map(
    sql<{
      version: number
      stream_seq: bigint
    }>`SELECT version, stream_seq FROM projection WHERE name = ${projection.name}`,
    ([row]) => (row === undefined ? null : { version: row.version, streamSeq: Number(row.stream_seq) })
  )
  /** Remembers up to where in the stream everything is applied: the consumer forgets it when messages are dropped. */
  const noteStreamSeq = (streamSeq: number) =>
    sql`UPDATE projection SET stream_seq = ${String(streamSeq)}::text::bigint WHERE name = ${projection.name}`

  return { apply, rebuild, progress, noteStreamSeq }
})
