import type { SkuCode, WarehouseId } from "@halles/shared/Ids"
import { limitMax } from "@halles/shared/Page"
import type { Region } from "@halles/shared/Region"
import { Effect, Option, Schema, Stream } from "effect"
import type { ProductView } from "../catalogue/Product.ts"
import { products } from "../catalogue/ProductTable.ts"
import { unitsOnHand } from "../inventory/StockTable.ts"
import { Reads } from "../Reads.ts"
import { columnNames, ImportRow } from "./ImportRows.ts"

export type Form = "csv" | "ndjson"

const rowOf = (
  { description, price, region, sku, title }: ProductView,
  place: { readonly warehouse: WarehouseId; readonly onHand: number } | undefined
): ImportRow => ({
  region,
  sku,
  title,
  ...(description === "" ? {} : { description }),
  price: { amount: price.amount, currency: price.currency },
  taxRate: price.taxRate,
  ...(place === undefined ? {} : { warehouse: place.warehouse, stock: place.onHand })
})

/** A product in several warehouses is as many rows; one that was never stocked has one row without a warehouse. */
const rowsOf = (
  items: ReadonlyArray<ProductView>,
  stock: ReadonlyMap<SkuCode, ReadonlyArray<{ readonly warehouse: WarehouseId; readonly onHand: number }>>
): ReadonlyArray<ImportRow> =>
  items.flatMap((item) => {
    const places = stock.get(item.sku) ?? []
    return places.length === 0 ? [rowOf(item, undefined)] : places.map((place) => rowOf(item, place))
  })

/** RFC 4180: what has a comma, a quote or a line break in it is quoted. */
const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

const csvOf = ({ description = "", price, region, sku, stock, taxRate, title, warehouse }: ImportRow): string => {
  const cells: Record<string, string> = {
    region,
    sku,
    title,
    description,
    price: String(price.amount),
    currency: price.currency,
    tax_rate: String(taxRate),
    warehouse: warehouse ?? "",
    stock: stock === undefined ? "" : String(stock)
  }
  return columnNames.map((name) => cell(cells[name]!)).join(",")
}

const jsonOf = Schema.encodeSync(Schema.fromJsonString(ImportRow))

/** What comes before the rows. */
export const headOf = (form: Form): string => (form === "csv" ? `${columnNames.join(",")}\n` : "")
export const textOf = (form: Form, rows: ReadonlyArray<ImportRow>): string =>
  rows.map((row) => `${form === "csv" ? csvOf(row) : jsonOf(row)}\n`).join("")

/**
 * What a region sells, in the order of its codes, as rows that an import takes: with `stock=set` it makes of them what they say. It is
 * read from the read tables, a page at a time, so it holds no more than a page, and may miss what was changed in the last moment.
 */
export const CatalogExport = Effect.map(
  Reads,
  (reads) =>
    (region: Region, form: Form): Stream.Stream<Uint8Array, unknown> => {
      const page = Effect.fnUntraced(function* (cursor: string | undefined) {
        const { items, next } = yield* reads.read(region, products.page({ region, limit: limitMax, cursor }))
        const skus = items.map(({ sku }) => sku)
        const stock = skus.length === 0 ? new Map() : yield* reads.read(region, unitsOnHand(region, skus))
        return [[textOf(form, rowsOf(items, stock))], Option.fromNullishOr(next ?? undefined)] as const
      })
      const rows = Stream.paginate<string | undefined, string, unknown, never>(undefined, page)
      return Stream.encodeText(Stream.concat(Stream.succeed(headOf(form)), rows))
    }
)
