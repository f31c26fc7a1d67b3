import { AddLine, CheckOut, Merge, OpenCart, PutLine, RemoveLine } from "@halles/entities/Cart"
import { Cancel, RequestReturn } from "@halles/entities/Order"
import { Refund } from "@halles/entities/Payment"
import { Adjust, Hold, holdTtlMs, Receive, Release, Reserve } from "@halles/entities/Sku"
import { CommandId, OrderId, skuId, WarehouseId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import type { Command, EntityType } from "./Call.ts"
import * as Catalogue from "./Catalogue.ts"
import type { Request } from "./Edge.ts"
import * as EdgeForm from "./EdgeForm.ts"
import type { Step } from "./Plan.ts"
import { type CartSlot, fingerprint, returnId, type World } from "./World.ts"

/** One call that is about to be made. */
export interface Intent {
  readonly type: EntityType
  readonly id: string
  readonly command: Command | null
  /** Whether a success leaves a row under the command's id. */
  readonly writes: boolean
  /** How to ask for it at the edge; `null` where the edge has no such thing. */
  readonly request: Request | null
  /** The slot whose cart it is. */
  readonly slot?: number
}

const reads = { command: null, writes: false } as const

export const viewCart = (id: string): Intent => ({
  type: "Cart",
  id,
  ...reads,
  request: { method: "GET", path: `/v1/carts/${id}`, read: EdgeForm.cartBody }
})
export const viewOrder = (id: string): Intent => ({
  type: "Order",
  id,
  ...reads,
  request: { method: "GET", path: `/v1/orders/${id}`, read: EdgeForm.orderBody }
})
export const viewSku = (region: Region, article: Catalogue.Article): Intent => ({
  type: "Sku",
  id: skuId(region, article.sku),
  ...reads,
  request: { method: "GET", path: `/v1/skus/${region}/${article.sku}`, read: EdgeForm.sku }
})
export const viewPayment = (id: string): Intent => ({ type: "Payment", id, ...reads, request: null })

/** Opens the cart of a slot. */
export const open = ({ id, key, openId, region }: CartSlot): Intent => ({
  type: "Cart",
  id,
  command: new OpenCart({ commandId: openId, currency: Catalogue.currency, pricing: "shop" }),
  writes: true,
  request:
    key === null
      ? null
      : {
          method: "POST",
          path: "/v1/carts",
          key,
          body: { region, currency: Catalogue.currency },
          read: EdgeForm.cartBody
        }
})

export const receive = (region: Region, article: Catalogue.Article, name: string, quantity: number): Intent => ({
  type: "Sku",
  id: skuId(region, article.sku),
  command: new Receive({
    commandId: CommandId.make(name),
    warehouse: WarehouseId.make(Catalogue.warehouse(region)),
    quantity
  }),
  writes: true,
  request: null
})

export const release = (sku: string, orderId: OrderId, name: string): Intent => ({
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
): Intent => ({
  type: "Sku",
  id: sku,
  command: new Hold({ commandId: CommandId.make(name), orderId, quantity, ttlMs }),
  writes: true,
  request: null
})

export const addLine = (id: string, article: Catalogue.Article, name: string, quantity: number): Intent => ({
  type: "Cart",
  id,
  command: new AddLine({ commandId: CommandId.make(name), sku: article.sku, variant: "", quantity }),
  writes: true,
  request: null
})

const address = { name: "Ada", line1: "1 Mill Lane", city: "York", postalCode: "YO1 7HH", country: "GB" }

/** What a step comes to, with what there is by now; `null` if there is nothing to do it with. */
export const of = (step: Step, world: World): Intent | null => {
  const { article: index, kind, name, nth, quantity, region } = step
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
      return ofCart(step, world, article)
    case "viewOrder":
      return order === undefined ? null : viewOrder(order)
    case "cancel":
      return order === undefined
        ? null
        : {
            type: "Order",
            id: order,
            command: new Cancel({ commandId: CommandId.make(`cancel:${name}`), reason: "changed my mind" }),
            writes: false,
            request: {
              method: "POST",
              path: `/v1/orders/${order}/cancel`,
              key: name,
              body: { reason: "changed my mind" },
              read: EdgeForm.orderBody
            }
          }
    case "requestReturn":
      return order === undefined ? null : requestReturn(order, article, name)
    case "viewSku":
      return viewSku(region, article)
    case "receive":
      return receive(region, article, name, quantity)
    case "adjust": {
      const at = WarehouseId.make(Catalogue.warehouse(region))
      const counted = { expectedOnHand: article.stock - nth, onHand: article.stock + quantity }
      const command = new Adjust({ commandId: CommandId.make(name), warehouse: at, ...counted, reason: "counted" })
      return { type: "Sku", id: sku, command, writes: false, request: null }
    }
    case "hold": {
      const orderId = OrderId.make(`${region}_hold-${name}`)
      world.held({ sku, orderId })
      return hold(sku, orderId, name, quantity)
    }
    case "reserve":
      return held === undefined
        ? null
        : {
            type: "Sku",
            id: held.sku,
            command: new Reserve({ commandId: CommandId.make(name), orderId: held.orderId }),
            writes: false,
            request: null
          }
    case "release":
      return held === undefined ? null : release(held.sku, held.orderId, name)
    case "viewPayment":
      return order === undefined ? null : viewPayment(order)
    case "refundTooMuch":
      return order === undefined ? null : refund(order, name, 100_000_000)
    case "refundNothing":
      return order === undefined ? null : refund(order, name, 0)
  }
}

const ofCart = (step: Step, world: World, article: Catalogue.Article): Intent => {
  const { kind, name, otherSlot, quantity, servable, slot, token } = step
  const cart = world.slot(slot)
  const { id } = cart
  if (!cart.opened) return { ...open(cart), slot }
  const line = { sku: article.sku, variant: "" }
  switch (kind) {
    case "putLine":
      return {
        type: "Cart",
        id,
        slot,
        command: new PutLine({ commandId: CommandId.make(`put:${article.sku}::${name}`), ...line, quantity }),
        writes: false,
        request: {
          method: "PUT",
          path: `/v1/carts/${id}/lines/${article.sku}`,
          key: name,
          body: { quantity },
          read: EdgeForm.cartBody
        }
      }
    case "addLine":
      return { ...addLine(id, article, name, quantity), slot }
    case "removeLine":
      return {
        type: "Cart",
        id,
        slot,
        command: new RemoveLine({ commandId: CommandId.make(`remove:${article.sku}::${name}`), ...line }),
        writes: false,
        request: {
          method: "DELETE",
          path: `/v1/carts/${id}/lines/${article.sku}`,
          key: name,
          read: EdgeForm.cartBody
        }
      }
    case "merge": {
      const from = world.slot(otherSlot).id
      return {
        type: "Cart",
        id,
        slot,
        command: new Merge({ commandId: CommandId.make(`merge:${name}`), from }),
        writes: false,
        request: { method: "POST", path: `/v1/carts/${id}/merge`, key: name, body: { from }, read: EdgeForm.cartBody }
      }
    }
    case "checkOut": {
      const shippingAddress = servable ? address : { ...address, postalCode: "NO-SERVICE" }
      const body = { email: "ada@example.org", shippingAddress, paymentToken: token }
      const commandId = CommandId.make(`checkout:${name}`)
      return {
        type: "Cart",
        id,
        slot,
        command: new CheckOut({ commandId, ...body, fingerprint: fingerprint(body) }),
        writes: true,
        request: { method: "POST", path: `/v1/carts/${id}/checkout`, key: name, body, read: EdgeForm.orderBody }
      }
    }
    default:
      return { ...viewCart(id), slot }
  }
}

const requestReturn = (order: OrderId, article: Catalogue.Article, name: string): Intent => {
  const fields = { reason: "too many", disposition: "restock" } as const
  return {
    type: "Order",
    id: order,
    command: new RequestReturn({
      commandId: CommandId.make(`return:${name}`),
      returnId: returnId(order, name),
      lines: [{ sku: article.sku, variant: "", quantity: 1 }],
      ...fields
    }),
    writes: true,
    request: {
      method: "POST",
      path: `/v1/orders/${order}/returns`,
      key: name,
      body: { lines: [{ sku: article.sku, quantity: 1 }], ...fields },
      read: EdgeForm.returnBody
    }
  }
}

/** What may be asked of the payment of a real order without upsetting its books: too much, or nothing. */
const refund = (order: OrderId, name: string, amount: number): Intent => ({
  type: "Payment",
  id: order,
  command: new Refund({ commandId: CommandId.make(name), reference: `${order}:${name}`, amount }),
  writes: false,
  request: null
})
