import * as Chance from "@halles/harness/Chance"
import { BasketModel } from "@halles/search/recommend/BasketModel"
import { learn } from "@halles/search/recommend/Lessons"
import { parse } from "csv-parse/sync"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { textOf } from "./Judgements.ts"

/** What is bought from this month on is foretold from what was bought before. */
const testFrom = "2011-08"
/** Fewer say too little of what else is in a basket. */
const itemsMin = 3

interface Line {
  readonly InvoiceNo: string
  readonly StockCode: string
  readonly Quantity: string
  readonly InvoiceDate: string
  readonly UnitPrice: string
}

/** Goods have codes of five digits; cancellations, fees and what was given away are no baskets. */
const isSale = ({ InvoiceNo, Quantity, StockCode, UnitPrice }: Line): boolean =>
  !InvoiceNo.startsWith("C") && Number(Quantity) > 0 && Number(UnitPrice) > 0 && /^\d{5}/.test(StockCode)

/** Invoices of a directory of months, as sets of items. */
const baskets = (directory: string): { readonly train: Baskets; readonly test: Baskets } => {
  const byInvoice = new Map<string, { readonly month: string; readonly items: Set<string> }>()
  for (const file of readdirSync(directory).toSorted()) {
    if (!/\.csv(\.gz)?$/.test(file)) continue
    for (const line of parse<Line>(textOf(join(directory, file)), { columns: true })) {
      if (!isSale(line)) continue
      const basket = byInvoice.get(line.InvoiceNo) ?? { month: line.InvoiceDate.slice(0, 7), items: new Set<string>() }
      basket.items.add(line.StockCode)
      byInvoice.set(line.InvoiceNo, basket)
    }
  }
  const all = [...byInvoice.values()]
  const itemsOf = (some: typeof all) => some.map(({ items }) => [...items])
  return {
    train: itemsOf(all.filter(({ month }) => month < testFrom)),
    test: itemsOf(all.filter(({ items, month }) => month >= testFrom && items.size >= itemsMin))
  }
}

type Baskets = ReadonlyArray<ReadonlyArray<string>>

/** Of how many baskets an item that was hidden is among the ten that go with the others. */
const hitRate = (test: Baskets, recommend: (rest: ReadonlyArray<string>) => ReadonlyArray<string>): number => {
  let hits = 0
  const { pick } = Chance.make("baskets")
  for (const basket of test) {
    const hidden = pick(basket)
    if (recommend(basket.filter((item) => item !== hidden)).includes(hidden)) hits += 1
  }
  return hits / test.length
}

const popular = (model: BasketModel, rest: ReadonlyArray<string>): ReadonlyArray<string> =>
  model.popular
    .slice(0, 10 + rest.length)
    .map(([item]) => item)
    .filter((item) => !rest.includes(item))
    .slice(0, 10)

export const measure = (directory: string) => {
  const { test, train } = baskets(directory)
  const from = performance.now()
  const model = new BasketModel(learn(train))
  const learnMs = performance.now() - from
  return {
    baskets: test.length,
    learnMs,
    hr10: hitRate(test, (rest) => model.for(rest, 10).map(({ item }) => item)),
    popularity: hitRate(test, (rest) => popular(model, rest))
  }
}
