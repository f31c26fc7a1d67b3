import { CommandId, type SkuCode, skuId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import { Effect } from "effect"
import { Edge } from "../routes/Edge.ts"
import { ClaimSlug, Slug, slugId, type SlugText } from "../slug/Slug.ts"
import { Product } from "./Product.ts"

interface Naming {
  readonly params: { readonly sku: SkuCode }
  readonly query: { readonly region: Region }
  readonly payload: { readonly slug: SlugText }
}

/**
 * The edge claims the slug for the product before it sends `NameProduct`, so the product never has a slug that leads to another one.
 * Where the product then refuses `NameProduct`, since its version is another one, the slug stays claimed for it.
 */
export const claimedSlug = Effect.gen(function* () {
  const edge = yield* Edge
  const product = yield* edge.entity(Product)
  const slug = yield* edge.entity(Slug)
  return Effect.fnUntraced(function* ({ params: { sku }, payload, query: { region } }: Naming) {
    yield* edge.call(product(skuId(region, sku)).View())
    const claim = new ClaimSlug({ commandId: CommandId.make(`claim:${sku}`), sku })
    yield* edge.call(slug(slugId(region, payload.slug)).ClaimSlug(claim))
  })
})
