import type { JsMsg } from "@nats-io/jetstream"
import { rowsOf } from "@halles/engine/journal/EventMessage"
import { type Entry, entryOf } from "@halles/engine/projections/Projection"
import { type ProductRow, ProductTable } from "@halles/entities/catalogue/ProductTable"
import type { Region } from "@halles/shared/Region"
import { Clock, Context, Effect, Latch, Layer, Metric, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { Catalogue } from "./Catalogue.ts"
import * as ProductRows from "./ProductRows.ts"
import * as ProductStream from "./ProductStream.ts"
import * as Snapshot from "./Snapshot.ts"

const retry = Schedule.spaced("500 millis")
/** The process writes its snapshot so long after a change: what the snapshot lacks is read from the stream again. */
const saveEvery = "1 second"
/** Products that the table is asked for at a time. */
const wantedMax = 500

const indexed = Metric.gauge("halles_search_products", { description: "Products that this process searches" })
const behind = Metric.gauge("halles_search_pending_messages", {
  description: "Messages of the event stream that the index does not have yet"
})

/** `null` also for what this version cannot read. */
const folded = (before: ProductRow | undefined, entry: Entry): ProductRow | null => {
  try {
    return ProductRows.after(before, entry)
  } catch {
    return null
  }
}

/** The products of a region, kept up to date from its event stream. */
export class Following extends Context.Service<
  Following,
  {
    readonly catalogue: Catalogue
    /** The last moment, in Unix milliseconds, at which all that had been published was indexed. */
    readonly asOf: () => number
  }
>()("@halles/search/Following") {
  static readonly layer = (options: { readonly region: Region; readonly file: string }) =>
    Layer.effect(Following, make(options))
}

const make = Effect.fnUntraced(function* ({ file, region }: { readonly region: Region; readonly file: string }) {
  const sql = yield* SqlClient.SqlClient
  const stream = yield* ProductStream.make(region)
  const snapshot = yield* Effect.acquireRelease(
    Effect.sync(() => Snapshot.open(file)),
    ({ close }) => Effect.sync(close)
  )
  const catalogue = new Catalogue()
  /** Up to where everything is in the catalogue, and what of it the snapshot lacks. */
  let streamSeq = 0
  const unsaved = new Map<string, ProductRow>()
  /** Products of which something came that does not follow from what is known: with the seq that the table must have. */
  const gaps = new Map<string, number>()
  let wasCurrent = 0
  let isCaughtUp = false
  /** Messages that the stream has behind the newest one that was taken. */
  let pending = 0
  const saving = Latch.makeUnsafe(false)
  const filling = Latch.makeUnsafe(false)

  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  const isCurrent = () => isCaughtUp && gaps.size === 0
  /** Says whether the catalogue has, or is about to have, all that was published. */
  const note = (isAll: boolean) => {
    if (isCurrent()) wasCurrent = now()
    isCaughtUp = isAll
  }

  const take = (row: ProductRow) => {
    if (!catalogue.put(row)) return
    unsaved.set(row.id, row)
    saving.openUnsafe()
  }

  /** Reads the whole table: for the first time, or where the stream no longer has what the snapshot lacks. */
  const readTable = Effect.gen(function* () {
    streamSeq = yield* ProductRows.appliedUpTo()
    snapshot.clear()
    gaps.clear()
    let after = ""
    while (true) {
      const rows = yield* ProductRows.page(after)
      catalogue.fill(rows)
      for (const row of rows) unsaved.set(row.id, row)
      if (ProductRows.isLast(rows)) return
      after = rows.at(-1)!.id
    }
  }).pipe(Effect.provideService(SqlClient.SqlClient, sql))

  /** Where the stream no longer has what follows the catalogue, or was made anew, the table is read. */
  const catchUp = Effect.gen(function* () {
    if (yield* stream.goesOnFrom(streamSeq)) return
    yield* readTable
    yield* catalogue.build
  })

  const begin = Effect.gen(function* () {
    const found = snapshot.load()
    if (found !== null) {
      catalogue.fill(found.rows)
      streamSeq = found.streamSeq
    }
    if (found === null || !(yield* stream.goesOnFrom(streamSeq))) yield* readTable
    yield* catalogue.build
    saving.openUnsafe()
    yield* Effect.logInfo(`${catalogue.index.size} products of ${region} are searched`)
  }).pipe(
    Effect.tapCause((cause) => Effect.logWarning(`The products of ${region} cannot be read, trying again`, cause)),
    Effect.retry(retry),
    Effect.orDie
  )

  const onMessage = (message: JsMsg) => {
    pending = message.info.pending
    note(pending === 0)
    for (const { text, type } of rowsOf(message.string())) {
      const entry = type === ProductTable.entityType ? entryOf(text) : null
      if (entry === null) continue
      const before = catalogue.rows.get(entry.id)
      if (before !== undefined && before.seq >= entry.seq) continue
      const row = gaps.has(entry.id) ? null : folded(before, entry)
      if (row !== null) take(row)
      else {
        gaps.set(entry.id, Math.max(entry.seq, gaps.get(entry.id) ?? 0))
        filling.openUnsafe()
      }
    }
    streamSeq = message.seq
    saving.openUnsafe()
  }

  const follow = Effect.gen(function* () {
    yield* catchUp
    note((yield* stream.last) <= streamSeq)
    yield* stream.deliver(streamSeq, onMessage)
  }).pipe(
    Effect.tapCause((cause) => Effect.logWarning(`Following ${region} stopped, going on`, cause)),
    Effect.ignore,
    Effect.ensuring(Effect.sync(() => note(false))),
    Effect.repeat(retry)
  )

  /** Asks the table for what did not follow from messages; it may lag behind them. */
  const fill = Effect.gen(function* () {
    yield* filling.await
    const wanted = [...gaps.keys()].slice(0, wantedMax)
    if (wanted.length === 0) {
      filling.closeUnsafe()
      return
    }
    for (const row of yield* ProductRows.some(wanted)) {
      take(row)
      if (row.seq >= gaps.get(row.id)!) gaps.delete(row.id)
    }
    if (wanted.some((id) => gaps.has(id))) yield* Effect.sleep("100 millis")
  }).pipe(Effect.provideService(SqlClient.SqlClient, sql), Effect.retry(retry), Effect.forever)

  /** What the table is to be asked for is not in the catalogue yet: the snapshot waits for it. */
  const save = Effect.sync(() => {
    if (gaps.size > 0) return
    snapshot.save([...unsaved.values()], streamSeq)
    unsaved.clear()
  })
  const keepSaved = Effect.gen(function* () {
    yield* saving.await
    yield* Effect.sleep(saveEvery)
    if (gaps.size === 0) saving.closeUnsafe()
    yield* save
    yield* Metric.update(indexed, catalogue.index.size)
    yield* Metric.update(behind, pending)
    if (catalogue.index.isStale) yield* catalogue.build
  }).pipe(
    Effect.tapCause((cause) => Effect.logWarning(`The snapshot of ${region} cannot be written`, cause)),
    Effect.catchDefect(() => Effect.void),
    Effect.forever
  )

  yield* begin
  yield* Effect.forkScoped(follow)
  yield* Effect.forkScoped(fill)
  yield* Effect.addFinalizer(() => Effect.ignoreCause(save))
  yield* Effect.forkScoped(keepSaved)
  return Following.of({ catalogue, asOf: () => (isCurrent() ? now() : wasCurrent) })
})
