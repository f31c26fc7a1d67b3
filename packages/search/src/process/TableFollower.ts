import type { JsMsg } from "@nats-io/jetstream"
import { rowsOf } from "@halles/engine/journal/EventMessage"
import { entryOf } from "@halles/engine/projections/Projection"
import type { Columns, Table } from "@halles/engine/projections/Table"
import type { Region } from "@halles/shared/Region"
import { Clock, Effect, Latch, Metric, Schedule } from "effect"
import * as EventMessages from "./EventMessages.ts"
import { Gaps } from "./Gaps.ts"
import type { Snapshot } from "./Snapshot.ts"
import * as TableRows from "./TableRows.ts"

const retry = Schedule.spaced("500 millis")
/** The process writes its snapshot so long after a change: what the snapshot lacks is read from the stream again. */
const saveEvery = "1 second"
/** Rows that the table is asked for at a time. */
const wantedMax = 500

const behind = Metric.gauge("halles_search_pending_messages", {
  description: "Messages of the event stream that this process has not read yet"
})
const stuck = Metric.gauge("halles_search_stuck_rows", {
  description: "Products or rules of which something came that the read table does not have"
})

/** What becomes of the rows of a table. */
export interface Reader<Row> {
  readonly rows: ReadonlyMap<string, Row>
  /** Takes a row that is newer than what is there; says whether it was. */
  readonly put: (row: Row) => boolean
  /** Takes many rows; `build` is to follow. */
  readonly fill: (rows: ReadonlyArray<Row>) => void
  readonly build: Effect.Effect<void>
  /** Run now and then, after changes. */
  readonly tend: Effect.Effect<void>
}

/**
 * Follows one read table of a region: begins with a snapshot, or with the table if there is none, and goes on with the event stream, folding events
 * as the table does. What does not follow from what is known it asks of the table.
 */
