import type { Parts } from "@halles/entities/catalogue/Parts"
import { currency, type Row, taxRate } from "@halles/harness/Catalogue"
import { SkuCode } from "@halles/shared/Ids"
import { type Region, regions } from "@halles/shared/Region"
import { given } from "@halles/shared/wire/Stamp"

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

/** Sold beside its parts, which are the scarce ones. */
export const bundle = {
  sku: SkuCode.make("BUNDLE"),
  pence: 1_500,
  stock: 0,
  parts: [
    { sku: articles[0]!.sku, quantity: 1 },
    { sku: articles[1]!.sku, quantity: 2 }
  ]
}

/** All that carts take. */
export const sold: ReadonlyArray<Article & { readonly parts?: Parts }> = [...articles, bundle]

/** What products say of themselves; nobody changes it during a run. */
export const listing = ({ parts, pence, sku }: (typeof sold)[number]) => ({
  title: `Article ${sku}`,
  price: { amount: pence, currency, taxRate } as const,
  ...given("parts", parts)
})

/** The rows of the import that puts everything on sale. */
export const importRows: ReadonlyArray<Row> = regions.flatMap((region) =>
  sold.map((article) => ({ region, title: listing(article).title, ...article }))
)
