import * as EntityClient from "@halles/engine/activation/EntityClient"
import type { Region } from "@halles/shared/Region"
import { Effect, Layer } from "effect"
import { Cart } from "./cart/Cart.ts"
import { CartLive } from "./cart/CartLive.ts"
import { Customer } from "./customer/Customer.ts"
import { CustomerLive } from "./customer/CustomerLive.ts"
import { Order } from "./order/Order.ts"
import { OrderLive } from "./order/OrderLive.ts"
import { Payment } from "./payment/Payment.ts"
import { PaymentLive } from "./payment/PaymentLive.ts"
import { Product } from "./catalogue/Product.ts"
import { ProductLive } from "./catalogue/ProductLive.ts"
import { Shipment } from "./shipment/Shipment.ts"
import { ShipmentLive } from "./shipment/ShipmentLive.ts"
import { Sku } from "./inventory/Sku.ts"
import { SkuLive } from "./inventory/SkuLive.ts"
import { NoSuchEntity, type WakeEntity } from "@halles/engine/eventsourced/Timers"

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
    return clients[entityType as keyof typeof clients](entityId).TimerFired(command)
  }
  return wake
})
