import * as EntityClient from "@halles/shared/EntityClient"
import { Effect, Layer, Schema } from "effect"
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
import type { WakeEntity } from "./Timers.ts"

/** Every shell that a runner hosts. */
export const layer = Layer.mergeAll(CartLive, OrderLive, SkuLive, ProductLive, CustomerLive, PaymentLive, ShipmentLive)

/** A timer names an entity type that this version does not know. */
class UnknownEntityType extends Schema.TaggedError<UnknownEntityType>()("UnknownEntityType", {
  entityType: Schema.String
}) {}

/** How the timers reach the entities. */
export const makeWake = Effect.gen(function* () {
  const clients = {
    Cart: yield* EntityClient.make(Cart),
    Order: yield* EntityClient.make(Order),
    Sku: yield* EntityClient.make(Sku),
    Product: yield* EntityClient.make(Product),
    Customer: yield* EntityClient.make(Customer),
    Payment: yield* EntityClient.make(Payment),
    Shipment: yield* EntityClient.make(Shipment)
  }
  const wake: WakeEntity = (entityType, entityId, command) =>
    Object.hasOwn(clients, entityType)
      ? clients[entityType as keyof typeof clients](entityId).Wake(command)
      : Effect.fail(new UnknownEntityType({ entityType }))
  return wake
})
