import type { Commanded } from "@halles/engine/eventsourced/Kind"
import { AddLine, CheckOut, Merge, OpenCart, PutLine, RemoveLine } from "@halles/entities/cart/Cart"
import { Cancel, RequestReturn } from "@halles/entities/order/Order"
import { Refund } from "@halles/entities/payment/Payment"
import { Adjust, Hold, holdTtlMs, Receive, Release } from "@halles/entities/inventory/Sku"
import * as Anytime from "@halles/harness/Anytime"
import { currency } from "@halles/harness/Catalogue"
import { openCart } from "@halles/harness/EdgeShop"
import { customer } from "@halles/harness/Shop"
import { CommandId, OrderId, skuId, type SkuId, WarehouseId } from "@halles/shared/Ids"
import { fingerprint } from "@halles/shared/Intent"
import { type Region, regionOf } from "@halles/shared/Region"
import { Array } from "effect"
import * as Catalogue from "./Catalogue.ts"
import type { Request } from "./Edge.ts"
import * as EdgeForm from "./EdgeForm.ts"
import type { Step } from "./Plan.ts"
import type { CartSlot, DirectHold, World } from "./World.ts"

/** One call that is about to be made. */
export interface PlannedCall {
  readonly type: string
  readonly id: string
  readonly command: Commanded | null
  /** The hold that it makes, which other sessions may repeat once it is answered. */
  readonly holds?: DirectHold
  /** Whether a success leaves a row under the command's id. */
  readonly writes: boolean
  /** How to ask for it at the edge; `null` where the edge has no such thing. */
  readonly request: Request | null
  /** The slot whose cart it is. */
  readonly slot?: number
}

const reads = { command: null, writes: false } as const

export const viewCart = (id: string): PlannedCall => ({
  type: "Cart",
  id,
  ...reads,
  request: { method: "GET", path: `/v1/carts/${id}`, read: EdgeForm.cartBody }
})
export const viewOrder = (id: string): PlannedCall => ({
  type: "Order",
  id,
  ...reads,
  request: { method: "GET", path: `/v1/orders/${id}`, read: EdgeForm.orderBody }
})
export const viewSku = (region: Region, article: Catalogue.Article): PlannedCall => ({
  type: "Sku",
  id: skuId(region, article.sku),
  ...reads,
  request: { method: "GET", path: `/v1/skus/${region}/${article.sku}`, read: EdgeForm.skuBody }
})
/** What only the cluster's own clients may ask for. */
export const view = (type: string, id: string): PlannedCall => ({ type, id, ...reads, request: null })

/** Opens the cart of a slot. */
export const open = ({ id, key, openId, region }: CartSlot): PlannedCall => ({
  type: "Cart",
  id,
  command: new OpenCart({ commandId: openId, currency, pricing: "shop" }),
  writes: true,
  request: key === null ? null : { ...openCart(region, key), read: EdgeForm.cartBody }
})

export const receive = (sku: SkuId, name: string, quantity: number): PlannedCall => ({
  type: "Sku",
  id: sku,
  command: new Receive({
    commandId: CommandId.make(name),
    warehouse: WarehouseId.make(Catalogue.warehouse(regionOf(sku))),
    quantity
  }),
  writes: true,
  request: null
})

export const release = (sku: string, orderId: OrderId, name: string): PlannedCall => ({
  type: "Sku",
  id: sku,
  command: new Release({ commandId: CommandId.make(name), orderId }),
  writes: false,
  request: null
})

/** A hold for an order that there is not; it must be released again before the books are closed. */
export const hold = (
  sku: string,
  orderId: OrderId,
  name: string,
  quantity: number,
  ttlMs: number = holdTtlMs
): PlannedCall => ({
  type: "Sku",
  id: sku,
  command: new Hold({ commandId: CommandId.make(name), orderId, quantity, ttlMs }),
  writes: true,
  request: null
})

export const addLine = (id: string, article: Catalogue.Article, name: string, quantity: number): PlannedCall => ({
  type: "Cart",
  id,
  command: new AddLine({ commandId: CommandId.make(name), sku: article.sku, variant: "", quantity }),
  writes: true,
  request: null
})

/** What a manifest lets anybody send, to an entity that only visits know, and then a look at it. */
const visit = ({ name, nth, region, visit }: Step): ReadonlyArray<PlannedCall> => {
  const { commands, type } = Anytime.openDomains[visit.domain]!
  // A SKU asks the product of its id: no product and no SKU have the same.
  const id = `${region}_any${type.toLowerCase()}${nth}`
  const sent = commands(visit.seed, (index) => `${name}-${index}`).map((command) => ({ command, writes: false }))
  return [...sent, reads].map((one) => ({ type, id, request: null, ...one }))
}

/** The calls that a step comes to, with what there is by now; none if there is nothing to do it with. */
export const of = (step: Step, world: World): ReadonlyArray<PlannedCall> =>
  step.kind === "visit" ? visit(step) : Array.ensure(one(step.kind, step, world) ?? [])

/** Of six lines so many are of a bundle. */
const bundleOften = 2

