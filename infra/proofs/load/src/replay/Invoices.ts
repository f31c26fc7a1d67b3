import { parse } from "csv-parse"
import { Effect, Result, Schema } from "effect"
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { pipeline } from "node:stream/promises"
import { createGunzip } from "node:zlib"
import * as Row from "./Row.ts"

/** What a file holds: its rows, those that cannot be read, and the hash that names its content. */
export interface Invoices {
  readonly rows: ReadonlyArray<Row.Row>
  readonly malformed: ReadonlyArray<Row.Malformed>
  /** SHA-256 of the compressed bytes, in hex. */
  readonly sha256: string
}

/** The file is not there, is not gzip, is not CSV, or lacks a column. */
export class UnreadableFile extends Schema.TaggedError<UnreadableFile>()("UnreadableFile", {
  file: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `${this.file} cannot be read as .csv.gz: ${this.cause instanceof Error ? this.cause.message : String(this.cause)}`
  }
}

/** A file of more rows than this is refused: the plan is kept in memory, at about a kilobyte a row. */
const rowsMax = 2_000_000

const cellsOf = (
  header: ReadonlyArray<string>
): ((record: ReadonlyArray<string>) => (column: Row.Column) => string) => {
  const missing = Row.columns.filter((column) => !header.includes(column))
  if (missing.length > 0) throw new Error(`the header lacks ${missing.join(", ")}`)
  const at = new Map(Row.columns.map((column) => [column, header.indexOf(column)]))
  return (record) => (column) => record[at.get(column) ?? -1] ?? ""
}

const readAll = async (file: string): Promise<Invoices> => {
  const hash = createHash("sha256")
  const rows: Array<Row.Row> = []
  const malformed: Array<Row.Malformed> = []
  let header: ReadonlyArray<string> | undefined
  let cells: ReturnType<typeof cellsOf> | undefined
  let number = 0
  const next = (): number => {
    number += 1
    if (number > rowsMax) throw new Error(`more than ${rowsMax} rows`)
    return number
  }
  const take = (record: ReadonlyArray<string>): void => {
    if (header === undefined || cells === undefined) {
      header = record
      cells = cellsOf(record)
      return
    }
    const row: Result.Result<Row.Row, Row.Malformed> =
      record.length === header.length
        ? Row.make(next(), cells(record))
        : Result.fail({ number: next(), reason: "columns" })
    if (Result.isSuccess(row)) rows.push(row.success)
    else malformed.push(row.failure)
  }
  const parser = parse({
    bom: true,
    relaxColumnCount: true,
    relaxQuotes: true,
    skipEmptyLines: true,
    skipRecordsWithError: true,
    maxRecordSize: 64 * 1024,
    onSkip: () => {
      malformed.push({ number: next(), reason: "quoting" })
      return undefined
    }
  })
  await pipeline(
    createReadStream(file),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk)
        yield chunk
      }
    },
    createGunzip(),
    parser,
    async (records: AsyncIterable<ReadonlyArray<string>>) => {
      for await (const record of records) take(record)
    }
  )
  if (header === undefined) throw new Error("no header")
  return { rows, malformed, sha256: hash.digest("hex") }
}

/** Reads a whole `.csv.gz`; a row that cannot be read is counted, a file that cannot be read is an error. */
export const read = Effect.fn("Invoices.read")(function* (file: string) {
  return yield* Effect.tryPromise({
    try: () => readAll(file),
    catch: (cause) => new UnreadableFile({ file, cause })
  })
})
