import { PgClient } from "@effect/sql-pg"
import { type Region, regionOf } from "@halles/shared/Region"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { audit, oversold, type Row, type Acknowledged, type Verdict } from "./Books.ts"

/** Entities of one statement; their histories are held against the books before the next ones are read. */
const together = 500

const histories = Effect.fnUntraced(function* (type: string, ids: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql<Row>`
    SELECT entity_type AS type, entity_id AS id, command_id AS "commandId", events FROM journal_all
    WHERE entity_type = ${type} AND entity_id = ANY(${[...ids]}) ORDER BY entity_id, seq`
})

/** Holds everything that was told against the journals, region by region; `urls` has one database a region. */
export const verdict = Effect.fn("Histories.verdict")(function* (options: {
  readonly acknowledged: ReadonlyArray<Acknowledged>
  readonly urls: Readonly<Record<Region, string>>
  readonly stockOf: (sku: string) => number
}) {
  const { stockOf, acknowledged, urls } = options
  const lost: Array<string> = []
  const duplicated: Array<string> = []
  for (const [region, ofRegion] of Map.groupBy(acknowledged, ({ id }) => regionOf(id))) {
    const read = Effect.gen(function* () {
      for (const [type, ofType] of Map.groupBy(ofRegion, (one) => one.type)) {
        const ofEntity = [...Map.groupBy(ofType, ({ id }) => id)]
        for (let first = 0; first < ofEntity.length; first += together) {
          const some = ofEntity.slice(first, first + together)
          const rows = yield* histories(
            type,
            some.map(([id]) => id)
          )
          const found = audit(
            some.flatMap(([, about]) => about),
            rows
          )
          lost.push(...found.lost)
          duplicated.push(...found.duplicated)
        }
      }
    })
    const database = PgClient.layer({
      url: Redacted.make(urls[region]),
      applicationName: "halles:load:books",
      maxConnections: 1
    })
    yield* Effect.provide(read, database)
  }
  const result: Verdict = {
    lost,
    duplicated,
    oversold: oversold(acknowledged, stockOf),
    acknowledged: acknowledged.length
  }
  return result
})
