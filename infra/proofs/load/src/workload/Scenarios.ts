import { type Acknowledged, checkedOutEffect, lineEffect, soldEffect } from "@halles/harness/Books"
import type { Row } from "@halles/harness/Catalogue"
import { NoAnswer } from "@halles/harness/EdgeClient"
import { confirmed, Shop } from "@halles/harness/Shop"
import type { Region } from "@halles/shared/Region"
import { Effect, Schedule } from "effect"
import type { Key } from "./Keys.ts"
import type { Outcome } from "./Samples.ts"
import type { Random } from "./Zipf.ts"

/** Orders that a thread was told of, oldest first, for those who come back to them. */
export interface Orders {
  readonly placed: Array<string>
  /** How many of them the carrier has spoken of. */
  delivered: number
}

/** What a scenario knows when one of its operations begins. */
export interface Context {
  /** Of the whole load; part of the names that it makes. */
  readonly run: string
  readonly key: Key
  /** The key's cart, where keys name carts; else empty. */
  readonly cart: string
  /** What is bought, where the load follows a list of sales. */
  readonly basket: ReadonlyArray<Item>
  /** Of this operation in the whole run: no other one of any thread has it. */
  readonly n: number
  /** Names this operation in the keys of its commands. */
  readonly name: string
  readonly random: Random
  readonly orders: Orders
  /** Makes a step of its own of what is done. */
  readonly step: <A, R>(kind: string, effect: Effect.Effect<A, NoAnswer, R>) => Effect.Effect<A, NoAnswer, R>
  readonly tell: (acknowledged: Acknowledged) => void
}

/** So many units of a SKU, by its code. */
export interface Item {
  readonly code: string
  readonly quantity: number
}

export interface Scenario {
  readonly description: string
  readonly steps: ReadonlyArray<string>
  /** Whether keys name carts, which are opened before the run, or SKUs. */
  readonly about: "cart" | "sku"
  readonly run: (context: Context) => Effect.Effect<Outcome, NoAnswer, Shop>
}

/** Units of each SKU that are put on sale, where it is not to sell out. */
export const plenty = 1_000_000
/** Lines that a cart of the `cart` scenario has at the most. */
export const cartSkus = 20
/** Orders that a thread remembers. */
const ordersMax = 10_000
/** Lines of one cart that are put at a time. */
const linesTogether = 8

const fillerName = (run: string, n: number): string => `${run}-fill-${n}`
/** SKUs that carts are filled with where the key is the cart. */
export const fillers = (region: Region, run: string, stock: number): ReadonlyArray<Row> =>
  Array.from({ length: cartSkus }, (_, n) => listing({ region, name: fillerName(run, n) }, 0, stock))

/** What a key's SKU is listed as; `edition` tells one listing from the next. */
export const listing = ({ name, region }: Key, edition: number, stock: number): Row => ({
  region,
  sku: name,
  title: `Article ${name}${edition === 0 ? "" : `, edition ${edition}`}`,
  pence: 500 + (edition % 500),
  stock
})

/** A quantity that no other command on the same line of the same cart has, unless a million commands lie between. */
const quantityOf = (n: number): number => 1 + (Math.floor(n / cartSkus) % 49_000)

const putLine = ({ cart, n, name, run, tell }: Context) =>
  Effect.gen(function* () {
    const shop = yield* Shop
    const code = fillerName(run, n % cartSkus)
    const quantity = quantityOf(n)
    yield* shop.putLine(cart, code, quantity, name)
    const commandId = shop.commandIds.put(cart, code, quantity, name)
    tell({ type: "Cart", id: cart, commandId, effect: lineEffect(code, quantity) })
    return "ok" as const
  })

type Asking = <A>(effect: Effect.Effect<A, NoAnswer, Shop>) => Effect.Effect<A, NoAnswer, Shop>
const once: Asking = (effect) => effect
/** A buyer who wants the goods asks again under the same key, every 200 ms for half a minute. */
const insisting: Asking = (effect) => Effect.retry(effect, { times: 150, schedule: Schedule.spaced("200 millis") })

