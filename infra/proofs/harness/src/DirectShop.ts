import * as EntityClient from "@halles/engine/activation/EntityClient"
import { Cart, CheckOut, OpenCart, PutLine } from "@halles/entities/cart/Cart"
import { Order } from "@halles/entities/order/Order"
import { ListProduct, Product } from "@halles/entities/catalogue/Product"
import { CarrierNotice, Shipment } from "@halles/entities/shipment/Shipment"
import { Receive, Sku } from "@halles/entities/inventory/Sku"
import { CartId, CommandId, OrderId, skuCode, SkuCode, SkuId, WarehouseId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import { Effect, Layer, Schedule } from "effect"
import { createHash } from "node:crypto"
import { currency, type Row, taxRate } from "./Catalogue.ts"
import { NoAnswer } from "./EdgeClient.ts"
import { type Addressed, client } from "./ProofCluster.ts"
import { type CommandIds, customer, deadlineMs, decidedWithinMs, Shop } from "./Shop.ts"

/** The order follows its cart's checkout in a moment: asked for again every 10 ms, as the edge does. */
const untilPlaced = { times: 1_000, schedule: Schedule.spaced("10 millis") }
const command = (id: string) => CommandId.make(id)

/** The commands of a sale, each with the id that its sender chose. */
export const commands = Effect.gen(function* () {
  const carts = yield* EntityClient.make(Cart)
  const orders = yield* EntityClient.make(Order)
  const products = yield* EntityClient.make(Product)
  const stocks = yield* EntityClient.make(Sku)
  return {
    openCart: (cart: string, id: string) =>
      carts(cart).OpenCart(new OpenCart({ commandId: command(id), currency, pricing: "shop" })),
    putLine: (cart: string, code: string, quantity: number, id: string, variant = "") =>
      carts(cart).PutLine(new PutLine({ commandId: command(id), sku: SkuCode.make(code), variant, quantity })),
    checkOut: (cart: string, id: string) =>
      carts(cart).CheckOut(new CheckOut({ commandId: command(id), ...customer, fingerprint: "proof" })),
    /** Answers when the order is confirmed or cancelled. */
    settled: (order: string) =>
      Effect.retry(orders(OrderId.make(order)).Settled({ timeoutMs: decidedWithinMs }), {
        ...untilPlaced,
        while: ({ _tag }) => _tag === "NotFound"
      }),
    list: (
      sku: SkuId,
      { description = "", pence, title }: Pick<Row, "title" | "description" | "pence">,
      id: string
    ) => {
      const price = { amount: pence, currency, taxRate } as const
      const listing = { commandId: command(id), sku: skuCode(sku), title, description, price }
      return products(sku).ListProduct(new ListProduct(listing))
    },
    receive: (sku: SkuId, quantity: number, id: string) =>
      stocks(sku).Receive(
        new Receive({ commandId: command(id), warehouse: WarehouseId.make(`${sku.slice(0, 2)}-main`), quantity })
      ),
    viewProduct: (sku: SkuId) => products(sku).View(),
    viewStock: (sku: SkuId) => stocks(sku).View()
  }
})

/** As at the edge: a shard that has just moved is found again. */
const again = { times: 2, schedule: Schedule.spaced("50 millis") }
const mayHelp = new Set(["EntityNotAssignedToRunner", "RunnerUnavailable", "RunnerNotRegistered"])
export const foundAgain = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.retry(effect, { ...again, while: ({ _tag }) => mayHelp.has(_tag) })

const call = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>, withinMs = deadlineMs) =>
  foundAgain(effect).pipe(
    Effect.mapError(({ _tag }) => new NoAnswer({ code: _tag })),
    Effect.timeoutOrElse({ duration: withinMs, orElse: () => Effect.fail(new NoAnswer({ code: "deadline" })) })
  )

/** 132 bits of the key's digest, as the edge makes ids: whoever repeats the key finds the same cart. */
const idOf = (region: Region, key: string): CartId =>
  CartId.make(`${region}_${createHash("sha256").update(`load:${key}`).digest("base64url").slice(0, 22)}`)

const own: CommandIds = {
  open: (_, key) => `open:${key}`,
  put: (_, code, quantity, key) => `put:${code}=${quantity}:${key}`,
  checkOut: (_, key) => `checkout:${key}`,
  list: (_, key) => `list:${key}:1`
}
const skuOf = (region: Region, code: string) => SkuId.make(`${region}_${code}`)
const listedTogether = 32

/** Calls the entities as a client of the cluster, past the edge. Lists and searches fail, since only the edge has them. */
export const layer = (address: Addressed) =>
  Layer.effect(
    Shop,
    Effect.gen(function* () {
      const shop = yield* commands
      const shipments = yield* EntityClient.make(Shipment)
      const list = (row: Row, at: number, key: string) => {
        const sku = skuOf(row.region, row.sku)
        const listed = call(shop.list(sku, row, `list:${key}:${at + 1}`))
        if (row.stock === 0) return Effect.asVoid(listed)
        return Effect.andThen(listed, Effect.asVoid(call(shop.receive(sku, row.stock, `receive:${key}:${at + 1}`))))
      }
      return Shop.of({
        commandIds: own,
        openCart: (region, key) =>
          Effect.suspend(() => {
            const id = idOf(region, key)
            return Effect.as(call(shop.openCart(id, own.open(region, key))), id)
          }),
        putLine: (cart, code, quantity, key) =>
          Effect.asVoid(call(shop.putLine(cart, code, quantity, own.put(cart, code, quantity, key)))),
        checkOut: (cart, key) =>
          Effect.gen(function* () {
            const { orderId } = yield* call(shop.checkOut(cart, own.checkOut(cart, key)))
            const order = yield* call(shop.settled(orderId), decidedWithinMs + deadlineMs)
            return { order: orderId, status: order.status, cancelled: order.cancelled?.code ?? null }
          }),
        viewProduct: (region, code) => Effect.asVoid(call(shop.viewProduct(skuOf(region, code)))),
        viewStock: (region, code) => Effect.asVoid(call(shop.viewStock(skuOf(region, code)))),
        listProducts: () => Effect.fail(new NoAnswer({ code: "no lists past the edge" })),
        list: (rows, key) =>
          Effect.forEach(rows, (row, at) => list(row, at, key), { concurrency: listedTogether, discard: true }),
        delivered: (order, eventId) => {
          const notice = { commandId: command(`webhook:${eventId}`), eventId }
          const arrived = new CarrierNotice({ ...notice, type: "shipment.delivered" })
          return Effect.asVoid(call(shipments(order).CarrierNotice(arrived)))
        }
      })
    })
  ).pipe(Layer.provide(client(address)))
