import { MergeRefused, TotalChanged } from "@halles/entities/cart/Cart"
import * as CartState from "@halles/entities/cart/CartState"
import { CommandReused, NotFound } from "@halles/engine/eventsourced/EntityErrors"
import * as OrderAnswers from "@halles/entities/order/OrderAnswers"
import * as OrderState from "@halles/entities/order/OrderState"
import * as PaymentState from "@halles/entities/payment/PaymentState"
import * as SkuState from "@halles/entities/inventory/SkuState"
import { CartId, OrderId, orderIdOf, SkuId } from "@halles/shared/Ids"
import { regionOf } from "@halles/shared/Region"
import type { Answer, EntityType } from "./Call.ts"
import * as Catalogue from "./Catalogue.ts"
import * as EdgeForm from "./EdgeForm.ts"
import { judge, type Judged, refused, shown, type Subject } from "./EntitySpecification.ts"
import type { Row } from "./Histories.ts"

const shownOr = (type: EntityType, id: string, view: object | null): Answer =>
  view === null ? refused(new NotFound({ entity: type, id })) : shown(view)

const prices = Object.fromEntries(
  Catalogue.articles.map((article) => [article.sku, Catalogue.listing(article).price] as const)
)
const listings = new Map(Catalogue.articles.map((article) => [article.sku, Catalogue.listing(article)] as const))

/** Lines and prices as the shell reads them from the products. */
const completeCart = (command: CartState.Command): CartState.Command => {
  switch (command._tag) {
    case "PutLine":
    case "AddLine": {
      const listing = listings.get(command.sku)
      return listing === undefined ? command : { ...command, listing }
    }
    case "CheckOut":
    case "Reprice":
      return { ...command, prices }
    default:
      return command
  }
}

const viewCart = (id: string, state: CartState.State, seq: number): Answer =>
  shownOr("Cart", id, CartState.view(id, state, seq))

const cart: Subject<CartState.State, CartState.Command, CartState.Event, CartState.Refusal> = {
  model: { ...CartState, next: () => null },
  complete: completeCart,
  refusal: (id, command) => {
    if (command._tag !== "Merge") return null
    if (command.from === id) return refused(new MergeRefused({ reason: "same_cart" }))
    return regionOf(command.from) === regionOf(id) ? null : refused(new MergeRefused({ reason: "other_region" }))
  },
  view: viewCart,
  answer: (id, command, { events, seq, state }) => {
    if (command._tag === "CheckOut") {
      const first = events.find((event) => event._tag === "CheckedOut" || event._tag === "CheckOutRefused")
      if (first?.fingerprint !== command.fingerprint) {
        return refused(new CommandReused({ commandId: command.commandId }))
      }
      if (first._tag === "CheckOutRefused") {
        return refused(new TotalChanged({ expected: first.expected, actual: first.actual }))
      }
      const orderId = orderIdOf(CartId.make(id), first.attempt)
      return shown({ orderId, cart: CartState.view(id, state, seq) })
    }
    if (command._tag === "Reopen") return { _tag: "Done" }
    return viewCart(id, state, seq)
  },
  later: (command) => (command._tag === "Merge" ? viewCart : null),
  atEdge: EdgeForm.cart
}

const sku: Subject<SkuState.State, SkuState.Command, SkuState.Event, SkuState.Refusal> = {
  model: SkuState,
  complete: (command) => command,
  refusal: () => null,
  view: (id, state, seq) => shownOr("Sku", id, seq === 0 ? null : SkuState.view(SkuId.make(id), state, seq)),
  answer: (id, command, { events, seq, state }) => {
    switch (command._tag) {
      case "Hold":
        return shown(SkuState.holdResult(state, events, command.orderId))
      case "Reserve":
        return shown(SkuState.reserveResult(state, events, command.orderId))
      case "Ship":
        return shown(SkuState.shipResult(state, events, command.orderId))
      case "Receive":
      case "Adjust":
      case "AllowBackOrder":
        return shown(SkuState.view(SkuId.make(id), state, seq))
      case "Release":
      case "Restock":
      case "WriteOff":
      case "TimerFired":
        return { _tag: "Done" }
    }
  },
  later: () => null,
  atEdge: EdgeForm.sku
}

const viewOrder = (id: string, state: OrderState.State, seq: number): Answer =>
  shownOr("Order", id, OrderAnswers.view(OrderId.make(id), state, seq))

const order: Subject<OrderState.State, OrderState.Command, OrderState.Event, OrderState.Refusal> = {
  model: { ...OrderState, next: () => null, others: () => [] },
  complete: (command) => command,
  refusal: () => null,
  view: viewOrder,
  answer: (id, _, { seq, state }) => viewOrder(id, state, seq),
  later: () => null,
  atEdge: EdgeForm.order
}

const outcome = (id: string, command: PaymentState.Command, state: PaymentState.State): Answer => {
  switch (command._tag) {
    case "Authorise":
      return shown(PaymentState.outcomeOf(state, "authorise", PaymentState.authoriseReference(OrderId.make(id))))
    case "Capture":
      return shown(PaymentState.outcomeOf(state, "capture", command.reference))
    case "Void":
      return shown(PaymentState.outcomeOf(state, "void", command.reference))
    case "Refund":
      return shown(PaymentState.outcomeOf(state, "refund", command.reference))
    case "GatewayNotice":
    case "RecordOutcome":
    case "NoteTold":
    case "TimerFired":
      return { _tag: "Done" }
  }
}

/** A payment waits for the gateway, and then says what became of the operation. */
const payment: Subject<PaymentState.State, PaymentState.Command, PaymentState.Event, PaymentState.Refusal> = {
  model: { ...PaymentState, next: () => null, others: () => [] },
  complete: (command) => command,
  refusal: () => null,
  view: (id, state, seq) => shownOr("Payment", id, PaymentState.view(state, seq)),
  answer: (id, command, { state }) => outcome(id, command, state),
  later: (command) => (id, state) => outcome(id, command, state),
  atEdge: (view) => view
}

/** How calls on one entity are judged. */
export const of = (type: EntityType, id: string, rows: ReadonlyArray<Row>): Judged => {
  switch (type) {
    case "Cart":
      return judge(cart, id, rows)
    case "Sku":
      return judge(sku, id, rows)
    case "Order":
      return judge(order, id, rows)
    case "Payment":
      return judge(payment, id, rows)
  }
}
