import type { SkuCode, WarehouseId } from "@halles/shared/Ids"
import { type BadCursor, limitMax } from "@halles/shared/Page"
import type { Region } from "@halles/shared/Region"
import { Effect, Option, Schema, Stream } from "effect"
import type { SqlError } from "effect/sql"
import type { ProductView } from "../catalogue/Product.ts"
import { products } from "../catalogue/ProductTable.ts"
import { unitsOnHand } from "../inventory/StockTable.ts"
import { Reads } from "../Reads.ts"
import { columnNames, ImportRow } from "./ImportRows.ts"
import type * as Workbook from "./Workbook.ts"

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
const quoted = (cell: string | number): string => {
  const text = String(cell)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const cellsOf = ({
  description = "",
  price,
  region,
  sku,
  stock,
  taxRate,
  title,
  warehouse
}: ImportRow): Workbook.Cells => {
  const cells: Record<string, string | number> = {
    region,
    sku,
    title,
    description,
    price: price.amount,
    currency: price.currency,
    tax_rate: taxRate,
    warehouse: warehouse ?? "",
    stock: stock ?? ""
  }
  return columnNames.map((name) => cells[name]!)
}

const jsonOf = Schema.encodeSync(Schema.fromJsonString(ImportRow))

/** What comes before the rows. */
export const headOf = (form: Form): string => (form === "csv" ? `${columnNames.join(",")}\n` : "")
export const textOf = (form: Form, rows: ReadonlyArray<ImportRow>): string =>
  rows.map((row) => `${form === "csv" ? cellsOf(row).map(quoted).join(",") : jsonOf(row)}\n`).join("")

/** The rows of a workbook, its header first. */
export const sheetOf = (rows: ReadonlyArray<ImportRow>): ReadonlyArray<Workbook.Cells> => [
  columnNames,
  ...rows.map(cellsOf)
]

/**
 * What a region sells, in the order of its codes, as rows that an import takes: with `stock=set` it makes of them what they say. It is
 * read from the read tables, a page at a time, so it holds no more than a page, and may miss what was changed in the last moment.
 */
export const CatalogExport = Effect.map(
  Reads,
  (reads) =>
    (region: Region): Stream.Stream<ImportRow, SqlError.SqlError | BadCursor> =>
      Stream.paginate(
        undefined as string | undefined,
        Effect.fnUntraced(function* (cursor) {
          const { items, next } = yield* reads.read(region, products.page({ region, limit: limitMax, cursor }))
          const skus = items.map(({ sku }) => sku)
          const stock = skus.length === 0 ? new Map() : yield* reads.read(region, unitsOnHand(region, skus))
          return [
            rowsOf(items, stock),
            Option.map(Option.fromNullishOr(next), (after) => after as string | undefined)
          ] as const
        })
      )
)
