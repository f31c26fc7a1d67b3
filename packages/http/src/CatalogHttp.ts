import { Product, type ProductView } from "@halles/entities/Product"
import { Reads } from "@halles/entities/Reads"
import { skuId } from "@halles/shared/Ids"
import { Effect, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "./Api.ts"
import type { ProductJson, ProductsJson } from "./CatalogApi.ts"
import { CatalogImport } from "./CatalogImport.ts"
import * as Edge from "./Edge.ts"
import { InvalidRequest } from "./EdgeErrors.ts"
import { money } from "./MoneyJson.ts"

const productJson = (view: ProductView): typeof ProductJson.Encoded => ({
  region: view.region,
  sku: view.sku,
  title: view.title,
  description: view.description,
  price: money(view.price.amount, view.price.currency),
  taxRate: view.price.taxRate,
  listed: view.listed,
  seq: view.seq
})

const limitDefault = 50
const badCursor = new InvalidRequest({ errors: [{ parameter: "cursor", detail: "Expected the `next` of this list" }] })

export const CatalogHttp = HttpApiBuilder.group(
  Api,
  "catalog",
  Effect.fnUntraced(function* (handlers) {
    const product = yield* Product.client
    const reads = yield* Reads
    const imports = yield* CatalogImport
    return handlers.handleAll({
      importCatalog: ({ headers, payload, query, request }) =>
        Effect.sync(() => {
          const importId = headers["import-id"] ?? Edge.token("import", {})
          const format = request.headers["content-type"]?.startsWith("text/csv") === true ? "csv" : "ndjson"
          const lines = imports.run({ importId, format, body: payload, from: query.from ?? 1 })
          return HttpServerResponse.stream(
            Stream.encodeText(Stream.map(lines, (line) => `${JSON.stringify(line)}\n`)),
            { contentType: "application/x-ndjson", headers: { "import-id": importId, "cache-control": "no-store" } }
          )
        }),
      listProducts: ({ query }) =>
        Effect.map(
          Edge.call(
            Effect.tapErrorTag(reads.products({ ...query, limit: query.limit ?? limitDefault }), "SqlError", (error) =>
              Effect.logWarning("Reads.products failed", error)
            )
          ).pipe(Effect.catchTag("BadCursor", () => Effect.fail(badCursor))),
          ({ items, next }) =>
            HttpServerResponse.jsonUnsafe({ items: items.map(productJson), next } satisfies typeof ProductsJson.Encoded)
        ),
      getProduct: ({ params, query, request }) =>
        Effect.map(Edge.call(product(skuId(query.region, params.sku)).View()), (view) =>
          Edge.fresh(request, view.seq, () => productJson(view))
        )
    })
  })
)