/** Opens a cart in the key's region, fills it and checks out. */
const buy = (asking: Asking) => (context: Context) =>
  Effect.gen(function* () {
    const { basket, key, name, orders, step, tell } = context
    const shop = yield* Shop
    const openKey = `${name}-open`
    const cart = yield* step("open", asking(shop.openCart(key.region, openKey)))
    tell({ type: "Cart", id: cart, commandId: shop.commandIds.open(key.region, openKey), effect: "CartOpened" })
    yield* Effect.forEach(
      basket,
      ({ code, quantity }) => {
        const lineKey = `${name}-${code}`
        const commandId = shop.commandIds.put(cart, code, quantity, lineKey)
        return Effect.map(step("line", asking(shop.putLine(cart, code, quantity, lineKey))), () =>
          tell({ type: "Cart", id: cart, commandId, effect: lineEffect(code, quantity) })
        )
      },
      { concurrency: linesTogether, discard: true }
    )
    const checkOutKey = `${name}-checkout`
    const { cancelled, order, status } = yield* step("checkout", asking(shop.checkOut(cart, checkOutKey)))
    tell({
      type: "Cart",
      id: cart,
      commandId: shop.commandIds.checkOut(cart, checkOutKey),
      effect: checkedOutEffect(1)
    })
    tell({ type: "Order", id: order, commandId: null, effect: "Placed" })
    if (confirmed.has(status)) {
      tell({ type: "Order", id: order, commandId: null, effect: "ShipmentBooked" })
      for (const { code, quantity } of basket) {
        tell({ type: "Sku", id: `${key.region}_${code}`, commandId: null, effect: soldEffect(order), units: quantity })
      }
      if (orders.placed.length < ordersMax) orders.placed.push(order)
      return "ok" as const
    }
    if (cancelled === null) return yield* new NoAnswer({ code: `still ${status}` })
    if (cancelled === "no_stock") tell({ type: "Order", id: order, commandId: null, effect: "StockUnavailable" })
    return `refused:${cancelled}` as const
  })

/** One of several, as often as its share says. */
const oneOf =
  (shares: Readonly<Record<string, readonly [share: number, run: Scenario["run"]]>>): Scenario["run"] =>
  (context) => {
    const all = Object.entries(shares)
    let left = context.random() * all.reduce((sum, [, [share]]) => sum + share, 0)
    const found = all.find(([, [share]]) => (left -= share) < 0) ?? all[0]!
    const [name, [, run]] = found
    return context.step(name, run(context))
  }

const ask =
  (of: (shop: Shop["Service"], context: Context) => Effect.Effect<void, NoAnswer>): Scenario["run"] =>
  (context) =>
    Effect.as(
      Effect.flatMap(Shop, (shop) => of(shop, context)),
      "ok" as const
    )

const viewProduct = ask((shop, { key }) => shop.viewProduct(key.region, key.name))
const viewStock = ask((shop, { key }) => shop.viewStock(key.region, key.name))
const listProducts = ask((shop, { key }) => shop.listProducts(key.region, null))
const search = ask((shop, { key }) => shop.listProducts(key.region, key.name))

/** The product under another title (an edition), or at another price too. */
const relist = ({ key, n, name, tell }: Context) =>
  Effect.gen(function* () {
    const shop = yield* Shop
    const row = listing(key, n + 1, 0)
    yield* shop.list([row], name)
    const id = `${key.region}_${key.name}`
    tell({ type: "Product", id, commandId: shop.commandIds.list(row, name), effect: null })
    return "ok" as const
  })

/** The carrier speaks of the oldest order that it has not spoken of; when there is none it repeats its last word. */
const deliver = ({ orders }: Context): Effect.Effect<Outcome, NoAnswer, Shop> =>
  Effect.gen(function* () {
    const shop = yield* Shop
    const order = orders.placed[Math.min(orders.delivered, orders.placed.length - 1)]
    if (order === undefined) return "refused:nothing_to_deliver"
    if (orders.delivered < orders.placed.length) orders.delivered += 1
    yield* shop.delivered(order, `load-${order}`)
    return "ok"
  })

/** The transactions of Online Marketplace (Laigner and others, SIGMOD 2025), as often as there. */
const marketplace = oneOf({
  customer_session: [30, buy(once)],
  price_update: [3, relist],
  product_replace: [2, relist],
  delivery_update: [60, deliver],
  dashboard: [5, listProducts]
})

const buying = ["open", "line", "checkout"] as const

export const scenarios = {
  browse: {
    description: "pages of the catalogue, searches and products",
    steps: ["list", "search", "product"],
    about: "sku",
    run: oneOf({ list: [3, listProducts], search: [2, search], product: [5, viewProduct] })
  },
  cart: {
    description: "lines put into open carts; a key is a cart",
    steps: [],
    about: "cart",
    run: putLine
  },
  checkout: {
    description: "a new cart with one unit of the key's SKU, until the order is confirmed",
    steps: buying,
    about: "sku",
    run: buy(once)
  },
  mixed: {
    description:
      "the mix of Online Marketplace: customer session 30, price update 3, product replace 2, delivery update 60, dashboard 5",
    steps: ["customer_session", "price_update", "product_replace", "delivery_update", "dashboard", ...buying],
    about: "sku",
    run: marketplace
  },
  "flash-sale": {
    description: "--buyers (500) come for --units (100) of one SKU within --duration, and ask until they know",
    steps: buying,
    about: "sku",
    run: buy(insisting)
  },
  reads: {
    description: "a product or its stock",
    steps: ["product", "stock"],
    about: "sku",
    run: oneOf({ product: [1, viewProduct], stock: [1, viewStock] })
  },
  replay: {
    description: "baskets and times of a file of sales (--file), compressed to --duration",
    steps: buying,
    about: "sku",
    run: buy(once)
  }
} as const satisfies Readonly<Record<string, Scenario>>
export type ScenarioName = keyof typeof scenarios