export const make = Effect.fnUntraced(function* <C extends Columns>(options: {
  readonly region: Region
  readonly table: Table<C>
  readonly snapshot: Snapshot
  readonly reader: Reader<TableRows.Row<C>>
}) {
  type Row = TableRows.Row<C>
  const { reader, region, table } = options
  const stream = yield* EventMessages.make(region, table.entityType)
  const source = yield* TableRows.make(table)
  const snapshot = options.snapshot.section<Row>(table.name, `${table.name} ${table.version}`)
  const what = `${table.entityType} of ${region}`
  const tagged = <Input>(gauge: Metric.Metric<Input, unknown>) =>
    Metric.withAttributes(gauge, { type: table.entityType })
  /** Up to where everything is in the reader, and what of it the snapshot lacks. */
  let streamSeq = 0
  const unsaved = new Map<string, Row>()
  const gaps = new Gaps()
  let wasCurrent = 0
  let isCaughtUp = false
  /** Messages that the stream has behind the newest one that was taken. */
  let pending = 0
  const saving = Latch.makeUnsafe(false)
  const filling = Latch.makeUnsafe(false)

  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  const isCurrent = () => isCaughtUp && !gaps.isWaiting(now())
  /** Says whether the reader has, or is about to have, all that was published. */
  const note = (isAll: boolean) => {
    if (isCurrent()) wasCurrent = now()
    isCaughtUp = isAll
  }

  const take = (row: Row) => {
    if (!reader.put(row)) return
    unsaved.set(row.id, row)
    saving.openUnsafe()
  }

  /** Reads the whole table: for the first time, or where the stream no longer has what the snapshot lacks. */
  const readTable = Effect.gen(function* () {
    streamSeq = yield* source.appliedUpTo
    snapshot.clear()
    gaps.clear()
    let after = ""
    while (true) {
      const { isLast, rows } = yield* source.page(after)
      reader.fill(rows)
      for (const row of rows) unsaved.set(row.id, row)
      if (isLast) return
      after = rows.at(-1)!.id
    }
  })

  const begin = Effect.gen(function* () {
    const found = snapshot.load()
    if (found !== null) {
      reader.fill(found.rows)
      streamSeq = found.streamSeq
      for (const [id, seq] of found.gaps) gaps.noteOld(id, seq, now())
    }
    if (found === null || !(yield* stream.goesOnFrom(streamSeq))) yield* readTable
    yield* reader.build
    saving.openUnsafe()
    filling.openUnsafe()
  }).pipe(
    Effect.tapCause((cause) => Effect.logWarning(`${what} cannot be read, trying again`, cause)),
    Effect.retry(retry),
    Effect.orDie
  )

  const onMessage = (message: JsMsg) => {
    pending = message.info.pending
    note(pending === 0)
    for (const { text, type } of rowsOf(message.string())) {
      const entry = type === table.entityType ? entryOf(text) : null
      if (entry === null) continue
      const before = reader.rows.get(entry.id)
      if (before !== undefined && before.seq >= entry.seq) continue
      const row = gaps.has(entry.id) ? null : TableRows.after(table, before, entry)
      if (row !== null) take(row)
      else {
        gaps.note(entry.id, entry.seq, now())
        filling.openUnsafe()
      }
    }
    streamSeq = message.seq
    saving.openUnsafe()
  }

  const follow = Effect.gen(function* () {
    if (!(yield* stream.goesOnFrom(streamSeq))) {
      yield* readTable
      yield* reader.build
    }
    note((yield* stream.last) <= streamSeq)
    yield* stream.deliver(streamSeq, onMessage)
  }).pipe(
    Effect.tapCause((cause) => Effect.logWarning(`Following ${what} stopped, going on`, cause)),
    Effect.ignore,
    Effect.ensuring(Effect.sync(() => note(false))),
    Effect.repeat(retry)
  )

  /** Asks the table for what did not follow from messages; it may lag behind them. */
  const fill = Effect.gen(function* () {
    const waitMs = gaps.dueInMs(now())
    yield* waitMs === null ? filling.await : Effect.raceFirst(filling.await, Effect.sleep(waitMs))
    filling.closeUnsafe()
    const wanted = gaps.due(now(), wantedMax)
    if (wanted.length === 0) return
    for (const row of yield* source.some(wanted)) {
      take(row)
      gaps.fill(row.id, row.seq)
    }
    const givenUp = gaps.givenUp(now())
    yield* Metric.update(tagged(stuck), gaps.size)
    if (givenUp.length > 0) {
      const named = givenUp.slice(0, 10).join(", ")
      yield* Effect.logWarning(
        `The read table lacks rows of ${givenUp.length} ${what}, which stay as they were: ${named}`
      )
      saving.openUnsafe()
    }
  }).pipe(Effect.retry(retry), Effect.forever)

  /** What the table is about to be asked for is not in the reader yet: the snapshot waits for it. */
  const save = Effect.sync(() => {
    if (gaps.isWaiting(now())) return
    snapshot.save([...unsaved.values()], streamSeq, gaps.entries())
    unsaved.clear()
  })
  const keepSaved = Effect.gen(function* () {
    yield* saving.await
    yield* Effect.sleep(saveEvery)
    if (!gaps.isWaiting(now())) saving.closeUnsafe()
    yield* save
    yield* Metric.update(tagged(behind), pending)
    yield* reader.tend
  }).pipe(
    Effect.tapCause((cause) => Effect.logWarning(`The snapshot of ${what} cannot be written`, cause)),
    Effect.catchDefect(() => Effect.void),
    Effect.forever
  )

  return {
    begin,
    /** Goes on until its scope ends, and saves then. */
    run: Effect.gen(function* () {
      yield* Effect.forkScoped(follow)
      yield* Effect.forkScoped(fill)
      yield* Effect.addFinalizer(() => Effect.ignoreCause(save))
      yield* Effect.forkScoped(keepSaved)
    }),
    /** The last moment, in Unix milliseconds, at which all that had been published was in the reader. */
    asOf: () => (isCurrent() ? now() : wasCurrent)
  }
})
