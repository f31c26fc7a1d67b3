import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { SkuCode, skuId } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import * as Answers from "@halles/shared/wire/Answers"
import { everybody, looks, ofCatalogue } from "@halles/shared/wire/AccessRule"
import * as Refusal from "@halles/shared/wire/Refusal"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { Effect } from "effect"
import { HttpApiEndpoint } from "effect/http-api"
import { DefaultRegion, Edge, regional } from "../routes/Edge.ts"
import * as Routes from "../routes/Routes.ts"
import { Product } from "./Product.ts"
import { EditedJson, isPublic, translationsSample } from "./ProductJson.ts"
import { named } from "@halles/shared/wire/Named"
import { jsonOf, TranslationsJson } from "./Translations.ts"

const encode = ViewJson.encoder(EditedJson)

/** The only route that shows drafts and scheduled changes. It needs the scope `catalog:write`. */
export const getEditedProduct = Routes.custom(
  HttpApiEndpoint.get("getEditedProduct", "/products/:sku/details", {
    params: { sku: SkuCode },
    query: { region: Region },
    success: EditedJson,
    error: [Refusal.of(NotFound)]
  }),
  {
    access: { ...looks, ...ofCatalogue },
    summary: "One product as merchants edit it",
    about: "Shows drafts too, and for every product its scheduled changes and all its translations."
  },
  Effect.gen(function* () {
    const edge = yield* Edge
    const product = yield* edge.entity(Product)
    return Effect.fnUntraced(function* ({ params, query, request }) {
      const edited = yield* edge.call(product(skuId(query.region, params.sku)).Edited())
      return Answers.fresh(request, edited.product.seq, () => encode(edited))
    })
  })
)

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
      const { product: view, translations } = yield* edge.call(product(skuId(region, sku)).Edited())
      if (!isPublic(view)) return yield* new NotFound({ entity: "Product", id: skuId(region, sku) })
      return Answers.fresh(request, view.seq, () => jsonOf(translations))
    })
  })
)
