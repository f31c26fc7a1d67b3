import { assert, it } from "@effect/vitest"
import type { Commanded } from "@halles/engine/eventsourced/Kind"
import { ProductTable } from "@halles/entities/catalogue/ProductTable"
import { product } from "@halles/entities/catalogue/ProductDomain"
import { histories } from "@halles/entities/laws/RandomCommands"
import { SkuCode } from "@halles/shared/Ids"
import { Search, type SearchAnswer } from "@halles/search/contract/SearchMessages"
import * as Answers from "@halles/search/process/Answers"
import { Catalogue } from "@halles/search/process/Catalogue"
import * as TableRows from "@halles/search/process/TableRows"
import { BasketModel } from "@halles/search/recommend/BasketModel"
import { learn } from "@halles/search/recommend/Lessons"
import { RuleBook } from "@halles/search/rules/RuleBook"
import { Arbitrary } from "effect"
import { ruleRow } from "./Sample.ts"

const none = { current: () => ({ model: new BasketModel(learn([])), madeAt: 0 }) }
const uncounted = { asked: () => {}, clicked: () => true }

/** Pins the product to whatever is asked. */
const rules = new RuleBook()
rules.put(ruleRow("pin", { effect: { kind: "pins", queries: [], skus: [SkuCode.make("A")] } }))

const all = new Search({
  region: "eu",
  text: "",
  language: "en",
  filters: [],
  priceFrom: null,
  priceTo: null,
  facets: [],
  sort: "relevance",
  offset: 0,
  limit: 10
})

/** The edge names the SKU by the path, as it does the entity. */
const addressed = (command: Commanded): Commanded =>
  "sku" in command ? Object.assign({}, command, { sku: SkuCode.make("A") }) : command
const commands = Arbitrary.all([histories(product.contract)({ minLength: 1, maxLength: 20 }, (index) => `c${index}`)])

it.prop(
  "what search shows is what the product says at that version, and nothing while it is off sale",
  [commands],
  ([[history]]) => {
    const catalogue = new Catalogue()
    const answerTo = Answers.make("eu", { catalogue, rules, asOf: () => 0 }, none, uncounted, () => 1_000)
    let now = product.begin("eu_A")
    for (const [index, command] of history.entries()) {
      const { events } = now.would(addressed(command), 1_000 + index)
      if (events === null || events.length === 0) continue
      const before = catalogue.rows.get("eu_A")
      now = now.after(events)
      const entry = { id: "eu_A", seq: now.seq, at: 1_000 + index, events }
      const row = TableRows.after(ProductTable, before, entry)
      assert.isNotNull(row)
      assert.isTrue(catalogue.put(row!))
      // Again, and what is older, it changes nothing.
      assert.isFalse(catalogue.put(row!))
      if (before !== undefined) assert.isFalse(catalogue.put(before))
      assert.isNull(TableRows.after(ProductTable, row!, { ...entry, seq: now.seq + 2 }))

      const { hits, total } = answerTo(all) as SearchAnswer
      const view = now.view as { readonly listed: boolean; readonly seq: number }
      assert.deepStrictEqual([total, hits.length], view.listed ? [1, 1] : [0, 0])
      for (const hit of hits) {
        assert.deepStrictEqual(JSON.parse(JSON.stringify(hit.product)), JSON.parse(JSON.stringify(view)))
        assert.isTrue(hit.isPinned)
      }
    }
  }
)
