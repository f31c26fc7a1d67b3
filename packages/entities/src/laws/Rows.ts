import { Effect, Fiber, Result, Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type { Evolve } from "@halles/engine/eventsourced/Model"
import { withinBytes } from "@halles/engine/journal/Pages"
import type { Facts } from "./Facts.ts"
import { age, type Findings } from "./Findings.ts"

/** A row of the journal as it is stored. */
export interface Stored {
  readonly entityId: string
  readonly seq: number
  readonly commandId: string
  readonly events: unknown
  readonly shard: number
  readonly epoch: number
  /** Unix milliseconds. */
  readonly at: number
}
/** With its events read. */
export interface Row<Event> extends Stored {
  readonly events: ReadonlyArray<Event>
}

/** One history, as the laws of its type see it. */
export interface History<State, Event> {
  /** With the state before it and after it. */
  readonly event?: (event: Event, row: Row<Event>, before: State, after: State) => void
  /** After its events. */
  readonly row?: (row: Row<Event>, state: State) => void
  readonly end?: (state: State) => void
  /** Its pending step may rightly take long; asked at its end. */
  readonly isPatient?: () => boolean
}

/** Follows the histories of one entity type, one after the other. */
export interface Reader<State, Event> {
  readonly history: (id: string) => History<State, Event>
  /** There are no more histories of the type. */
  readonly finish?: () => void
}

/** What the laws of all types share while one journal is read. */
export interface LawsContext {
  readonly findings: Findings
  /** What histories of one type leave for those of another. */
  readonly facts: Facts
  /** Unix milliseconds. */
  readonly now: number
  /** What is unfinished is a violation only when nothing has moved for so long. */
  readonly graceMs: number
}
export type Laws<State, Event> = (context: LawsContext) => Reader<State, Event>

/** What is followed: events as states, and of a saga its pending steps. */
export interface Followed<State, Event> {
  readonly type: string
  readonly Event: Schema.Codec<Event, unknown>
  readonly initial: State
  readonly evolve: Evolve<State, Event>
  readonly next?: (state: State) => { readonly key: string } | null
}

/** Rows of a page, and bytes of them. */
const pageRows = 4_000
const pageBytes = 16 * 1024 ** 2

/** Takes the rows of one type in order of id and seq, and is told when there are no more. */
export interface Follower {
  readonly type: string
  readonly row: (stored: Stored) => void
  readonly end: () => void
}

/** Reads all histories of a type, a page at a time, the next page coming in while one is looked at. */
export const read = (
  sql: SqlClient.SqlClient,
  follower: Follower,
  onRows: (rows: number) => void
): Effect.Effect<void, SqlError.SqlError> =>
  Effect.gen(function* () {
    const page = (id: string, seq: number) => sql<Stored>`
      SELECT entity_id AS "entityId", seq, command_id AS "commandId", events, shard, epoch,
        round(extract(epoch FROM at) * 1000)::float8 AS at
      FROM ${withinBytes(
        sql,
        sql`
          SELECT entity_id, seq, command_id, events, meta, shard, epoch, at, bytes FROM journal_all
          WHERE entity_type = ${follower.type} AND (entity_id, seq) > (${id}, ${seq})
          ORDER BY entity_id, seq LIMIT ${pageRows}`,
        "entity_id, seq",
        pageBytes
      )} ORDER BY entity_id, seq`
    let rows = yield* page("", 0)
    while (rows.length > 0) {
      const last = rows.at(-1)!
      const next = yield* Effect.forkChild(page(last.entityId, last.seq))
      yield* Effect.yieldNow
      for (const row of rows) follower.row(row)
      onRows(rows.length)
      rows = yield* Fiber.join(next)
    }
    follower.end()
  })

/**
 * Looks after what holds for every entity: rows that can be read, seq without gaps, epochs that do not go back, and no step that
 * stays pending (I8).
 */
export const follow = <State, Event>(
  context: LawsContext,
  { Event, evolve, initial, next, type }: Followed<State, Event>,
  laws: Laws<State, Event> | null
): Follower => {
  const { findings, graceMs, now } = context
  const reader: Reader<State, Event> = laws?.(context) ?? { history: () => ({}) }
  const decode = Schema.decodeUnknownResult(Event)
  let history: History<State, Event> = {}
  let state = initial
  let lastAt = 0
  let id: string | null = null
  let seq = 0
  let epoch = 0
  let shard = 0
  const end = () => {
    if (id === null) return
    history.end?.(state)
    if (next !== undefined) {
      findings.checked("I8")
      const pendingStep = next(state)
      if (pendingStep !== null) {
        if (history.isPatient?.() === true || now - lastAt < graceMs) findings.running("I8")
        else findings.violation("I8", type, id, null, `${pendingStep.key} is pending for ${age(now - lastAt)}`)
      }
    }
    id = null
  }
  const eventsOf = (stored: Stored): ReadonlyArray<Event> => {
    const events: Array<Event> = []
    if (!Array.isArray(stored.events) || stored.events.length === 0) {
      findings.violation("I0", type, stored.entityId, stored.seq, "the row holds no list of events")
      return events
    }
    for (const one of stored.events) {
      const decoded = decode(one)
      if (Result.isSuccess(decoded)) events.push(decoded.success)
      else {
        findings.violation("I0", type, stored.entityId, stored.seq, `an event is not of its schema: ${decoded.failure}`)
      }
    }
    return events
  }
  const common = (stored: Stored) => {
    findings.checked("I0")
    findings.checked("I11")
    if (stored.seq !== seq + 1) {
      findings.violation("I11", type, stored.entityId, stored.seq, `seq ${stored.seq} follows ${seq}`)
    }
    if (seq > 0 && stored.shard !== shard) {
      const detail = `in shard ${stored.shard}, and before in ${shard}`
      findings.violation("I12", type, stored.entityId, stored.seq, detail)
    }
    if (stored.epoch < epoch) {
      const detail = `epoch ${stored.epoch} wrote after epoch ${epoch}`
      findings.violation("I12", type, stored.entityId, stored.seq, detail)
    }
  }
  const row = (stored: Stored) => {
    if (stored.entityId !== id) {
      end()
      id = stored.entityId
      seq = 0
      epoch = 0
      state = initial
      history = reader.history(id)
    }
    common(stored)
    seq = stored.seq
    epoch = stored.epoch
    shard = stored.shard
    lastAt = stored.at
    const read = { ...stored, events: eventsOf(stored) }
    for (const event of read.events) {
      const before = state
      state = evolve(state, event, stored)
      history.event?.(event, read, before, state)
    }
    history.row?.(read, state)
  }
  return {
    type,
    row,
    end: () => {
      end()
      reader.finish?.()
    }
  }
}
