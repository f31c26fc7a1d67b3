import { OrderId } from "@halles/shared/Ids"
import * as Domain from "../Domain.ts"
import { OrderApi } from "./OrderApi.ts"
import { Order } from "./Order.ts"
import * as OrderState from "./OrderState.ts"
import { OrderLive } from "./OrderLive.ts"
import { OrderTable } from "./OrderTable.ts"
import { orders } from "./OrderLaws.ts"

export const order = Domain.make({
  contract: Order,
  id: OrderId,
  model: OrderState,
  live: OrderLive,
  table: OrderTable,
  routes: OrderApi,
  laws: orders,
  retention: {
    archiveAfterDays: 400,
    dropAfterDays: 3_653,
    reason:
      "a year of returns and guarantee and a month to spare; books are kept for ten years, all orders of a cart together"
  },
  notifies: {
    Placed: "order.created",
    ShipmentBooked: "order.confirmed",
    StockShipped: "order.shipped",
    Delivered: "order.delivered",
    // From here on there is no way back; what is left is to void the payment.
    StockReleased: "order.cancelled",
    ReturnRequested: "order.return_requested",
    ReturnRefunded: "order.refunded"
  },
  anytime: []
})
