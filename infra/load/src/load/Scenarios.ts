import type { Region } from "@halles/shared/Region"
import { Effect } from "effect"
import { lineEffect, soldEffect, type Told } from "./Books.ts"
import type { Key } from "./Keys.ts"
import type { Outcome } from "./Samples.ts"
import { commandIds, type Listing, NoAnswer, Shop } from "./Shop.ts"
import type { Random } from "./Zipf.ts"

/** What a scenario knows when one of its operations begins. */
export interface Context {
  /** Of the whole load; part of the names that it makes. */
  readonly run: string
  readonly key: Key
  /** The key's cart, where keys name carts; else empty. */
  readonly cart: string
  /** Of this operation in the whole run: no other one of any thread has it. */
  readonly n: number
  /** Names this operation in the keys of its commands. */
  readonly name: string
  readonly random: Random
  /** Orders that this thread was told of, oldest first, for those who come back to them. */
  readonly orders: Array<string>
  /** Makes a step of its own of what is done. */
  readonly step: <A, E>(kind: string, effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
  readonly tell: (told: Told) => void
}

export interface Scenario {
  readonly description: string
  /** What one operation is. */
  readonly operation: string
  readonly steps: ReadonlyArray<string>
  /** Whether keys name carts, which are opened before the run, or SKUs. */
  readonly about: "cart" | "sku"
  /** Units of each SKU that are put on sale. */
  readonly stock: number
  readonly run: (context: Context) => Effect.Effect<Outcome, NoAnswer, Shop>
}

const plenty = 1_000_000
/** Lines that a cart of the `cart` scenario has at the most. */
export const cartSkus = 20
/** Orders that a thread remembers. */
const ordersMax = 10_000

const fillerName = (run: string, n: number): string => `${run}-fill-${n}`
/** SKUs that carts are filled with where the key is the cart. */
export const fillers = (region: Region, run: string): ReadonlyArray<Listing> =>
  Array.from({ length: cartSkus }, (_, n) => listing({ region, name: fillerName(run, n) }, 0))

/** What a key's SKU is listed as; `edition` tells one listing from the next. */
export const listing = ({ name, region }: Key, edition: number): Listing => ({
  region,
  code: name,
  title: `Article ${name}${edition === 0 ? "" : `, edition ${edition}`}`,
  pence: 500 + (edition % 500)
})

/** A quantity that no other command on the same line of the same cart has, unless a million commands lie between. */
const quantityOf = (n: number): number => 1 + (Math.floor(n / cartSkus) % 49_000)

const putLine = ({ cart, n, name, run, tell }: Context) =>
  Effect.gen(function* () {
    const shop = yield* Shop
    const code = fillerName(run, n % cartSkus)
    const quantity = quantityOf(n)
    yield* shop.putLine(cart, code, quantity, name)
    tell({ type: "Cart", id: cart, commandId: commandIds.put(code, name), effect: lineEffect(code, quantity) })
    return "ok" as const
  })

const confirmed = new Set(["confirmed", "shipped", "delivered"])

/** Opens a cart in the key's region, puts one unit of its SKU into it and checks out. */
const buy = ({ key, name, orders, step, tell }: Context): Effect.Effect<Outcome, NoAnswer, Shop> =>
  Effect.gen(function* () {
    const shop = yield* Shop
    const cart = yield* step("open", shop.openCart(key.region, name))
    tell({ type: "Cart", id: cart, commandId: commandIds.open(name), effect: "CartOpened" })
    yield* step("line", shop.putLine(cart, key.name, 1, name))
    const put = { commandId: commandIds.put(key.name, name), effect: lineEffect(key.name, 1) }
    tell({ type: "Cart", id: cart, ...put })
    const { cancelled, status } = yield* step("checkout", shop.checkOut(cart, name))
    tell({ type: "Cart", id: cart, commandId: commandIds.checkOut(name), effect: "CheckedOut" })
    tell({ type: "Order", id: cart, commandId: null, effect: "Placed" })
    if (confirmed.has(status)) {
      tell({ type: "Order", id: cart, commandId: null, effect: "ShipmentBooked" })
      tell({ type: "Sku", id: `${key.region}_${key.name}`, commandId: null, effect: soldEffect(cart) })
      if (orders.length < ordersMax) orders.push(cart)
      return "ok"
    }
    if (cancelled === null) return yield* new NoAnswer({ code: `still ${status}` })
    if (cancelled === "no_stock") tell({ type: "Order", id: cart, commandId: null, effect: "StockUnavailable" })
    return `refused:${cancelled}` as const
  })

export const scenarios = {
  cart: {
    description: "PUT of a line into a cart that is open; a key is a cart",
    operation: "put a line",
    steps: [],
    about: "cart",
    stock: plenty,
    run: putLine
  },
  checkout: {
    description: "A new cart with one unit of the key's SKU, checked out until the order is confirmed",
    operation: "buy",
    steps: ["open", "line", "checkout"],
    about: "sku",
    stock: plenty,
    run: buy
  }
} as const satisfies Readonly<Record<string, Scenario>>
export type ScenarioName = keyof typeof scenarios
