import { CartJson } from "@halles/entities/cart/CartApi"
import { SkuJson } from "@halles/entities/inventory/SkuApi"
import { OrderJson } from "@halles/entities/order/OrderJson"
import { OrderId } from "@halles/shared/Ids"
import * as ViewJson from "@halles/shared/wire/ViewJson"

// The public edge answers with the view of an entity in its JSON form, to which some routes add something.

/** As the edge puts the view of the entity on the wire. */
export const cart = ViewJson.encoder(CartJson)
export const order = ViewJson.encoder(OrderJson)
export const sku = ViewJson.encoder(SkuJson)

/** Where an open cart is read, its lines have what the edge knows of their stock. */
export const cartBody = (body: unknown): unknown => {
  const { lines, ...rest } = body as { readonly lines: ReadonlyArray<Readonly<Record<string, unknown>>> }
  return { ...rest, lines: lines.map(({ availability: _availability, available: _available, ...line }) => line) }
}
/** A checkout is answered with the order, and its id under another name too. */
export const orderBody = (body: unknown): unknown => {
  const { orderId: _orderId, ...rest } = body as Readonly<Record<string, unknown>>
  return rest
}
/** The order inside the answer to a return that was asked for. */
export const returnBody = (body: unknown): unknown => (body as { readonly order: unknown }).order
export const skuBody = (body: unknown): unknown => body

/** The order that a checkout led to, as the edge (`orderBody`) or the cart itself says. */
export const orderIdOf = (body: unknown): OrderId | null => {
  if (typeof body !== "object" || body === null) return null
  if ("orderId" in body) return OrderId.make(String(body.orderId))
  return "id" in body ? OrderId.make(String(body.id)) : null
}