const one = (kind: Exclude<Step["kind"], "visit">, step: Step, world: World): PlannedCall | null => {
  const { article: index, name, nth, quantity, region } = step
  const article = Catalogue.articles[index]!
  const sku = skuId(region, article.sku)
  const order = world.orders[nth]
  const held = world.holds[nth]
  switch (kind) {
    case "viewCart":
    case "putLine":
    case "addLine":
    case "removeLine":
    case "merge":
    case "checkOut":
      return ofCart(step, world, nth < bundleOften ? Catalogue.bundle : article)
    case "viewOrder":
      return order === undefined ? null : viewOrder(order)
    case "cancel":
      return order === undefined ? null : cancel(world, order, name)
    case "requestReturn":
      return order === undefined ? null : requestReturn(world, order, quantity === 1 ? Catalogue.bundle : article, name)
    case "viewSku":
      return viewSku(region, article)
    case "receive":
      return receive(sku, name, quantity)
    case "adjust": {
      const at = WarehouseId.make(Catalogue.warehouse(region))
      const counted = { expectedOnHand: article.stock - nth, onHand: article.stock + quantity }
      const command = new Adjust({ commandId: CommandId.make(name), warehouse: at, ...counted, reason: "counted" })
      return { type: "Sku", id: sku, command, writes: false, request: null }
    }
    case "hold": {
      const orderId = OrderId.make(`${region}_hold-${name}`)
      world.holding({ sku, orderId })
      return { ...hold(sku, orderId, name, quantity), holds: { sku, orderId } }
    }
    case "holdAgain":
      return held === undefined ? null : { ...hold(held.sku, held.orderId, name, quantity), writes: false }
    case "release":
      return held === undefined ? null : release(held.sku, held.orderId, name)
    case "viewPayment":
      return order === undefined ? null : view("Payment", order)
    case "refundTooMuch":
      return order === undefined ? null : refund(order, name, 100_000_000)
    case "refundNothing":
      return order === undefined ? null : refund(order, name, 0)
  }
}

const ofCart = (step: Step, world: World, article: Catalogue.Article): PlannedCall => {
  const { kind, name, otherSlot, quantity, servable, slot, token } = step
  const cart = world.slot(slot)
  const { id } = cart
  if (!cart.opened) return { ...open(cart), slot }
  const line = { sku: article.sku, variant: "" }
  const linePath = `/v1/carts/${id}/lines/${article.sku}`
  switch (kind) {
    case "putLine": {
      const request = { method: "PUT", path: linePath, key: name, body: { quantity }, read: EdgeForm.cartBody } as const
      const command = new PutLine({ commandId: commandId(world, "putLine", request), ...line, quantity })
      return { type: "Cart", id, slot, command, writes: false, request }
    }
    case "addLine":
      return { ...addLine(id, article, name, quantity), slot }
    case "removeLine": {
      const request = { method: "DELETE", path: linePath, key: name, read: EdgeForm.cartBody } as const
      const command = new RemoveLine({ commandId: commandId(world, "removeLine", request), ...line })
      return { type: "Cart", id, slot, command, writes: false, request }
    }
    case "merge": {
      const from = world.slot(otherSlot).id
      const path = `/v1/carts/${id}/merge`
      const request = { method: "POST", path, key: name, body: { from }, read: EdgeForm.cartBody } as const
      const command = new Merge({ commandId: commandId(world, "mergeCart", request), from })
      return { type: "Cart", id, slot, command, writes: false, request }
    }
    case "checkOut": {
      const shippingAddress = servable
        ? customer.shippingAddress
        : { ...customer.shippingAddress, postalCode: "NO-SERVICE" }
      const body = { ...customer, shippingAddress, paymentToken: token }
      const path = `/v1/carts/${id}/checkout`
      const request = { method: "POST", path, key: name, body, read: EdgeForm.orderBody } as const
      const stamp = { commandId: commandId(world, "checkOut", request), fingerprint: fingerprint(body) }
      return { type: "Cart", id, slot, command: new CheckOut({ ...stamp, ...body }), writes: true, request }
    }
    default:
      return { ...viewCart(id), slot }
  }
}

/** As the edge makes it. */
const commandId = (world: World, operation: string, request: Request): CommandId =>
  CommandId.make(`${operation}:${world.intentOf(request).name(operation)}`)

const cancel = (world: World, order: OrderId, name: string): PlannedCall => {
  const body = { reason: "changed my mind" }
  const path = `/v1/orders/${order}/cancel`
  const request = { method: "POST", path, key: name, body, read: EdgeForm.orderBody } as const
  const command = new Cancel({ commandId: commandId(world, "cancelOrder", request), ...body })
  return { type: "Order", id: order, command, writes: false, request }
}

const requestReturn = (world: World, order: OrderId, article: Catalogue.Article, name: string): PlannedCall => {
  const fields = { reason: "too many", disposition: "restock" } as const
  const body = { lines: [{ sku: article.sku, quantity: 1 }], ...fields }
  const path = `/v1/orders/${order}/returns`
  const request = { method: "POST", path, key: name, body, read: EdgeForm.returnBody } as const
  const command = new RequestReturn({
    commandId: commandId(world, "requestReturn", request),
    returnId: world.intentOf(request).name("return").slice(0, 22),
    lines: [{ sku: article.sku, variant: "", quantity: 1 }],
    ...fields
  })
  return { type: "Order", id: order, command, writes: true, request }
}

/** What may be asked of the payment of a real order without upsetting its books: too much, or nothing. */
const refund = (order: OrderId, name: string, amount: number): PlannedCall => ({
  type: "Payment",
  id: order,
  command: new Refund({ commandId: CommandId.make(name), reference: `${order}:${name}`, amount }),
  writes: false,
  request: null
})
