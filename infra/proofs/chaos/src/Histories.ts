import { PgClient } from "@effect/sql-pg"
import { type Region, regions } from "@halles/shared/Region"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { keyOf } from "./Call.ts"

/** One row of the journal. */
export interface Row {
  readonly type: string
  readonly id: string
  readonly seq: number
  readonly commandId: string
  readonly events: ReadonlyArray<{ readonly _tag: string }>
  readonly epoch: number
  /** Unix milliseconds. */
  readonly at: number
}

/** The journal of every region, by entity, in the order of seq. */
export type Histories = ReadonlyMap<string, ReadonlyArray<Row>>

const ofRegion = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  return yield* sql<Row>`
    SELECT entity_type AS type, entity_id AS id, seq, command_id AS "commandId", events, epoch,
      round(extract(epoch FROM at) * 1000)::float8 AS at
    FROM journal_all ORDER BY entity_type, entity_id, seq`
})

/** Reads all of it; `urls` has one database a region. */
export const read = Effect.fn("Histories.read")(function* (urls: Readonly<Record<Region, string>>) {
  const rows = yield* Effect.forEach(regions, (region) =>
    ofRegion.pipe(
      Effect.provide(
        PgClient.layer({ url: Redacted.make(urls[region]), maxConnections: 1, applicationName: "halles:chaos" })
      )
    )
  )
  const histories: Histories = Map.groupBy(rows.flat(), keyOf)
  return histories
})
