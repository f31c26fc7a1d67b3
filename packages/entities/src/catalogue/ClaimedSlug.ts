import { CommandId, type SkuCode, skuId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import { PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { expected } from "@halles/shared/wire/Stamp"
import { Effect } from "effect"
import { Edge } from "../routes/Edge.ts"
import { ClaimSlug, Slug, slugId, type SlugText } from "../slug/Slug.ts"
import { Product } from "./Product.ts"

interface Naming {
  readonly params: { readonly sku: SkuCode }
  readonly query: { readonly region: Region }
  readonly payload: { readonly slug: SlugText }
  readonly headers: { readonly "if-match"?: string }
}

/**
 * The edge claims the slug for the product before it sends `NameProduct`, so the product never has a slug that leads to another one.
 * A request for another version is refused before that. Where somebody changes the product between the two, the slug stays claimed for it.
 */
export const claimedSlug = Effect.gen(function* () {
  const edge = yield* Edge
  const product = yield* edge.entity(Product)
  const slug = yield* edge.entity(Slug)
  return Effect.fnUntraced(function* ({ headers, params: { sku }, payload, query: { region } }: Naming) {
    const { seq } = yield* edge.call(product(skuId(region, sku)).View())
    const { expectedSeq = seq } = expected(headers)
    if (expectedSeq !== seq) return yield* new PreconditionFailed({ seq })
    const claim = new ClaimSlug({ commandId: CommandId.make(`claim:${sku}`), sku })
    yield* edge.call(slug(slugId(region, payload.slug)).ClaimSlug(claim))
  })
})
