import * as EntityClient from "@halles/shared/EntityClient"
import type { Region } from "@halles/shared/Region"
import { Effect, Layer } from "effect"
import { Cart } from "./Cart.ts"
import { CartLive } from "./Cart/CartLive.ts"
import { Customer } from "./Customer.ts"
import { CustomerLive } from "./Customer/CustomerLive.ts"
import { Order } from "./Order.ts"
import { OrderLive } from "./Order/OrderLive.ts"
import { Payment } from "./Payment.ts"
import { PaymentLive } from "./Payment/PaymentLive.ts"
import { Product } from "./Product.ts"
import { ProductLive } from "./Product/ProductLive.ts"
import { Shipment } from "./Shipment.ts"
import { ShipmentLive } from "./Shipment/ShipmentLive.ts"
import { Sku } from "./Sku.ts"
import { SkuLive } from "./Sku/SkuLive.ts"
import { NoSuchEntity, type WakeEntity } from "./Timers.ts"

/** Every shell that a runner hosts. */
export const layer = Layer.mergeAll(CartLive, OrderLive, SkuLive, ProductLive, CustomerLive, PaymentLive, ShipmentLive)

/** How the timers of a region reach its entities. */
export const makeWake = Effect.fnUntraced(function* (region: Region) {
  const clients = {
    Cart: yield* EntityClient.make(Cart),
    Order: yield* EntityClient.make(Order),
    Sku: yield* EntityClient.make(Sku),
    Product: yield* EntityClient.make(Product),
    Customer: yield* EntityClient.make(Customer),
    Payment: yield* EntityClient.make(Payment),
    Shipment: yield* EntityClient.make(Shipment)
  }
  const wake: WakeEntity = (entityType, entityId, command) => {
    if (!Object.hasOwn(clients, entityType)) {
      return Effect.fail(new NoSuchEntity({ reason: "this version knows no such type of entity" }))
    }
    if (!entityId.startsWith(`${region}_`))
      return Effect.fail(new NoSuchEntity({ reason: `its id is none of ${region}` }))
    return clients[entityType as keyof typeof clients](entityId).Wake(command)
  }
  return wake
})
