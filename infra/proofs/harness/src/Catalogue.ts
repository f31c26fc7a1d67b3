import type { Parts } from "@halles/entities/catalogue/Parts"
import type { Region } from "@halles/shared/Region"
import { Schema } from "effect"
import type { Request } from "./EdgeClient.ts"

export const currency = "GBP"
/** Basis points. */
export const taxRate = 2_000

/** What a region sells, and how many units of it come in with the row. */
export interface Row {
  readonly region: Region
  readonly sku: string
  readonly title: string
  readonly description?: string
  readonly pence: number
  readonly stock: number
  readonly taxRate?: number
  /** Of a bundle, of which no units come in. */
  readonly parts?: Parts
}

const textOf = ({ pence, stock, ...row }: Row): string =>
  `${JSON.stringify({
    taxRate,
    ...row,
    price: { amount: String(pence), currency },
    ...(stock === 0 ? {} : { stock })
  })}\n`

/** What of a row goes into the id of the command by which the edge lists it. */
export const listed = ({ pence, stock: _stock, ...row }: Row) => ({
  taxRate,
  ...row,
  price: { amount: pence, currency }
})

export const importPath = "/v1/catalog/import"
/** Between two lines of the answer. */
const silenceMs = 60_000

/** Puts rows on sale, each once under an id however often it is sent. */
export const importOf = (id: string, token: string, rows: ReadonlyArray<Row>): Request => ({
  method: "POST",
  path: importPath,
  token,
  headers: { "content-type": "application/x-ndjson", accept: "application/x-ndjson", "import-id": id },
  body: rows.map(textOf).join(""),
  withinMs: silenceMs
})

const Counts = { rows: Schema.Int, accepted: Schema.Int, rejected: Schema.Int }
const Refusal = { row: Schema.Int, code: Schema.String, detail: Schema.String }
/** One line of the answer to an import. */
const Line = Schema.Union([
  Schema.Struct({ type: Schema.Literals(["progress", "done"]), ...Counts }),
  /** `failed`: the rest of the rows could not be read. */
  Schema.Struct({ type: Schema.Literals(["error", "failed"]), ...Refusal })
])
const lineOf = Schema.decodeUnknownSync(Schema.fromJsonString(Line))

/** What became of the rows; `accepted` is `null` where the answer broke off. */
export const imported = (text: string) => {
  const lines = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => lineOf(line))
  const done = lines.flatMap((line) => (line.type === "done" ? [line.accepted] : []))
  const refused = lines.flatMap((line) => (line.type === "error" || line.type === "failed" ? [line] : []))
  return { accepted: done[0] ?? null, refused }
}
