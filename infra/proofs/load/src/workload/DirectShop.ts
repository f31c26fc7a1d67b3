import * as EntityClient from "@halles/engine/activation/EntityClient"
import { Cart, CheckOut, OpenCart, PutLine } from "@halles/entities/cart/Cart"
import { Order } from "@halles/entities/order/Order"
import { ListProduct, Product } from "@halles/entities/catalogue/Product"
import { CarrierNotice, Shipment } from "@halles/entities/shipment/Shipment"
import { Receive, Sku } from "@halles/entities/inventory/Sku"
import * as ClusterClient from "@halles/engine/cluster/ClusterClient"
import { CartId, CommandId, SkuCode, SkuId, WarehouseId } from "@halles/shared/Ids"
import { Nats } from "@halles/shared/clients/Nats"
import * as Postgres from "@halles/shared/clients/Postgres"
import type { Region } from "@halles/shared/Region"
import { Effect, Layer, Redacted, Schedule } from "effect"
import { createHash } from "node:crypto"
import {
  type CommandIds,
  commandIds,
  currency,
  customer,
  deadlineMs,
  decidedWithinMs,
  type Listing,
  NoAnswer,
  Shop,
  taxRate
} from "./Shop.ts"

export interface Options {
  readonly natsUrl: string
  readonly controlUrl: string
}

/** As at the edge: a shard that has just moved is found again. */
const again = { times: 2, schedule: Schedule.spaced("50 millis") }
const mayHelp = new Set(["EntityNotAssignedToRunner", "RunnerUnavailable", "RunnerNotRegistered"])
const untilPlaced = { times: 1_000, schedule: Schedule.spaced("10 millis") }
const listedTogether = 32

const call = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>, withinMs = deadlineMs) =>
  effect.pipe(
    Effect.retry({ ...again, while: ({ _tag }) => mayHelp.has(_tag) }),
    Effect.mapError(({ _tag }) => new NoAnswer({ code: _tag })),
    Effect.timeoutOrElse({ duration: withinMs, orElse: () => Effect.fail(new NoAnswer({ code: "deadline" })) })
  )

/** 132 bits of the key's digest, as the edge makes ids: whoever repeats the key finds the same cart. */
const idOf = (region: Region, key: string): CartId =>
  CartId.make(`${region}_${createHash("sha256").update(`load:${key}`).digest("base64url").slice(0, 22)}`)

const own: CommandIds = {
  open: (_, key) => `open:${key}`,
  put: (_, code, quantity, key) => `put:${code}=${quantity}:${key}`,
  checkOut: (_, key) => `checkout:${key}`
}
const command = (id: string) => CommandId.make(id)
const skuOf = (region: Region, code: string) => SkuId.make(`${region}_${code}`)

/** The cluster as its client, past the edge. What only the edge has, searching for one, fails. */
export const layer = (options: Options) =>
  Layer.effect(
    Shop,
    Effect.gen(function* () {
      const carts = yield* EntityClient.make(Cart)
      const orders = yield* EntityClient.make(Order)
      const products = yield* EntityClient.make(Product)
      const shipments = yield* EntityClient.make(Shipment)
      const stocks = yield* EntityClient.make(Sku)

      const list = (
        { code, pence, region, title }: Listing,
        at: number,
        stock: number,
        key: string
      ): Effect.Effect<unknown, NoAnswer> => {
        const sku = skuOf(region, code)
        const price = { amount: pence, currency, taxRate } as const
        const listing = { commandId: command(commandIds.list(key, at + 1)), sku: SkuCode.make(code), title }
        const listed = call(products(sku).ListProduct(new ListProduct({ ...listing, description: "", price })))
        if (stock === 0) return listed
        const commandId = command(commandIds.receive(key, at + 1))
        const warehouse = WarehouseId.make(`${region}-main`)
        return Effect.andThen(listed, call(stocks(sku).Receive(new Receive({ commandId, warehouse, quantity: stock }))))
      }

      return Shop.of({
        commandIds: own,
        openCart: (region, key) =>
          Effect.suspend(() => {
            const id = idOf(region, key)
            const open = new OpenCart({ commandId: command(own.open(region, key)), currency, pricing: "shop" })
            return Effect.as(call(carts(id).OpenCart(open)), id)
          }),
        putLine: (cart, code, quantity, key) =>
          Effect.asVoid(
            call(
              carts(cart).PutLine(
                new PutLine({
                  commandId: command(own.put(cart, code, quantity, key)),
                  sku: SkuCode.make(code),
                  variant: "",
                  quantity
                })
              )
            )
          ),
        viewCart: (cart) => Effect.asVoid(call(carts(cart).View())),
        checkOut: (cart, key) =>
          Effect.gen(function* () {
            const commandId = command(own.checkOut(cart, key))
            const checkOut = new CheckOut({ commandId, ...customer, fingerprint: "load" })
            const { orderId } = yield* call(carts(cart).CheckOut(checkOut))
            const settled = orders(orderId).Settled({ timeoutMs: decidedWithinMs })
            const order = yield* call(
              Effect.retry(settled, { ...untilPlaced, while: ({ _tag }) => _tag === "NotFound" }),
              decidedWithinMs + deadlineMs
            )
            return { order: orderId, status: order.status, cancelled: order.cancelled?.code ?? null }
          }),
        viewOrder: (order) => Effect.asVoid(call(orders(order).View())),
        viewProduct: (region, code) => Effect.asVoid(call(products(skuOf(region, code)).View())),
        viewStock: (region, code) => Effect.asVoid(call(stocks(skuOf(region, code)).View())),
        listProducts: () => Effect.fail(new NoAnswer({ code: "no lists past the edge" })),
        list: (listings, stock, key) =>
          Effect.forEach(listings, (listing, at) => list(listing, at, stock, key), {
            concurrency: listedTogether,
            discard: true
          }),
        delivered: (order, eventId) =>
          Effect.asVoid(
            call(
              shipments(order).CarrierNotice(
                new CarrierNotice({
                  commandId: command(commandIds.delivered(eventId)),
                  eventId,
                  type: "shipment.delivered"
                })
              )
            )
          )
      })
    })
  ).pipe(
    Layer.provide(ClusterClient.layer({ region: "load" })),
    Layer.provide([
      Nats.layer({ url: Redacted.make(options.natsUrl), name: "load" }),
      Postgres.layer({
        url: Redacted.make(options.controlUrl),
        applicationName: "halles:load:control",
        connectionsMax: 2
      })
    ])
  )
