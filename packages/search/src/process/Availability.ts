import { StockTable } from "@halles/entities/inventory/StockTable"
import type { Region } from "@halles/shared/Region"
import { Clock, Effect, Latch, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import type { Catalogue } from "./Catalogue.ts"
import * as EventMessages from "./EventMessages.ts"
import * as TableRows from "./TableRows.ts"

/** Stock changes with every order: it is looked at so long after a change, and then of all that has changed. */
const every = "2 seconds"
/** Clocks of runners may differ so much, and the read table be behind by so much, that a change is not overlooked. */
const overlapMs = 60_000
/** After so long the whole table is read again, as at the start. */
const wholeEveryMs = 600_000
const pageMax = 5_000
const retry = Schedule.spaced("500 millis")

/**
 * Tells a catalogue which SKUs can be ordered, from the read table of stock. Of the event stream it hears only that something has changed, and
 * nothing while nothing does. A product that may be ordered beyond what there is counts as available, a bundle where each of its parts suffices for one.
 */
export const make = Effect.fnUntraced(function* (region: Region, catalogue: Catalogue) {
  const sql = yield* SqlClient.SqlClient
  const stream = yield* EventMessages.make(region, StockTable.entityType)
  const changed = Latch.makeUnsafe(false)
  const { appliedUpTo } = yield* TableRows.make(StockTable)
  /** The newest message of the stream that tells of stock. */
  let newest = 0
  let wholeAt = 0
  let readAt = 0

  const read = Effect.fnUntraced(function* (since: number) {
    let after = ""
    while (true) {
      const rows = yield* sql<{ id: string; units: number }>`
        SELECT id, CASE WHEN back_order_allowed THEN 'Infinity' ELSE available::float8 END AS units FROM ${sql(StockTable.table)}
        WHERE id > ${after} AND updated_at >= to_timestamp(${String(since)}::text::float8 / 1000)
        ORDER BY id LIMIT ${pageMax}`
      catalogue.noteUnits(rows.map(({ id, units }) => [id, units] as const))
      if (rows.length < pageMax) return
      after = rows.at(-1)!.id
    }
  })

  const look = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const isWhole = now - wholeAt >= wholeEveryMs
    const applied = yield* appliedUpTo
    yield* read(isWhole ? 0 : readAt - overlapMs)
    readAt = now
    // The table follows the stream by a moment.
    if (applied < newest) changed.openUnsafe()
    if (isWhole) wholeAt = now
  })

  /** What has changed while nobody listened is looked for once somebody does. */
  const follow = stream
    .news(
      ({ seq }) => {
        newest = seq
        changed.openUnsafe()
      },
      Effect.sync(() => {
        wholeAt = 0
        changed.openUnsafe()
      })
    )
    .pipe(
      Effect.tapCause((cause) => Effect.logWarning(`Following the stock of ${region} stopped, going on`, cause)),
      Effect.ignore,
      Effect.repeat(retry)
    )

  const keepLooking = Effect.gen(function* () {
    yield* changed.await
    yield* Effect.sleep(every)
    changed.closeUnsafe()
    yield* look
  }).pipe(
    Effect.tapCause((cause) => Effect.logWarning(`The stock of ${region} cannot be read, trying again`, cause)),
    Effect.tapCause(() => Effect.sync(() => changed.openUnsafe())),
    Effect.ignore,
    Effect.forever
  )

  return {
    /** Products are searched as well without it. */
    begin: Effect.ignore(look),
    run: Effect.gen(function* () {
      yield* Effect.forkScoped(follow)
      yield* Effect.forkScoped(keepLooking)
    })
  }
})
