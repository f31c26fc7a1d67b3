import * as Table from "@halles/engine/projections/Table"
import * as CategoryTreeState from "./CategoryTreeState.ts"

/** The whole tree of the region in one row, as the search process follows it. */
export const CategoryTreeTable = Table.make(CategoryTreeState, {
  name: "category_tree",
  version: 1,
  columns: CategoryTreeState.State.fields,
  fold: (row, event) => CategoryTreeState.evolve(row ?? CategoryTreeState.initial, event)
})
