import { looks, ofCatalogue } from "@halles/shared/wire/AccessRule"
import { InvalidRequest } from "@halles/shared/wire/EdgeErrors"
import { perMinute } from "@halles/shared/wire/Traffic"
import { Region } from "@halles/shared/Region"
import { Effect, Schema, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiEndpoint, HttpApiSchema } from "effect/http-api"
import { Edge } from "../routes/Edge.ts"
import * as Routes from "../routes/Routes.ts"
import { CatalogExport, extraColumns, headerOf, headOf, sheetOf, textOf } from "./CatalogExport.ts"
import * as Workbook from "./Workbook.ts"

/** Reading all rows of a workbook may take so long. */
const readMs = 30_000
const tooMany = new InvalidRequest({
  errors: [
    {
      parameter: "format",
      detail: `A workbook has at most ${Workbook.rowsMax} rows and ${Workbook.columnsMax} columns: ask for csv or ndjson`
    }
  ]
})

const contentTypes = {
  csv: "text/csv; charset=utf-8",
  ndjson: "application/x-ndjson",
  xlsx: Workbook.contentType
} as const

export const exportCatalog = Routes.custom(
  HttpApiEndpoint.get("exportCatalog", "/catalog/export", {
    query: { region: Region, format: Schema.optionalKey(Schema.Literals(["csv", "ndjson", "xlsx"])) },
    success: HttpApiSchema.StreamUint8Array({
      contentType: ["text/csv", "application/x-ndjson", Workbook.contentType]
    })
  }),
  {
    access: { ...looks, ...ofCatalogue },
    traffic: { priority: "bulk", cost: 50, quota: perMinute("export", 60) },
    summary: "What a region sells, with its stock, as rows that an import takes",
    about: `CSV, or NDJSON with \`format=ndjson\`, or a workbook with \`format=xlsx\`, in the order of the codes: a row for each warehouse that has, or had, a product. Beside the columns of a listing it has one for each detail, each attribute and each language that some product has. Imported with \`stock=set\`, it says again what is there. It may miss what was changed in the last moment. A workbook has at most ${Workbook.rowsMax} rows; a larger catalogue is refused in that form.`
  },
  Effect.map(Effect.all([CatalogExport, extraColumns, Edge]), ([rowsOf, extrasOf, edge]) =>
    Effect.fnUntraced(function* ({ query: { format = "csv", region } }) {
      const rows = rowsOf(region)
      const extras = format === "ndjson" ? [] : yield* edge.call(extrasOf(region), readMs)
      const headers = {
        "cache-control": "no-store",
        "content-disposition": `attachment; filename="catalogue-${region}.${format}"`
      }
      const contentType = contentTypes[format]
      if (format !== "xlsx") {
        const texts = Stream.map(Stream.chunks(rows), (some) => textOf(format, some, extras))
        const body = Stream.encodeText(Stream.concat(Stream.succeed(headOf(format, extras)), texts))
        return HttpServerResponse.stream(body, { contentType, headers })
      }
      if (headerOf(extras).length > Workbook.columnsMax) return yield* tooMany
      const all = yield* edge.call(Stream.runCollect(Stream.take(rows, Workbook.rowsMax + 1)), readMs)
      if (all.length > Workbook.rowsMax) return yield* tooMany
      const bytes = yield* Effect.catchTag(Workbook.written(sheetOf(all, extras)), "Unfinished", () =>
        Effect.fail(tooMany)
      )
      return HttpServerResponse.uint8Array(bytes, { contentType, headers })
    })
  )
)
