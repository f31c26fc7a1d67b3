import * as Table from "@halles/engine/projections/Table"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import type { Query } from "../routes/Reads.ts"
import * as TableList from "../routes/TableList.ts"
import { Description, Kind, rulesMax, SearchRuleCode, searchRuleId, SearchRuleView } from "./SearchRule.ts"
import * as SearchRuleState from "./SearchRuleState.ts"

const columns = {
  title: Description.fields.title,
  kind: Kind,
  description: Description,
  removed: Schema.Boolean
}
export type SearchRuleRow = Table.RowOf<typeof columns> & { readonly id: string; readonly seq: number }

export const SearchRuleTable = Table.make(SearchRuleState, {
  name: "search_rule",
  version: 1,
  columns,
  search: ["title"],
  fold: (row, event) => {
    switch (event._tag) {
      case "SearchRulePut": {
        const { _tag, at: _at, ...description } = event
        return { title: description.title, kind: description.effect.kind, description, removed: false }
      }
      case "SearchRuleRemoved":
        return row && { ...row, removed: true }
    }
  }
})

/** The rules of a region that are not removed, by code; of one kind where it is named. */
export const searchRules = TableList.make(SearchRuleTable, {
  name: "searchRules",
  by: ["id"],
  where: (sql, { kind }: { readonly kind?: typeof Kind.Type | undefined }) =>
    kind === undefined ? sql`NOT removed` : sql`NOT removed AND kind = ${kind}`,
  item: ({ description, id, removed, seq }, { region }) =>
    new SearchRuleView(
      { ...description, region, code: SearchRuleCode.make(id.slice(3)), removed, seq },
      { disableChecks: true }
    ),
  key: ({ code, region }) => [searchRuleId(region, code)]
})

/**
 * Whether the region has the rule, or room for it. The table follows the journal by a moment: of rules that are put at once, a few too
 * many may pass.
 */
export const hasRoomFor = (id: string): Query<boolean> => ({
  name: "searchRuleRoom",
  run: Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rules = sql`FROM ${sql(SearchRuleTable.table)} WHERE NOT removed`
    const [row] = yield* sql<{ room: boolean }>`
      SELECT EXISTS (SELECT ${rules} AND id = ${id})
        OR (SELECT count(*) FROM (SELECT ${rules} LIMIT ${rulesMax}) r) < ${rulesMax} AS room`
    return row?.room === true
  })
})
