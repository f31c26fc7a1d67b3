import { NodeStream } from "@effect/platform-node"
import { Price as ProductPrice, ListProduct, TaxRate, Title } from "@halles/entities/Product"
import { SkuCode, WarehouseId } from "@halles/shared/Ids"
import * as JsonText from "@halles/shared/JsonText"
import { Region } from "@halles/shared/Region"
import { parse } from "csv-parse"
import { Effect, Result, Schema, Stream } from "effect"
import { Price } from "../MoneyJson.ts"
import { faultsOf } from "../Refusals.ts"

/** What lists one product and says how much of it comes in. */
export const ImportRow = Schema.Struct({
  region: Region,
  sku: SkuCode,
  title: Title,
  description: Schema.optionalKey(ListProduct.fields.description),
  price: Price,
  /** Basis points: 2000 is 20 %. */
  taxRate: TaxRate,
  /** `<region>-main` unless it says so. */
  warehouse: Schema.optionalKey(WarehouseId),
  stock: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 })))
})
export type ImportRow = typeof ImportRow.Type

/** Why one row is not taken; the others go on. */
export interface RowFault {
  readonly code: string
  readonly detail: string
}

/** The rest of the body cannot be read; `row` is the last one that was. */
export class Unreadable extends Schema.TaggedError<Unreadable>()("Unreadable", {
  code: Schema.String,
  detail: Schema.String
}) {}

export type Row = Result.Result<ImportRow, RowFault>

export const rowBytesMax = 65_536

const decodeRow = Schema.decodeUnknownResult(ImportRow, { errors: "all", onExcessProperty: "error" })
const fault = (code: string, detail: string): Row => Result.fail({ code, detail })

const rowOf = (input: unknown): Row =>
  Result.mapError(decodeRow(input), (error) => ({
    code: "invalid_row",
    detail: faultsOf(error.issue, "Payload")
      .map(({ detail, pointer }) => `${pointer}: ${detail}`)
      .join("; ")
      .slice(0, 500)
  }))

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

const jsonRow = ({ length, parts }: Pending): ReadonlyArray<Row> => {
  if (parts === null) return [fault("row_too_large", `A row has at most ${rowBytesMax} bytes`)]
  if (length === 0) return []
  const text = Buffer.concat(parts).toString("utf8").trim()
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
const columns: ReadonlySet<string> = new Set<string>([...required, ...optional])

type Header = ReadonlyArray<string>

const headerOf = (record: Header): Effect.Effect<Header, Unreadable> => {
  const header = record.map((name) => name.trim())
  const unknown = header.find((name) => !columns.has(name))
  const missing = required.find((name) => !header.includes(name))
  if (unknown !== undefined) {
    return Effect.fail(new Unreadable({ code: "invalid_header", detail: `Unknown column: ${unknown.slice(0, 40)}` }))
  }
  return missing === undefined
    ? Effect.succeed(header)
    : Effect.fail(new Unreadable({ code: "invalid_header", detail: `Missing column: ${missing}` }))
}

/** Decimal digits as a number, anything else as it stands, for the schema to refuse. */
const whole = (text: string): unknown => (/^[0-9]{1,15}$/.test(text) ? Number(text) : text)

const csvRow = (header: Header, record: ReadonlyArray<string>): Row => {
  if (record.length !== header.length) return fault("invalid_row", `Expected ${header.length} columns`)
  const cell = Object.fromEntries(header.map((name, index) => [name, record[index] ?? ""]))
  return rowOf({
    region: cell["region"],
    sku: cell["sku"],
    title: cell["title"],
    price: { amount: cell["price"], currency: cell["currency"] },
    taxRate: whole(cell["tax_rate"] ?? ""),
    ...((cell["description"] ?? "") === "" ? {} : { description: cell["description"] }),
    ...((cell["warehouse"] ?? "") === "" ? {} : { warehouse: cell["warehouse"] }),
    ...((cell["stock"] ?? "") === "" ? {} : { stock: whole(cell["stock"] ?? "") })
  })
}

const csvFailure = (cause: unknown): Unreadable => {
  const known = cause instanceof Error && "code" in cause ? String(cause.code) : ""
  return known === "CSV_MAX_RECORD_SIZE"
    ? new Unreadable({ code: "row_too_large", detail: `A row has at most ${rowBytesMax} bytes` })
    : new Unreadable({ code: "invalid_csv", detail: `Quotes do not match (${known})` })
}

/** RFC 4180 with a header; price in minor units. A quote that never ends makes the rest unreadable. */
export const fromCsv = <E>(body: Stream.Stream<Uint8Array, E>): Stream.Stream<Row, E | Unreadable> =>
  Stream.suspend(() => {
    let header: Header | undefined
    return body.pipe(
      NodeStream.pipeThroughDuplex<ReadonlyArray<string>, Unreadable>({
        evaluate: () =>
          parse({ bom: true, relax_column_count: true, skip_empty_lines: true, max_record_size: rowBytesMax }),
        onError: csvFailure
      }),
      Stream.mapEffect((record) => {
        if (header !== undefined) return Effect.succeed([csvRow(header, record)])
        return Effect.map(headerOf(record), (names): ReadonlyArray<Row> => {
          header = names
          return []
        })
      }),
      Stream.flattenIterable
    )
  })

export const price = (row: ImportRow): typeof ProductPrice.Type => ({ ...row.price, taxRate: row.taxRate })
