import { ProductTable } from "@halles/entities/catalogue/ProductTable"
import { SearchRuleTable } from "@halles/entities/searchrule/SearchRuleTable"
import { UnitCostTable } from "@halles/entities/unitcost/UnitCostTable"
import type { Region } from "@halles/shared/Region"
import { Context, Effect, Layer, Metric } from "effect"
import { RuleBook } from "../rules/RuleBook.ts"
import * as Availability from "./Availability.ts"
import { Catalogue } from "./Catalogue.ts"
import * as Snapshot from "./Snapshot.ts"
import * as TableFollower from "./TableFollower.ts"

const indexed = Metric.gauge("halles_search_products", { description: "Products that this process searches" })

/** The products of a region and the rules of its merchants, kept up to date from its event stream. */
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
  const ruled = yield* TableFollower.make({
    region,
    table: SearchRuleTable,
    snapshot,
    reader: {
      rows: rules.rows,
      put: (row) => rules.put(row),
      fill: (rows) => {
        for (const row of rows) rules.put(row)
      },
      build: Effect.void,
      tend: Effect.void
    }
  })
  const costs = yield* TableFollower.make({
    region,
    table: UnitCostTable,
    snapshot,
    reader: {
      rows: catalogue.costs,
      put: (row) => catalogue.putCost(row),
      fill: (rows) => {
        for (const row of rows) catalogue.putCost(row)
      },
      build: Effect.void,
      tend: Effect.void
    }
  })
  const availability = yield* Availability.make(region, catalogue)

  // What is known of the goods comes before the index is made, so that it need not be changed afterwards.
  yield* Effect.all([availability.begin, costs.begin, ruled.begin], { concurrency: "unbounded" })
  yield* products.begin
  yield* Effect.logInfo(
    `${catalogue.index.size} products of ${region} are searched, with ${rules.rows.size} rules of merchants`
  )
  yield* products.run
  yield* ruled.run
  yield* costs.run
  yield* availability.run
  return Following.of({ catalogue, rules, asOf: () => Math.min(products.asOf(), ruled.asOf(), costs.asOf()) })
})
