import { PgClient } from "@effect/sql-pg"
import * as Environment from "@halles/infra/Environment"
import { type Region, regionOf, regions } from "@halles/shared/Region"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { type Acknowledged, type Audit, audit, type Row } from "./Books.ts"

/** The database of a region, as a login that only reads. */
export const database = (parts: Environment.Parts, region: Region) =>
  PgClient.layer({
    url: Redacted.make(Environment.databaseUrl(parts, "halles_auditor", region)),
    applicationName: "halles:proof",
    maxConnections: 1
  })

/** Rows of all entities, or of some of one type, in the order of seq. */
const rowsOf = Effect.fnUntraced(function* (some?: { readonly type: string; readonly ids: ReadonlyArray<string> }) {
  const sql = yield* SqlClient.SqlClient
  const these = some === undefined ? sql`TRUE` : sql`entity_type = ${some.type} AND entity_id = ANY(${[...some.ids]})`
  return yield* sql<Row>`
    SELECT entity_type AS type, entity_id AS id, seq, command_id AS "commandId", events, epoch,
      round(extract(epoch FROM at) * 1000)::float8 AS at
    FROM journal_all WHERE ${these} ORDER BY entity_type, entity_id, seq`
})

/** The journals of all regions. */
export const read = Effect.fn("Journals.read")(function* (parts: Environment.Parts) {
  const rows = yield* Effect.forEach(regions, (region) => Effect.provide(rowsOf(), database(parts, region)))
  return rows.flat()
})

/** Entities whose histories are in memory at a time. */
const together = 500

/** Compares what was acknowledged with the journals of the entities concerned; each line was put with a quantity of its own. */
export const reconcile = Effect.fn("Journals.reconcile")(function* (
  parts: Environment.Parts,
  acknowledged: ReadonlyArray<Acknowledged>
) {
  const found: Array<Audit> = []
  for (const [region, ofRegion] of Map.groupBy(acknowledged, ({ id }) => regionOf(id))) {
    yield* Effect.gen(function* () {
      for (const [type, ofType] of Map.groupBy(ofRegion, (one) => one.type)) {
        const ofEntity = [...Map.groupBy(ofType, ({ id }) => id)]
        for (let first = 0; first < ofEntity.length; first += together) {
          const some = ofEntity.slice(first, first + together)
          const rows = yield* rowsOf({ type, ids: some.map(([id]) => id) })
          found.push(
            audit(
              some.flatMap(([, about]) => about),
              rows,
              { uniqueLines: true }
            )
          )
        }
      }
    }).pipe(Effect.provide(database(parts, region)))
  }
  const audited: Audit = {
    lost: found.flatMap(({ lost }) => lost),
    duplicated: found.flatMap(({ duplicated }) => duplicated)
  }
  return audited
})
