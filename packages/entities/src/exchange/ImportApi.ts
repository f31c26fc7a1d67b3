import { named } from "@halles/shared/wire/Named"
import { changes, seller } from "@halles/shared/wire/AccessRule"
import { InvalidRequest } from "@halles/shared/wire/EdgeErrors"
import * as Headers from "@halles/shared/wire/Headers"
import * as Stamp from "@halles/shared/wire/Stamp"
import { perMinute } from "@halles/shared/wire/Traffic"
import { WholeNumber } from "@halles/shared/wire/WholeNumber"
import { Effect, Schema, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiEndpoint, HttpApiSchema } from "effect/http-api"
import * as Routes from "../routes/Routes.ts"
import { CatalogImport, type Format } from "./CatalogImport.ts"
import { extraPattern } from "./Columns.ts"
import { columnNames, columnsOf } from "./ImportRows.ts"
import * as Spool from "./Spool.ts"
import * as Workbook from "./Workbook.ts"

const counts = { rows: Schema.Int, accepted: Schema.Int, rejected: Schema.Int }
/** One line of the answer to an import; the last one is `done`, or `failed` when the rest could not be read. */
export const ImportLine = Schema.Union([
  Schema.Struct({ type: Schema.Literal("progress"), ...counts }),
  Schema.Struct({
    type: Schema.Literal("error"),
    row: Schema.Int,
    code: Schema.String,
    detail: Schema.String,
    /** Each field of the row that is wrong. */
    errors: Schema.optionalKey(Schema.Array(Schema.Struct({ pointer: Schema.String, detail: Schema.String })))
  }),
  Schema.Struct({ type: Schema.Literal("failed"), row: Schema.Int, code: Schema.String, detail: Schema.String }),
  Schema.Struct({
    type: Schema.Literal("done"),
    importId: Schema.String,
    ...counts,
    /** Rows that were taken before under the same id, and whose products are otherwise by now. */
    superseded: Schema.optionalKey(Schema.Int),
    /** Nothing was done: `accepted` counts rows that can be read. */
    dryRun: Schema.optionalKey(Schema.Boolean)
  })
]).pipe(named("ImportLine", { type: "done", importId: "autumn", rows: 2, accepted: 2, rejected: 0 }))
export type ImportLine = typeof ImportLine.Type

const delimiters = { comma: ",", semicolon: ";", tab: "\t", bar: "|" } as const
const columnsMax = 2_000
/** A pair: a name in the file, and what it is here. That a name stands twice is seen when they are read. */
const pair = `[^,:]*[^,:\\s][^,:]*:(?:${columnNames.join("|")}|-|${extraPattern})`
const pairs = new RegExp(`^${pair}(,${pair})*$`, "u")

const query = {
  /** The first row to take, counted from 1 without the CSV header: to resume. */
  from: Schema.optionalKey(WholeNumber({ minimum: 1 })),
  /** `true`: every row is read and judged, and nothing is done. */
  dryRun: Schema.optionalKey(Schema.Literals(["true", "false"])),
  /** Whether `stock` comes in (`add`, the default) or is what is there from now on (`set`). */
  stock: Schema.optionalKey(Schema.Literals(["add", "set"])),
  /** Of CSV: what stands between cells; found out without it. */
  delimiter: Schema.optionalKey(Schema.Literals(["comma", "semicolon", "tab", "bar"])),
  /** Of CSV and workbooks: names of columns in the file and what they are here, as `Artikel:sku,Preis:price,Notiz:-`; `-` is not looked at. */
  columns: Schema.optionalKey(
    Schema.String.check(
      Schema.isMaxLength(columnsMax),
      Schema.isPattern(pairs, { expected: "pairs such as Artikel:sku,Notiz:-" })
    ).annotate({
      examples: ["Artikel:sku,Preis:price,Notiz:-"]
    })
  )
}
type Query = Schema.Struct.Type<typeof query>

const invalid = (error: InvalidRequest["errors"][number]) => Effect.fail(new InvalidRequest({ errors: [error] }))

