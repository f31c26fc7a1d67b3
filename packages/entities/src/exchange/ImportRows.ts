import { Price as ProductPrice, ListProduct, TaxRate, Title } from "../catalogue/Product.ts"
import { SkuCode, WarehouseId } from "@halles/shared/Ids"
import * as JsonText from "@halles/shared/JsonText"
import { Region } from "@halles/shared/Region"
import { Effect, Result, Schema, Stream, Struct } from "effect"
import { Price } from "@halles/shared/wire/MoneyJson"
import { faultsOf } from "@halles/shared/wire/Faults"
import { SlugText } from "../slug/Slug.ts"
import { type Column, columnOf, read, type Said, whole } from "./Columns.ts"
import { CsvReader, type CsvRecord, type Delimiter } from "./CsvReader.ts"
import { faultOf, type RowFault } from "./RowFault.ts"
import { Unreadable } from "./Unreadable.ts"

/**
 * What changes the product beside its listing, each field as in the body of `describeProduct`: a merge patch, whose outcome is checked as a
 * whole once it is known what the product says already.
 */
const patched = Schema.optionalKey(Schema.Json)
const details = {
  productType: patched,
  model: patched,
  attributes: patched,
  gtin: patched,
  weightGrams: patched,
  dimensionsMm: patched,
  categories: patched,
  channels: patched,
  relations: patched,
  parts: patched,
  media: patched,
  translations: patched,
  slug: Schema.optionalKey(SlugText)
}
const detailNames = Struct.keys(details)

/** What lists one product, says how much of it comes in, and changes what else it says. */
export const ImportRow = Schema.Struct({
  region: Region,
  sku: SkuCode,
  title: Title,
  description: ListProduct.fields.description,
  price: Price,
  /** Basis points: 2000 is 20 %. */
  taxRate: TaxRate,
  /** `<region>-main` unless it says so. */
  warehouse: Schema.optionalKey(WarehouseId),
  stock: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))),
  ...details
})
export type ImportRow = typeof ImportRow.Type

/** A row, and the cells of attributes, which become values once it is known what the product type declares. */
export interface ReadRow extends ImportRow {
  readonly cells?: Said["cells"]
}
export type Row = Result.Result<ReadRow, RowFault>

/** Of a row with all that a product can say, in all languages. */
export const rowBytesMax = 1_048_576

const decodeRow = Schema.decodeUnknownResult(ImportRow, { errors: "all", onExcessProperty: "error" })
const fault = (code: string, detail: string): Row => Result.fail({ code, detail })

const rowOf = (input: unknown): Row =>
  Result.mapError(decodeRow(input), (error) => faultOf(faultsOf(error.issue, "Payload")))

/** The details that a row changes, without its slug and its texts in other languages; `null` where it changes nothing but the listing and the stock. */
export const patchOf = (row: ReadRow): Readonly<Record<string, unknown>> | null => {
  const patch = Struct.pick(row, detailNames)
  return Object.keys(patch).length === 0 && row.cells === undefined ? null : patch
}

/** Bytes of the line that has not ended yet; `null` once it is longer than a row may be. */
interface Pending {
  readonly parts: ReadonlyArray<Uint8Array> | null
  readonly length: number
}
const nothing: Pending = { parts: [], length: 0 }
const newline = 0x0a

const extend = ({ length, parts }: Pending, bytes: Uint8Array): Pending =>
  parts === null || length + bytes.length > rowBytesMax
    ? { parts: null, length: 0 }
    : { parts: [...parts, bytes], length: length + bytes.length }

const utf8 = new TextDecoder("utf-8", { fatal: true })
const decoded = (line: Uint8Array): string | undefined => {
  try {
    return utf8.decode(line).trim()
  } catch {
    return undefined
  }
}

