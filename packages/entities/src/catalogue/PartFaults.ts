import { type SkuCode, type SkuId, skuId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import type { Fault } from "@halles/shared/wire/EdgeErrors"
import { Effect } from "effect"
import { Sku } from "../inventory/Sku.ts"
import { Reads } from "../routes/Reads.ts"
import { Edge } from "../routes/Edge.ts"
import type { Parts } from "./Parts.ts"
import { Product } from "./Product.ts"
import { bundleOf } from "./ProductTable.ts"

/** Parts of one bundle that are asked at a time. */
const partsAtOnce = 8

/**
 * The edge asks, before it sends a description with parts: bundles do not nest, and a SKU with stock becomes no bundle. A part need not
 * be on sale, nor be listed: its stock is what counts. Two descriptions at the same moment may get past each other, and then
 * there is a bundle that cannot be sold, since nothing is in stock of a part that is a bundle.
 */
export const partFaults = Effect.gen(function* () {
  const edge = yield* Edge
  const reads = yield* Reads
  const product = yield* edge.entity(Product)
  const stock = yield* edge.entity(Sku)
  const productOf = (id: SkuId) =>
    edge.call(product(id).View()).pipe(Effect.catchTag("NotFound", () => Effect.succeed(null)))
  const stockOf = (id: SkuId) =>
    edge.call(stock(id).View()).pipe(Effect.catchTag("NotFound", () => Effect.succeed(null)))
  return Effect.fnUntraced(function* (
    region: Region,
    sku: SkuCode,
    parts: Parts
  ): Effect.fn.Return<ReadonlyArray<Fault>, unknown> {
    const nested = yield* Effect.forEach(
      parts,
      (part, index) =>
        Effect.map(productOf(skuId(region, part.sku)), (view) =>
          view?.parts === undefined ? [] : [{ pointer: `/parts/${index}/sku`, detail: `${part.sku} is a bundle` }]
        ),
      { concurrency: partsAtOnce }
    )
    const bundle = yield* edge.call(reads.read(region, bundleOf(sku)))
    const own = yield* stockOf(skuId(region, sku))
    const hasStock = own !== null && (own.totals.onHand > 0 || own.totals.backOrdered > 0 || own.backOrderAllowed)
    return [
      ...nested.flat(),
      ...(bundle === null ? [] : [{ pointer: "/parts", detail: `The product is a part of the bundle ${bundle}` }]),
      ...(hasStock
        ? [{ pointer: "/parts", detail: "The SKU has stock of its own, or may be sold before it is there" }]
        : [])
    ]
  })
})
