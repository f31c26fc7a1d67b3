import { currency, type Row, taxRate } from "@halles/harness/Catalogue"
import { SkuCode } from "@halles/shared/Ids"
import { type Region, regions } from "@halles/shared/Region"

/** A product on sale in every region, and its first stock there. */
export interface Article {
  readonly sku: SkuCode
  readonly pence: number
  readonly stock: number
}

export const warehouse = (region: Region): string => `${region}-main`

/** Few, so that calls collide; the first ones are scarce, so that they sell out. */
export const articles: ReadonlyArray<Article> = [15, 40, 2_000, 2_000, 2_000, 2_000].map((stock, index) => ({
  sku: SkuCode.make(`ART${index}`),
  pence: 500 + 125 * index,
  stock
}))

/** What products say of themselves; nobody changes it during a run. */
export const listing = ({ pence, sku }: Article) => ({
  title: `Article ${sku}`,
  price: { amount: pence, currency, taxRate } as const
})

/** The rows of the import that puts everything on sale. */
export const importRows: ReadonlyArray<Row> = regions.flatMap((region) =>
  articles.map((article) => ({ region, title: listing(article).title, ...article }))
)
