import { named } from "@halles/shared/wire/Named"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { OrderId } from "@halles/shared/Ids"
import { changes, looks, ofOrder, type Rule, shopper } from "@halles/shared/wire/AccessRule"
import { repeated } from "@halles/shared/wire/Operation"
import { Effect, Schema } from "effect"
import { linesMax } from "../sale/Sale.ts"
import { Payment } from "../payment/Payment.ts"
import { PaymentJson } from "../payment/PaymentJson.ts"
import * as Routes from "../routes/Routes.ts"
import { saleId } from "../sale/SaleJson.ts"
import { Shipment, ShipmentView } from "../shipment/Shipment.ts"
import { Cancel, Order, RequestReturn, ReturnLine } from "./Order.ts"
import { OrderJson, RequestedReturnJson, ReturnJson } from "./OrderJson.ts"
import { watchOrder } from "./OrderWatch.ts"

const ShipmentJson = Schema.Struct(ShipmentView.fields).pipe(
  named("Shipment", {
    orderId: saleId,
    status: "booked",
    trackingNumbers: ["HC-0042-7719"],
    parcels: [{ warehouse: "eu-main", lines: [{ sku: "TEA-01", quantity: 2 }] }],
    returns: [],
    seq: 2
  })
)

export const changeOfOrder: Rule = { ...ofOrder, ...changes, scopes: ["orders:write"], roles: shopper }
const look = { ...ofOrder, ...looks, scopes: ["orders:read"], roles: { ...shopper, warehouse: "any" } } as const
const params = { id: OrderId }

export const OrderApi = Routes.group(
  "orders",
  {
    title: "Orders",
    about: "What became of a checkout: its state and history, live if wanted; cancelling it, and sending goods back."
  },
  [
    Routes.query("getOrder", "/orders/:id", {
      params,
      access: look,
      traffic: { priority: "checkout", cost: 1 },
      summary: "The order with its history",
      about: "With its totals, payment, parcels, returns and every step of its history.",
      contract: Order,
      json: OrderJson
    }),
    Routes.query("getPayment", "/orders/:id/payment", {
      params,
      access: { ...look, roles: shopper },
      summary: "What was authorised, captured and refunded",
      about:
        "The ledger of what was asked of the payment gateway. It has no routes that change it: goods that leave capture, a return refunds, a cancelled order voids, so that an order and its money never disagree. What a cardholder's bank takes back is never refunded as well: a return is then paid back what is left, and the rest when the dispute is won.",
      contract: Payment,
      json: PaymentJson
    }),
    Routes.query("getShipment", "/orders/:id/shipment", {
      params,
      access: look,
      summary: "Parcels and where they are",
      about: "One parcel for each warehouse, the carrier's numbers for them, and what is on its way back.",
      contract: Shipment,
      json: ShipmentJson
    }),
    Routes.query("getReturn", "/orders/:id/returns/:returnId", {
      access: look,
      summary: "What became of goods sent back",
      about: "Refunded once the goods have come back.",
      contract: Order,
      params: { id: OrderId, returnId: RequestReturn.fields.returnId },
      json: ReturnJson,
      part: ({ currency, returns }, { params: { returnId } }) => {
        const goods = returns.find((one) => one.returnId === returnId)
        return goods === undefined
          ? Effect.fail(new NotFound({ entity: "Return", id: returnId }))
          : Effect.succeed({ ...goods, currency })
      }
    }),
    watchOrder,
    Routes.command("cancelOrder", "POST", "/orders/:id/cancel", {
      params,
      access: changeOfOrder,
      traffic: { priority: "checkout", cost: 5 },
      summary: "Cancel, until the goods have left",
      about: `What the order has done is undone: the shipment recalled, stock released, the payment voided. ${repeated}`,
      example: { reason: "ordered twice" },
      contract: Order,
      message: "Cancel",
      payload: Schema.Struct({ reason: Schema.optionalKey(Cancel.fields.reason) }),
      json: OrderJson,
      fields: ({ payload }) => ({ reason: payload.reason ?? "requested" })
    }),
    Routes.command("requestReturn", "POST", "/orders/:id/returns", {
      params,
      access: changeOfOrder,
      summary: "Send goods back",
      about: `For goods that have been shipped. They are refunded once they have come back: what was paid for them, their share of every discount taken off and their tax included. A return that brings everything of the order back at once is paid back with shipping and fees as well; returns of parts are not, even if they come to everything in the end. Goods go back to the warehouses that they left, the last parcel's first. ${repeated}`,
      example: { lines: [{ sku: "TEA-01", quantity: 1 }], reason: "too strong", disposition: "restock" },
      contract: Order,
      message: "RequestReturn",
      payload: Schema.Struct({
        lines: Schema.Array(
          Schema.Struct({
            sku: ReturnLine.fields.sku,
            quantity: ReturnLine.fields.quantity,
            variant: Schema.optionalKey(ReturnLine.fields.variant)
          })
        ).check(Schema.isMinLength(1), Schema.isMaxLength(linesMax)),
        reason: Schema.optionalKey(RequestReturn.fields.reason),
        disposition: RequestReturn.fields.disposition
      }),
      json: RequestedReturnJson,
      creates: {
        what: "return",
        location: (orderId, returnId) => `/v1/orders/${orderId}/returns/${returnId}`,
        status: 202
      },
      fields: ({ payload }, returnId) => ({
        returnId,
        lines: payload.lines.map((line) => ({ ...line, variant: line.variant ?? "" })),
        reason: payload.reason ?? "",
        disposition: payload.disposition
      }),
      answer: (order, returnId) => ({
        returnId,
        status: order.returns.find((goods) => goods.returnId === returnId)?.status ?? "requested",
        order
      })
    })
  ]
)