const jsonRow = ({ length, parts }: Pending): ReadonlyArray<Row> => {
  if (parts === null) return [fault("row_too_large", `A row has at most ${rowBytesMax} bytes`)]
  if (length === 0) return []
  const text = decoded(Buffer.concat(parts))
  if (text === undefined) return [fault("wrong_encoding", "The row is not UTF-8")]
  if (text === "") return []
  return [
    Result.match(JsonText.parse(text), {
      onSuccess: rowOf,
      onFailure: ({ detail, pointer }) => fault("invalid_row", pointer === "" ? detail : `${detail} at ${pointer}`)
    })
  ]
}

const splitLines = (pending: Pending, chunk: Uint8Array): readonly [Pending, ReadonlyArray<Row>] => {
  const rows: Array<Row> = []
  let from = 0
  let open = pending
  for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, from)) {
    rows.push(...jsonRow(extend(open, chunk.subarray(from, end))))
    open = nothing
    from = end + 1
  }
  return [from === chunk.length ? open : extend(open, chunk.subarray(from)), rows]
}

/** One JSON object a line. A line that is none, or too long, is one faulty row. */
export const fromNdjson = <E>(body: Stream.Stream<Uint8Array, E>): Stream.Stream<Row, E> =>
  Stream.mapAccum(body, () => nothing, splitLines, { onHalt: jsonRow })

const required = ["region", "sku", "title", "price", "currency", "tax_rate"] as const
const optional = ["description", "warehouse", "stock"] as const
export const columnNames: ReadonlyArray<string> = [...required, ...optional]
const columns: ReadonlySet<string> = new Set(columnNames)

/** The names of all columns, and those that are no listing's, with their places. */
interface Header {
  readonly names: ReadonlyArray<string>
  readonly extras: ReadonlyArray<{ readonly at: number; readonly column: Column }>
}

/** How a CSV file is to be read, where its sender says more than the file does. */
export interface Layout {
  readonly delimiter?: Delimiter
  /** Names of columns in the file, in lower case, and what they are here; `-` is a column that is not looked at. */
  readonly columns?: ReadonlyMap<string, string>
}
const ignored = "-"

/** `Artikel:sku, Preis:price, Notiz:-` as a map; `null` if it is nothing like that. */
export const columnsOf = (text: string): ReadonlyMap<string, string> | null => {
  const pairs = text.split(",").map((pair) => {
    const at = pair.lastIndexOf(":")
    return [
      pair.slice(0, Math.max(at, 0)).trim().toLowerCase(),
      pair
        .slice(at + 1)
        .trim()
        .toLowerCase()
    ] as const
  })
  const isSound = pairs.every(
    ([from, to]) => from !== "" && (to === ignored || columns.has(to) || columnOf(to) !== undefined)
  )
  const map = new Map(pairs)
  return isSound && map.size === pairs.length ? map : null
}

const namedMax = 20
const named = (names: ReadonlyArray<string>): string => {
  const some = names.slice(0, namedMax).map((name) => name.slice(0, 40))
  return `${some.join(", ")}${names.length > namedMax ? ` and ${names.length - namedMax} more` : ""}`
}

/** Names of columns as they are meant; programs put a delimiter behind the last one. */
const headerOf = (cells: ReadonlyArray<string>, renamed: ReadonlyMap<string, string>): Header | Unreadable => {
  const names = cells.map((cell) => {
    const name = cell.trim().toLowerCase()
    return renamed.get(name) ?? name
  })
  const last = names.findLastIndex((name) => name !== "")
  const header = names.slice(0, last + 1)
  const extras = header.map((name) => columnOf(name))
  const unknown = header.filter((name, at) => name !== ignored && !columns.has(name) && extras[at] === undefined)
  const missing = required.filter((name) => !header.includes(name))
  const twice = header.filter((name, index) => name !== ignored && header.indexOf(name) !== index)
  const faults = [
    ...(unknown.length === 0
      ? []
      : [`Unknown columns: ${named(unknown)}. Say in \`columns\` what they are here, as Artikel:sku,Notiz:-`]),
    ...(missing.length === 0 ? [] : [`Missing columns: ${named(missing)}`]),
    ...(twice.length === 0 ? [] : [`Columns that stand twice: ${named(twice)}`])
  ]
  if (faults.length > 0) return new Unreadable({ code: "invalid_header", detail: faults.join("; ") })
  return { names: header, extras: extras.flatMap((column, at) => (column === undefined ? [] : [{ at, column }])) }
}

