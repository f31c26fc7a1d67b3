import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { SkuCode, skuId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import * as Answers from "@halles/shared/wire/Answers"
import { everybody } from "@halles/shared/wire/AccessRule"
import * as Refusal from "@halles/shared/wire/Refusal"
import { Effect } from "effect"
import { HttpApiEndpoint } from "effect/http-api"
import { DefaultRegion, Edge, regional } from "../routes/Edge.ts"
import * as Routes from "../routes/Routes.ts"
import * as HistoryRoutes from "../history/HistoryRoutes.ts"
import { type Edited, Product } from "./Product.ts"
import { EditedJson, isPublic, translationsSample } from "./ProductJson.ts"
import { named } from "@halles/shared/wire/Named"
import { jsonOf, TranslationsJson } from "./Translations.ts"

const one = {
  contract: Product,
  params: { sku: SkuCode },
  id: ({
    params,
    query
  }: {
    readonly params: { readonly sku: SkuCode }
    readonly query: { readonly region: Region }
  }) => skuId(query.region, params.sku)
}

export const getEditedProduct = HistoryRoutes.edited("getEditedProduct", "/products/:sku/details", {
  ...one,
  json: EditedJson,
  seq: ({ product }: typeof Edited.Type) => product.seq,
  summary: "One product as merchants edit it",
  about: "Shows drafts too, and for every product its scheduled changes and all its translations."
})

export const getProductHistory = HistoryRoutes.history("getProductHistory", "/products/:sku/history", {
  ...one,
  what: "product"
})

export const getTranslations = Routes.custom(
  HttpApiEndpoint.get("getTranslations", "/products/:sku/translations", {
    params: { sku: SkuCode },
    query: regional,
    success: TranslationsJson.pipe(named("Translations", translationsSample)),
    error: [Refusal.of(NotFound)]
  }),
  {
    access: everybody,
    summary: "All translations of a product",
    about: "By language. For a text without a translation, show the text of the product itself."
  },
  Effect.gen(function* () {
    const edge = yield* Edge
    const own = yield* DefaultRegion
    const product = yield* edge.entity(Product)
    return Effect.fnUntraced(function* ({ params: { sku }, query: { region = own }, request }) {
      const { product: view, translations } = yield* edge.call(product(skuId(region, sku)).Edited({}))
      if (!isPublic(view)) return yield* new NotFound({ entity: "Product", id: skuId(region, sku) })
      return Answers.fresh(request, view.seq, () => jsonOf(translations))
    })
  })
)
