import { skuId } from "@halles/shared/Ids"
import * as Answers from "@halles/shared/wire/Answers"
import { everybody } from "@halles/shared/wire/AccessRule"
import * as Refusal from "@halles/shared/wire/Refusal"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiEndpoint, HttpApiSchema } from "effect/http-api"
import { Product } from "../catalogue/Product.ts"
import { isPublic, ProductJson } from "../catalogue/ProductJson.ts"
import { DefaultRegion, Edge, regional } from "../routes/Edge.ts"
import * as Routes from "../routes/Routes.ts"
import { Slug, slugId, SlugText } from "./Slug.ts"

const encode = ViewJson.encoder(ProductJson)

export const SlugApi = Routes.group(
  "slugs",
  { title: "Slugs", about: "Products by the names that they have in addresses of pages." },
  [
    Routes.custom(
      HttpApiEndpoint.get("getSlug", "/slugs/:slug", {
        params: { slug: SlugText },
        query: regional,
        success: [ProductJson, HttpApiSchema.Empty(301)],
        error: [Refusal.of(NotFound)]
      }),
      {
        access: everybody,
        summary: "The product that a slug leads to",
        about:
          "A slug that the product had before is answered with 301 and the address of its slug of now. This holds for good, so that links which customers have go on working."
      },
      Effect.gen(function* () {
        const edge = yield* Edge
        const own = yield* DefaultRegion
        const slug = yield* edge.entity(Slug)
        const product = yield* edge.entity(Product)
        return Effect.fnUntraced(function* ({ params, query: { region = own }, request }) {
          const none = new NotFound({ entity: "Slug", id: params.slug })
          const { sku } = yield* edge.call(slug(slugId(region, params.slug)).View())
          const view = yield* edge.call(product(skuId(region, sku)).View())
          if (view.slug === undefined || !isPublic(view)) return yield* none
          if (view.slug === params.slug) return Answers.fresh(request, view.seq, () => encode(view))
          return HttpServerResponse.empty({
            status: 301,
            headers: { location: `/v1/slugs/${view.slug}?region=${region}`, "cache-control": "public, max-age=60" }
          })
        })
      })
    )
  ]
)
