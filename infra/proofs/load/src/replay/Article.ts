import type { Region } from "@halles/shared/Region"
import type { Row } from "./Row.ts"
import type { Sale } from "./Sale.ts"

/** A SKU that a region sells: its row of the catalogue, and the stock that its sales need. */
export interface Article {
  readonly region: Region
  readonly sku: string
  readonly title: string
  readonly pence: number
  readonly stock: number
}

export const key = (region: Region, sku: string): string => `${region}_${sku}`

/** Counts values and names the most usual one; of equals, the first seen. */
const tally = <A>(): { readonly add: (value: A) => void; readonly mostUsual: () => A | undefined } => {
  const counts = new Map<A, number>()
  return {
    add: (value) => void counts.set(value, (counts.get(value) ?? 0) + 1),
    mostUsual: () =>
      [...counts].reduce<readonly [A | undefined, number]>(
        (best, each) => (each[1] > best[1] ? each : best),
        [undefined, 0]
      )[0]
  }
}

const titleMax = 200

/** One article a region and SKU sold there, in order of first sale; `sold` are the rows that became lines of the sales. */
export const make = (sales: ReadonlyArray<Sale>, sold: ReadonlyArray<Row>): ReadonlyArray<Article> => {
  const titles = new Map<string, ReturnType<typeof tally<string>>>()
  for (const row of sold) {
    const titlesOf = titles.get(row.code) ?? tally<string>()
    if (row.description !== "") titlesOf.add(row.description)
    titles.set(row.code, titlesOf)
  }
  const articles = new Map<
    string,
    { readonly region: Region; readonly sku: string; stock: number; readonly prices: ReturnType<typeof tally<number>> }
  >()
  for (const sale of sales) {
    for (const line of sale.lines) {
      const id = key(sale.region, line.sku)
      const article = articles.get(id) ?? { region: sale.region, sku: line.sku, stock: 0, prices: tally<number>() }
      article.stock += line.quantity
      if (line.pence > 0) article.prices.add(line.pence)
      articles.set(id, article)
    }
  }
  return [...articles.values()].map(({ region, sku, stock, prices }) => ({
    region,
    sku,
    title: (titles.get(sku)?.mostUsual() ?? sku).slice(0, titleMax),
    pence: prices.mostUsual() ?? 0,
    stock
  }))
}
