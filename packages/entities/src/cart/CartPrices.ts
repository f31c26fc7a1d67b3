import { type SkuCode, skuId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import * as EntityClient from "@halles/engine/activation/EntityClient"
import { Effect } from "effect"
import type { AddLine, Prices, PutLine, PutLines } from "./Cart.ts"
import { given } from "@halles/shared/wire/Stamp"
import { Busy } from "@halles/engine/eventsourced/EntityErrors"
import { Product } from "../catalogue/Product.ts"
import type { State } from "./CartState.ts"

/** Products that one cart asks at a time. */
const productsAtOnce = 16
/** Of one question to a product; after it the cart is `Busy`. */
const askDeadline = "2 seconds"

/** What the products say now, and which products were asked: one without a price is not sold. */
export interface Quote {
  readonly prices: typeof Prices.Type
  readonly skus: ReadonlySet<string>
}

/** What a cart with shop pricing asks the products of its region. */
export const make = Effect.gen(function* () {
  const products = yield* EntityClient.make(Product)

  return (region: Region) => {
    /** `undefined`: not sold here. */
    const listing = (sku: SkuCode): Effect.Effect<PutLine["listing"], Busy> =>
      products(skuId(region, sku))
        .View()
        .pipe(
          Effect.timeout(askDeadline),
          Effect.map(({ listed, parts, price, title }) =>
            listed ? { title, price, ...given("parts", parts) } : undefined
          ),
          Effect.catchTag("NotFound", () => Effect.succeed(undefined)),
          Effect.catch(() => Effect.fail(new Busy()))
        )

    const priced = (sku: SkuCode) =>
      Effect.map(listing(sku), (listing) => {
        if (listing === undefined) return []
        const { parts, price } = listing
        return [[sku, { ...price, ...given("parts", parts) }] as const]
      })

    return {
      /** The command with what the product says, whatever its sender said; with agreed prices nobody is asked. */
      listed: <C extends PutLine | AddLine>(command: C, state: State): Effect.Effect<C, Busy> =>
        asksNobody(state)
          ? Effect.succeed(command)
          : Effect.map(listing(command.sku), (listing) => ({ ...command, listing })),

      /** As `listed`, for many lines: each product is asked once. */
      allListed: (command: PutLines, state: State): Effect.Effect<PutLines, Busy> => {
        if (asksNobody(state)) return Effect.succeed(command)
        const skus = new Set(command.lines.flatMap(({ quantity, sku }) => (quantity === 0 ? [] : [sku])))
        const listings = Effect.forEach(skus, (sku) => Effect.map(listing(sku), (found) => [sku, found] as const), {
          concurrency: productsAtOnce
        })
        return Effect.map(listings, (found) => {
          const listings = new Map(found)
          const lines = command.lines.map(({ listing: _listing, ...line }) => {
            const listing = listings.get(line.sku)
            return listing === undefined ? line : { ...line, listing }
          })
          return { ...command, lines }
        })
      },

      of: (state: State): Effect.Effect<Quote, Busy> => {
        const skus = new Set(state._tag === "None" || asksNobody(state) ? [] : state.lines.map(({ sku }) => sku))
        return Effect.map(Effect.forEach(skus, priced, { concurrency: productsAtOnce }), (prices) => ({
          skus,
          prices: Object.fromEntries(prices.flat())
        }))
      }
    }
  }
})

/**
 * A cart that stays closed refuses whatever the prices are. One that does not exist may be about to, and one that is checked out
 * may be open again by the time of the command: both ask.
 */
const asksNobody = (state: State): boolean => {
  if (state._tag === "None") return false
  return state._tag === "Merged" || state._tag === "Expired" || state.pricing === "agreed"
}
