import type { Parts } from "../catalogue/Parts.ts"
import { Reads } from "../routes/Reads.ts"
import { type Available, availability } from "./StockTable.ts"
import { type SkuId, type SkuCode, skuId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import { Effect } from "effect"
import { LRUCache } from "lru-cache"

/** What is known of a SKU is as old as this at the most, beside what the read table follows behind. */
export const knownMs = 1_000
/** The least used is forgotten. */
export const skusMax = 50_000
/** A cart is shown without it rather than later. */
export const answerMsMax = 250

const nothing: Available = { units: 0, backOrder: false }

/** Of a bundle: as many as its scarcest part suffices for, and more only if more of every part may be ordered. */
export const ofParts = (parts: Parts, stock: ReadonlyMap<SkuCode, Available>): Available => {
  const each = parts.map(({ quantity, sku }) => ({ quantity, ...(stock.get(sku) ?? nothing) }))
  return {
    units: Math.min(...each.map(({ quantity, units }) => Math.floor(units / quantity))),
    backOrder: each.every(({ backOrder }) => backOrder)
  }
}

/**
 * What could be sold of some SKUs: advice, from the read table, since only a checkout
 * holds stock. Of a cart one statement asks for what is not known; `null` when the table does not answer.
 */
export const make = Effect.map(Reads, (reads) => {
  const known = new LRUCache<SkuId, Available>({ max: skusMax, ttl: knownMs })
  return (region: Region, skus: Iterable<SkuCode>): Effect.Effect<ReadonlyMap<SkuCode, Available> | null> =>
    Effect.suspend(() => {
      const found = new Map<SkuCode, Available>()
      const unknown: Array<SkuCode> = []
      for (const sku of skus) {
        const available = known.get(skuId(region, sku))
        if (available === undefined) unknown.push(sku)
        else found.set(sku, available)
      }
      if (unknown.length === 0) return Effect.succeed(found)
      return reads.read(region, availability(region, unknown)).pipe(
        Effect.timeout(answerMsMax),
        Effect.map((read) => {
          for (const sku of unknown) {
            const available = read.get(sku) ?? nothing
            known.set(skuId(region, sku), available)
            found.set(sku, available)
          }
          return found
        }),
        // Behind its breaker the table may say more than its type.
        Effect.catchCause(() => Effect.succeed(null))
      )
    })
})
