import { ListProduct, Product, type ProductView, Unlist } from "@halles/entities/catalogue/Product"
import { Reads } from "@halles/entities/Reads"
import { SkuId, skuId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import { Context, Effect, Stream } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../Api.ts"
import type { ProductJson, ProductsJson } from "./CatalogApi.ts"
import { CatalogImport, type Format } from "./CatalogImport.ts"
import * as Spool from "./Spool.ts"
import * as Consistency from "./Consistency.ts"
import * as Edge from "../Edge.ts"
import { InvalidRequest, Unavailable } from "../problems/EdgeErrors.ts"
import { money } from "./MoneyJson.ts"
import { ResponseCache } from "../cache/ResponseCache.ts"
import { productKey } from "../cache/Invalidation.ts"
import * as Upstreams from "../admission/Upstreams.ts"

export const productJson = (view: ProductView): typeof ProductJson.Encoded => ({
  region: view.region,
  sku: view.sku,
  title: view.title,
  description: view.description,
  price: money(view.price.amount, view.price.currency),
  taxRate: view.price.taxRate,
  listed: view.listed,
  seq: view.seq
})

const answer = (view: ProductView) =>
  Edge.written(["Product", skuId(view.region, view.sku), view.seq], productJson(view))

/** An event says when a product has changed. */
const productShared = { freshMs: 60_000, staleMs: 30_000 }
/** A list follows its projection, and nothing says when: it is true for a moment, which is enough against a stampede. */
const listShared = { freshMs: 1_000, staleMs: 2_000, invalidatedBy: null }

/** The region that is meant where a reader names none. */
export const DefaultRegion = Context.Reference<Region>("@halles/http/CatalogHttp/DefaultRegion", {
  defaultValue: () => "eu"
})

const formatOf = (contentType: string): Effect.Effect<Format, InvalidRequest> => {
  if (!/^text\/csv\b/i.test(contentType)) return Effect.succeed({ type: "ndjson" })
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType)?.[1]
  return charset === undefined || Spool.isKnown(charset)
    ? Effect.succeed({ type: "csv", charset })
    : Effect.fail(
        new InvalidRequest({
          errors: [{ header: "content-type", detail: "Expected a charset of the Encoding Standard, as windows-1252" }]
        })
      )
}

interface ListRequest {
  readonly headers: { readonly "consistency-token"?: string }
  readonly query: { readonly region?: Region; readonly q?: string; readonly cursor?: string; readonly limit?: number }
  readonly request: HttpServerRequest.HttpServerRequest
}

export const CatalogHttp = HttpApiBuilder.group(
  Api,
  "catalog",
  Effect.fnUntraced(function* (handlers) {
    const product = yield* Upstreams.entity(Product)
    const reads = yield* Reads
    const imports = yield* CatalogImport
    const cache = yield* ResponseCache
    const defaultRegion = yield* DefaultRegion
    const list = Effect.fnUntraced(function* ({ headers, query, request }: ListRequest) {
      const region = query.region ?? defaultRegion
      const seen = yield* Consistency.seenOf(headers["consistency-token"], "Product")
      const here = new Map([...seen].filter(([id]) => id.startsWith(`${region}_`)))
      const behind = yield* Edge.call(Consistency.behind(here, (ids) => reads.seqs("products", region, ids)))
      // Which words an entity has only the read table knows.
      if (behind.length > 0 && query.q !== undefined) return yield* new Unavailable()
      const { items, next } = yield* Edge.call(
        Effect.tapErrorTag(
          reads.products({ ...query, region, limit: query.limit ?? Edge.limitDefault }),
          "SqlError",
          (error) => Effect.logWarning("Reads.products failed", error)
        )
      ).pipe(Effect.catchTag("BadCursor", () => Effect.fail(Edge.badCursor)))
      const asked = yield* Effect.forEach(
        behind,
        (id) => Effect.catchTag(Edge.call(product(SkuId.make(id)).View()), "NotFound", () => Effect.succeed(null)),
        { concurrency: 8 }
      )
      const newer = new Map(asked.flatMap((view) => (view === null ? [] : [[view.sku, view] as const])))
      const last = items.at(-1)?.sku
      const first = items[0]?.sku
      /** On this page, by where it would stand; without a next page all that follows is on this one. */
      const isHere = ({ sku }: ProductView) =>
        (next === null || last === undefined || sku <= last) &&
        (query.cursor === undefined || (first !== undefined && sku >= first))
      const merged = [...items.filter(({ sku }) => !newer.has(sku)), ...[...newer.values()].filter(isHere)]
        .filter(({ listed }) => listed)
        .toSorted((a, b) => (a.sku < b.sku ? -1 : 1))
      return Edge.listed(request, { items: merged.map(productJson), next } satisfies typeof ProductsJson.Encoded)
    })
    return handlers.handleAll({
      importCatalog: ({ headers, payload, query, request }) =>
        Effect.gen(function* () {
          const importId = headers["import-id"] ?? (yield* Edge.token("import"))
          const format = yield* formatOf(request.headers["content-type"] ?? "")
          const lines = imports.run({ importId, format, body: payload, from: query.from ?? 1 })
          return HttpServerResponse.stream(
            Stream.encodeText(Stream.map(lines, (line) => `${JSON.stringify(line)}\n`)),
            { contentType: "application/x-ndjson", headers: { "import-id": importId, "cache-control": "no-store" } }
          )
        }),
      listProducts: ({ headers, query, request }) => {
        // Its links repeat what was asked.
        const key = `list:${request.url}`
        return cache.through(request, { key, ...listShared }, list({ headers, query, request }))
      },
      putProduct: ({ headers, params, payload, query }) => {
        const { description = "", price, taxRate, title } = payload
        const listed = { sku: params.sku, title, description, price: { ...price, taxRate } }
        const list = (stamp: Edge.Stamp) =>
          product(skuId(query.region, params.sku)).ListProduct(new ListProduct({ ...stamp, ...listed }))
        return Effect.map(Edge.send("list", headers, list, { actor: "edge:import" }), answer)
      },
      deleteProduct: ({ headers, params, query }) =>
        Effect.map(
          Edge.send("unlist", headers, (stamp) => product(skuId(query.region, params.sku)).Unlist(new Unlist(stamp)), {
            actor: "edge:import"
          }),
          answer
        ),
      getProduct: ({ params, query, request }) => {
        const region = query.region ?? defaultRegion
        const id = skuId(region, params.sku)
        const view = Effect.map(Edge.call(product(id).View()), (found) => Edge.versioned(found.seq, productJson(found)))
        return cache.through(request, { key: productKey(id), invalidatedBy: region, ...productShared }, view)
      }
    })
  })
)
