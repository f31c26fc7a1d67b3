import { ProductJson } from "@halles/entities/catalogue/ProductJson"
import { Reads } from "@halles/entities/routes/Reads"
import { DefaultRegion, Edge } from "@halles/entities/routes/Edge"
import { report } from "@halles/entities/searchrule/SearchCounts"
import { SearchClient, type SearchUnavailable } from "@halles/search/contract/SearchClient"
import {
  Click,
  Filter,
  filtersMax,
  offsetMax,
  Recommend,
  Search,
  Suggest
} from "@halles/search/contract/SearchMessages"
import { channel as channelFacet } from "@halles/search/index/FacetValues"
import { SkuCode } from "@halles/shared/Ids"
import * as Page from "@halles/shared/Page"
import * as Answers from "@halles/shared/wire/Answers"
import { InvalidRequest, Unavailable } from "@halles/shared/wire/EdgeErrors"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { Clock, Effect, Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../Api.ts"

const limitDefault = 20
const daysDefault = 7

const Cursor = Page.Cursor("search", [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: offsetMax }))])

const wrong = (parameter: string, detail: string) => new InvalidRequest({ errors: [{ parameter, detail }] })

/** One is left for the channel. */
const decodeFilters = Schema.decodeUnknownEffect(
  Schema.Array(Filter).check(Schema.isMaxLength(filtersMax - 1), Schema.isUnique())
)

/** `colour:black,grey;category:bags`. */
const filtersOf = Effect.fnUntraced(function* (text: string | undefined = "") {
  const malformed = wrong("filters", "Expected name:value,value;name:value, with what is else in them percent-encoded")
  const parts = text === "" ? [] : text.split(";").map((part) => part.split(":"))
  if (parts.some((part) => part.length !== 2)) return yield* malformed
  const filters = yield* Effect.try({
    try: () =>
      parts.map(([name = "", values = ""]) => ({
        name: decodeURIComponent(name),
        values: values.split(",").map(decodeURIComponent)
      })),
    catch: () => malformed
  })
  return yield* Effect.mapError(decodeFilters(filters), () => malformed)
})

const facetsOf = (text = ""): ReadonlyArray<string> => [...new Set(text.split(",").filter((name) => name !== ""))]

const skusOf = (text = ""): ReadonlyArray<SkuCode> =>
  text === "" ? [] : text.split(",").map((sku) => SkuCode.make(sku))

const encode = ViewJson.encoder(ProductJson)
const time = (at: number): string => new Date(at).toISOString()

const orUnavailable = <A>(asked: Effect.Effect<A, SearchUnavailable>) =>
  Effect.catchTag(asked, "SearchUnavailable", ({ reason }) =>
    Effect.andThen(Effect.logWarning(`A search was not answered: ${reason}`), Effect.fail(new Unavailable()))
  )

export const SearchHttp = HttpApiBuilder.group(
  Api,
  "search",
  Effect.fnUntraced(function* (handlers) {
    const { click, recommend, search, suggest } = yield* SearchClient
    const edge = yield* Edge
    const reads = yield* Reads
    const own = yield* DefaultRegion
    return handlers.handleAll({
      searchProducts: Effect.fnUntraced(function* ({ query, request }) {
        const { cursor, language = "en", limit = limitDefault, priceFrom = null, priceTo = null, q = "" } = query
        const after = yield* Effect.mapError(Page.decodeCursor(Cursor, cursor), () => Answers.badCursor)
        const soldIn = query.channel === undefined ? [] : [{ name: channelFacet, values: [query.channel] }]
        const offset = after === null ? 0 : after[1]
        const found = yield* orUnavailable(
          search(
            new Search({
              region: query.region ?? own,
              text: q,
              language,
              filters: [...(yield* filtersOf(query.filters)), ...soldIn],
              priceFrom,
              priceTo,
              facets: facetsOf(query.facets),
              sort: query.sort ?? "relevance",
              offset,
              limit
            })
          )
        )
        const { corrected, facets, hits, isPartial, redirect, total } = found
        const end = offset + hits.length
        return Answers.listed(request, {
          items: hits.map(({ available, badge, description, isPinned, product, title }) => ({
            product: encode(product),
            highlights: { title, description },
            available,
            pinned: isPinned,
            badge
          })),
          next: end < total && end <= offsetMax ? Page.encodeCursor(["search", end]) : null,
          total,
          partial: isPartial,
          didYouMean: corrected,
          facets,
          redirect,
          asOf: time(found.asOf)
        })
      }),
      recommend: Effect.fnUntraced(function* ({ query }) {
        const { language = "en", limit = limitDefault, seen } = query
        const { kind = seen === undefined ? "popular" : "seen" } = query
        const category = query.category === "" ? null : (query.category ?? null)
        const skus = skusOf(kind === "seen" ? seen : query.skus)
        const { items, madeAt, orders } = yield* orUnavailable(
          recommend(new Recommend({ region: query.region ?? own, kind, skus, language, category, limit }))
        )
        return HttpServerResponse.jsonUnsafe({
          items: items.map(({ because, orders, product }) => ({ product: encode(product), because, orders })),
          orders,
          madeAt: madeAt === 0 ? null : time(madeAt)
        })
      }),
      noteClick: Effect.fnUntraced(function* ({ payload: { position, q, sku }, query }) {
        yield* orUnavailable(click(new Click({ region: query.region ?? own, text: q, sku, position })))
        return HttpServerResponse.empty({ status: 204 })
      }),
      getSearchReport: Effect.fnUntraced(function* ({ params, query, request }) {
        const { days = daysDefault, limit = limitDefault, region } = query
        const today = time(yield* Clock.currentTimeMillis).slice(0, 10)
        const { items } = yield* edge.call(reads.read(region, report(params.report, { today, days, limit })))
        return Answers.listed(request, { items, next: null })
      }),
      suggest: Effect.fnUntraced(function* ({ query }) {
        const { language = "en", q } = query
        const { asOf, brands, categories, products, queries } = yield* orUnavailable(
          suggest(new Suggest({ region: query.region ?? own, text: q, language }))
        )
        return HttpServerResponse.jsonUnsafe({
          queries,
          products: products.map(encode),
          categories,
          brands,
          asOf: time(asOf)
        })
      })
    })
  })
)