const formatOf = (contentType: string, { columns, delimiter }: Query): Effect.Effect<Format, InvalidRequest> => {
  const isWorkbook = contentType.toLowerCase().startsWith(Workbook.contentType)
  if (!isWorkbook && !/^text\/csv\b/i.test(contentType)) return Effect.succeed({ type: "ndjson" })
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType)?.[1]
  if (charset !== undefined && !Spool.isKnown(charset))
    return invalid({ header: "content-type", detail: "Expected a charset of the Encoding Standard, as windows-1252" })
  const renamed = columns === undefined ? new Map<string, string>() : columnsOf(columns)
  if (renamed === null)
    return invalid({
      parameter: "columns",
      detail: `Expected pairs as Artikel:sku,Notiz:-, each name once. Columns here: ${columnNames.join(", ")}`
    })
  if (isWorkbook) return Effect.succeed({ type: "xlsx", columns: renamed })
  const layout = { columns: renamed, ...(delimiter === undefined ? {} : { delimiter: delimiters[delimiter] }) }
  return Effect.succeed({ type: "csv", charset, layout })
}

export const importCatalog = Routes.custom(
  HttpApiEndpoint.post("importCatalog", "/catalog/import", {
    headers: {
      /** One delivery, however often it is sent; random when absent, and echoed. */
      "import-id": Schema.optionalKey(
        Schema.String.check(
          Schema.isPattern(/^[A-Za-z0-9_-]{1,100}$/u, { expected: "1 to 100 letters without accents, digits, - or _" })
        )
      ),
      ...Headers.reasoned
    },
    query,
    payload: HttpApiSchema.StreamUint8Array({
      contentType: ["text/csv", "application/x-ndjson", Workbook.contentType]
    }),
    success: HttpApiSchema.StreamNdjson({ schema: ImportLine })
  }),
  {
    access: { ...changes, scopes: ["catalog:write", "stock:write"], roles: seller, audited: "always" },
    traffic: { priority: "bulk", cost: 50, quota: perMinute("import", 1_200) },
    summary: "List products, receive their stock and change their details, a row each, from CSV, NDJSON or a workbook",
    about:
      "The body is CSV, NDJSON or a workbook (XLSX), whose first sheet is read. Each row is a product with its price, and its stock in one warehouse. It may also have what `describeProduct`, `translateProduct` and `nameProduct` take: in NDJSON under the names of their fields, as a merge patch, in CSV and workbooks in columns such as `product_type`, `weight_g`, `categories`, `title.de`, `attributes.colour` and `attributes.story.de`. What a row does not name stays as it is, also the description, and that a product is a draft; an empty cell, or `null`, removes. The edge checks the outcome as those routes do, and names each wrong field in `errors`; nothing of such a row is done. While the import goes on, the edge answers a line for each refused row, and lines of progress. It reads CSV in the charset of `Content-Type`, else by the mark of the file, else as UTF-8, with commas, semicolons, tabs or bars between cells. It refuses a file with a byte that is none of its encoding before the first row. The same `import-id` again, even with rows moved, added or corrected, does what has not been done: the edge takes a listing that was corrected, refuses a receipt of another quantity as `already_received`, and leaves a listing that somebody changed since alone, with `row_superseded`. The same row twice is two receipts. `from` skips rows, counted from 1 without the CSV header. With `stock=set` the count of a row is what its warehouse has from then on, instead of what comes in. `columns` gives the columns of a CSV file or workbook the names that they have here. `dryRun=true` reads and judges every row, and does nothing."
  },
  Effect.map(CatalogImport, (run) =>
    Effect.fnUntraced(function* ({ headers, payload, query, request }) {
      const importId = headers["import-id"] ?? (yield* Stamp.token("import"))
      const format = yield* formatOf(request.headers["content-type"] ?? "", query)
      const { dryRun, from = 1, stock = "add" } = query
      const reason = Stamp.given("reason", headers["change-reason"])
      const origin = { actor: "edge:import", author: yield* Stamp.author, ...reason } as const
      const lines = run({ importId, format, body: payload, from, stock, isDryRun: dryRun === "true", origin })
      return HttpServerResponse.stream(Stream.encodeText(Stream.map(lines, (line) => `${JSON.stringify(line)}\n`)), {
        contentType: "application/x-ndjson",
        headers: { "import-id": importId, "cache-control": "no-store" }
      })
    })
  )
)
