import { PgClient } from "@effect/sql-pg"
import * as Environment from "@halles/infra/Environment"
import { type Region, regionOf, regions } from "@halles/shared/Region"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { type Audit, audit, type Row, type Acknowledged } from "./Books.ts"

/** The database of a region, as who proves something of the histories reads it. */
const database = (parts: Environment.Parts, region: Region) =>
  PgClient.layer({
    url: Redacted.make(Environment.databaseUrl(parts, "halles_auditor", region)),
    applicationName: "halles:proof:journals",
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

/** Entities of one statement; their histories are held against the books before the next ones are read. */
const together = 500

/** Holds what was told against the journals of the entities that it is about; each line was put with a quantity of its own. */
export const held = Effect.fn("Journals.held")(function* (
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
