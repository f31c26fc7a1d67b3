import * as Table from "@halles/engine/projections/Table"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import type { Query } from "../routes/Reads.ts"
import { Description } from "./Category.ts"
import * as CategoryState from "./CategoryState.ts"

export const CategoryTable = Table.make(CategoryState, {
  name: "category",
  version: 1,
  columns: { title: Description.fields.title, description: Description, removed: Schema.Boolean },
  search: ["title"],
  fold: (row, event) => {
    switch (event._tag) {
      case "CategoryPut": {
        const { _tag, at: _at, ...description } = event
        return { title: description.title, description, removed: false }
      }
      case "CategoryRemoved":
        return row && { ...row, removed: true }
      case "CategoryMediaChanged":
        return row
    }
  }
})

/** The descriptions of those categories that exist and are not removed, by id. */
export const descriptions = (ids: ReadonlyArray<string>): Query<ReadonlyMap<string, Description>> => ({
  name: "categoryDescriptions",
  run: Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql<{ readonly id: string; readonly description: Description }>`
      SELECT id, description FROM ${sql(CategoryTable.table)} WHERE id = ANY(${[...ids]}::text[]) AND NOT removed`
    return new Map(rows.map(({ description, id }) => [id, description]))
  })
})
