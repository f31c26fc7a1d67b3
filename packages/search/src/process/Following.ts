import type { Columns, Table } from "@halles/engine/projections/Table"
import { ProductTable } from "@halles/entities/catalogue/ProductTable"
import { CategoryTable } from "@halles/entities/category/CategoryTable"
import { CategoryTreeTable } from "@halles/entities/category/CategoryTreeTable"
import { ProductModelTable } from "@halles/entities/productmodel/ProductModelTable"
import { ProductTypeTable } from "@halles/entities/producttype/ProductTypeTable"
import { SearchRuleTable } from "@halles/entities/searchrule/SearchRuleTable"
import { UnitCostTable } from "@halles/entities/unitcost/UnitCostTable"
import type { Region } from "@halles/shared/Region"
import { Context, Effect, Layer, Metric } from "effect"
import { RuleBook } from "../rules/RuleBook.ts"
import * as Availability from "./Availability.ts"
import { Catalogue } from "./Catalogue.ts"
import * as Restanding from "./Restanding.ts"
import * as Snapshot from "./Snapshot.ts"
import * as TableFollower from "./TableFollower.ts"
import type * as TableRows from "./TableRows.ts"

const indexed = Metric.gauge("halles_search_products", { description: "Products that this process searches" })

/** The products of a region, what they stand in, and the rules of its merchants, kept up to date from its event stream. */
export class Following extends Context.Service<
  Following,
  {
    readonly catalogue: Catalogue
    readonly rules: RuleBook
    /** The last moment, in Unix milliseconds, at which all that had been published was in them. */
    readonly asOf: () => number
  }
>()("@halles/search/Following") {
  static readonly layer = (options: { readonly region: Region; readonly file: string }) =>
    Layer.effect(Following, make(options))
}

const make = Effect.fnUntraced(function* ({ file, region }: { readonly region: Region; readonly file: string }) {
  const snapshot = yield* Effect.acquireRelease(
    Effect.sync(() => Snapshot.open(file)),
    ({ close }) => Effect.sync(close)
  )
  const catalogue = new Catalogue()
  const rules = new RuleBook()
  const restanding = yield* Restanding.make(catalogue)
  const products = yield* TableFollower.make({
    region,
    table: ProductTable,
    snapshot,
    reader: {
      rows: catalogue.rows,
      put: (row) => catalogue.put(row),
      fill: (rows) => catalogue.fill(rows),
      build: catalogue.build,
      tend: Effect.andThen(
        Effect.suspend(() => Metric.update(indexed, catalogue.index.size)),
        catalogue.tend
      )
    }
  })
  /** Of a table whose rows need no index of their own. */
  const follower = <C extends Columns>(
    table: Table<C>,
    rows: ReadonlyMap<string, TableRows.Row<C>>,
    put: (row: TableRows.Row<C>) => boolean
  ) => {
    const fill = (all: ReadonlyArray<TableRows.Row<C>>) => all.forEach(put)
    const reader = { rows, put, fill, build: Effect.void, tend: Effect.void }
    return TableFollower.make({ region, table, snapshot, reader })
  }
  const { categories, costs, models, types } = catalogue
  const others = yield* Effect.all([
    follower(SearchRuleTable, rules.rows, (row) => rules.put(row)),
    follower(UnitCostTable, costs, (row) => catalogue.putCost(row)),
    follower(ProductModelTable, models.rows, (row) => catalogue.putModel(row)),
    follower(ProductTypeTable, types.rows, (row) => restanding.note(types.put(row))),
    follower(CategoryTable, categories.rows, (row) => restanding.note(categories.put(row))),
    follower(CategoryTreeTable, categories.trees, (row) => restanding.note(categories.putTree(row)))
  ])
  const availability = yield* Availability.make(region, catalogue)

  // What is known beside the products comes before the index is made, so that it need not be changed afterwards.
  yield* Effect.all([availability.begin, ...others.map(({ begin }) => begin)], { concurrency: "unbounded" })
  yield* products.begin
  yield* Effect.logInfo(
    `${catalogue.index.size} products of ${region} are searched, with ${rules.rows.size} rules of merchants`
  )
  yield* products.run
  yield* Effect.all(others.map(({ run }) => run))
  yield* availability.run
  yield* restanding.run
  return Following.of({
    catalogue,
    rules,
    asOf: () => Math.min(products.asOf(), restanding.asOf(), ...others.map(({ asOf }) => asOf()))
  })
})
