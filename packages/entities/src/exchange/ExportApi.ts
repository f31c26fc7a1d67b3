import { looks, seller } from "@halles/shared/wire/AccessRule"
import { perMinute } from "@halles/shared/wire/Traffic"
import { Region } from "@halles/shared/Region"
import { Effect, Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiEndpoint, HttpApiSchema } from "effect/http-api"
import * as Routes from "../routes/Routes.ts"
import { CatalogExport } from "./CatalogExport.ts"

const contentTypes = { csv: "text/csv; charset=utf-8", ndjson: "application/x-ndjson" } as const

export const exportCatalog = Routes.custom(
  HttpApiEndpoint.get("exportCatalog", "/catalog/export", {
    query: { region: Region, format: Schema.optionalKey(Schema.Literals(["csv", "ndjson"])) },
    success: HttpApiSchema.StreamUint8Array({ contentType: ["text/csv", "application/x-ndjson"] })
  }),
  {
    access: { ...looks, region: "query", scopes: ["catalog:write"], roles: seller },
    traffic: { priority: "bulk", cost: 50, quota: perMinute("export", 60) },
    summary: "What a region sells, with its stock, as rows that an import takes",
    about:
      "CSV, or NDJSON with `format=ndjson`, in the order of the codes: a row for each warehouse that has, or had, a product. Imported with `stock=set`, it says again what is there. It may miss what was changed in the last moment."
  },
  Effect.map(CatalogExport, (rows) =>
    Effect.fnUntraced(function* ({ query: { format = "csv", region } }) {
      return HttpServerResponse.stream(rows(region, format), {
        contentType: contentTypes[format],
        headers: {
          "cache-control": "no-store",
          "content-disposition": `attachment; filename="catalogue-${region}.${format}"`
        }
      })
    })
  )
)
