import type { SkuCode, WarehouseId } from "@halles/shared/Ids"
import { type BadCursor, limitMax } from "@halles/shared/Page"
import type { Region } from "@halles/shared/Region"
import { Effect, Option, Schema, Stream } from "effect"
import type { SqlError } from "effect/sql"
import type { ProductView } from "../catalogue/Product.ts"
import { membersInUse, productsWithTexts } from "../catalogue/ProductTable.ts"
import { jsonOf, type Translations } from "../catalogue/Translations.ts"
import { unitsOnHand } from "../inventory/StockTable.ts"
import * as Attributes from "../producttype/Attributes.ts"
import { Reads } from "../routes/Reads.ts"
import { given } from "@halles/shared/wire/Stamp"
import { type Column, columnsFor, written } from "./Columns.ts"
import { detailsIn } from "./DetailsPatch.ts"
import { columnNames, ImportRow } from "./ImportRows.ts"
import type * as Workbook from "./Workbook.ts"

export type Form = "csv" | "ndjson"

/** A product on sale, with its texts in other languages. */
interface Item {
  readonly product: ProductView
  readonly translations: Translations
}

export const rowOf = (
  { product, translations }: Item,
  place: { readonly warehouse: WarehouseId; readonly onHand: number } | undefined
): ImportRow => {
  const { description, price, region, sku, slug, title } = product
  const { attributes, productType, ...details } = detailsIn(product)
  return {
    region,
    sku,
    title,
    description,
    price: { amount: price.amount, currency: price.currency },
    taxRate: price.taxRate,
    ...(place === undefined ? {} : { warehouse: place.warehouse, stock: place.onHand }),
    ...given("productType", productType && { code: productType.code }),
    ...details,
    ...given("attributes", attributes && Attributes.jsonOf(attributes)),
    ...(translations.length === 0 ? {} : { translations: jsonOf(translations) }),
    ...given("slug", slug)
  }
}

/** A product in several warehouses is as many rows; one that was never stocked has one row without a warehouse. */
const rowsOf = (
  items: ReadonlyArray<Item>,
  stock: ReadonlyMap<SkuCode, ReadonlyArray<{ readonly warehouse: WarehouseId; readonly onHand: number }>>
): ReadonlyArray<ImportRow> =>
  items.flatMap((item) => {
    const places = stock.get(item.product.sku) ?? []
    return places.length === 0 ? [rowOf(item, undefined)] : places.map((place) => rowOf(item, place))
  })

/** RFC 4180: what has a comma, a quote or a line break in it is quoted. */
const quoted = (cell: string | number): string => {
  const text = String(cell)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const cellsOf = (row: ImportRow, extras: ReadonlyArray<Column>): Workbook.Cells => {
  const { description = "", price, region, sku, stock, taxRate, title, warehouse } = row
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
  const listing = columnNames.map((name) => cells[name]!)
  return extras.length === 0 ? listing : [...listing, ...written(extras, row)]
}

const encode = Schema.encodeSync(Schema.fromJsonString(ImportRow))

/** What comes before the rows. `extras` are the columns beside those of a listing. */
export const headOf = (form: Form, extras: ReadonlyArray<Column>): string =>
  form === "csv" ? `${headerOf(extras).join(",")}\n` : ""
export const textOf = (form: Form, rows: ReadonlyArray<ImportRow>, extras: ReadonlyArray<Column>): string =>
  rows.map((row) => `${form === "csv" ? cellsOf(row, extras).map(quoted).join(",") : encode(row)}\n`).join("")

export const headerOf = (extras: ReadonlyArray<Column>): ReadonlyArray<string> => [
  ...columnNames,
  ...extras.map(({ name }) => name)
]

/** The rows of a workbook, its header first. */
export const sheetOf = (
  rows: ReadonlyArray<ImportRow>,
  extras: ReadonlyArray<Column>
): ReadonlyArray<Workbook.Cells> => [headerOf(extras), ...rows.map((row) => cellsOf(row, extras))]

/** The columns beside those of a listing that the products on sale in a region need. */
export const extraColumns = Effect.map(
  Reads,
  (reads) => (region: Region) => Effect.map(reads.read(region, membersInUse), columnsFor)
)

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
          const { items, next } = yield* reads.read(region, productsWithTexts.page({ region, limit: limitMax, cursor }))
          const skus = items.map(({ product }) => product.sku)
          const stock = skus.length === 0 ? new Map() : yield* reads.read(region, unitsOnHand(region, skus))
          return [
            rowsOf(items, stock),
            Option.map(Option.fromNullishOr(next), (after) => after as string | undefined)
          ] as const
        })
      )
)