const digits = /^[0-9]*$/

const csvRow = ({ extras, names: header }: Header, cells: ReadonlyArray<string>): Row => {
  if (cells.length < header.length || cells.slice(header.length).some((cell) => cell.trim() !== ""))
    return fault("invalid_row", `Expected ${header.length} columns`)
  const of = (name: string): string => cells[header.indexOf(name)] ?? ""
  /** No code and no number has blanks in it. */
  const code = (name: string): string => of(name).trim()
  const odd = ["price", "tax_rate", "stock"].filter((name) => !digits.test(code(name)))
  if (odd.length > 0)
    return fault(
      "invalid_row",
      `${odd.join(", ")}: Expected digits alone; a price of 19.95 is 1995, a rate of 20 % is 2000`
    )
  const listing = {
    region: code("region"),
    sku: code("sku"),
    title: of("title"),
    price: { amount: code("price"), currency: code("currency") },
    taxRate: whole(code("tax_rate")),
    // Without the column it stays as it is, and an empty cell empties it.
    ...(header.includes("description") ? { description: of("description") } : {}),
    ...(code("warehouse") === "" ? {} : { warehouse: code("warehouse") }),
    ...(code("stock") === "" ? {} : { stock: whole(code("stock")) })
  }
  if (extras.length === 0) return rowOf(listing)
  return Result.flatMap(read(extras, cells), ({ cells, patch }) =>
    Result.map(rowOf({ ...listing, ...patch }), (row) => ({ ...row, cells }))
  )
}

const badRecords = {
  TooLong: { code: "row_too_large", detail: `A row has at most ${rowBytesMax} characters` },
  Stray: { code: "invalid_csv", detail: "Quotes do not match: within a quoted cell a quote is written twice" }
} as const

/** Records below a header. */
export const fromRecords = <E>(
  records: Stream.Stream<CsvRecord, E>,
  renamed: ReadonlyMap<string, string>
): Stream.Stream<Row, E | Unreadable> =>
  Stream.suspend(() => {
    let header: Header | undefined
    const rowsOf = (record: CsvRecord): Effect.Effect<ReadonlyArray<Row>, Unreadable> => {
      if (record._tag !== "Cells") {
        if (header !== undefined) return Effect.succeed([Result.fail(badRecords[record._tag])])
        return Effect.fail(new Unreadable({ code: "invalid_header", detail: badRecords[record._tag].detail }))
      }
      if (header !== undefined) return Effect.succeed([csvRow(header, record.cells)])
      const found = headerOf(record.cells, renamed)
      if (found instanceof Unreadable) return Effect.fail(found)
      header = found
      return Effect.succeed([])
    }
    const withoutHeader = Effect.suspend(() =>
      header === undefined
        ? Effect.fail(new Unreadable({ code: "invalid_header", detail: `Expected a header: ${required.join(",")}` }))
        : Effect.void
    )
    return records.pipe(
      Stream.mapEffect(rowsOf),
      Stream.flattenIterable,
      Stream.concat(Stream.fromEffectDrain(withoutHeader))
    )
  })

/** RFC 4180 with a header, or what spreadsheets make of it; price in minor units. */
export const fromCsv = <E>(
  text: Stream.Stream<string, E>,
  { columns: renamed = new Map(), delimiter }: Layout = {}
): Stream.Stream<Row, E | Unreadable> =>
  Stream.suspend(() => {
    const known = new Set([...columns, ...renamed.keys()])
    const reader = new CsvReader({ max: rowBytesMax, known, ...(delimiter === undefined ? {} : { delimiter }) })
    const records = Stream.mapAccum(
      text,
      () => reader,
      (reader, piece: string) => [reader, reader.push(piece)] as const,
      { onHalt: (reader) => reader.end() }
    )
    return fromRecords(records, renamed)
  })

export const price = (row: ImportRow): typeof ProductPrice.Type => ({ ...row.price, taxRate: row.taxRate })
