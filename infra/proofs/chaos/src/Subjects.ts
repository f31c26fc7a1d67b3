import { MergeRefused } from "@halles/entities/cart/Cart"
import * as CartState from "@halles/entities/cart/CartState"
import { done, replyOf } from "@halles/engine/eventsourced/Replies"
import { Result } from "effect"
import * as OrderState from "@halles/entities/order/OrderState"
import * as PaymentState from "@halles/entities/payment/PaymentState"
import * as SkuState from "@halles/entities/inventory/SkuState"
import { regionOf } from "@halles/shared/Region"
import type { Answer, EntityType } from "./Call.ts"
import * as Catalogue from "./Catalogue.ts"
import * as EdgeForm from "./EdgeForm.ts"
import { type Handled, judge, type Judged, refused, replied, type Subject } from "./EntitySpecification.ts"
import type { Row } from "./Histories.ts"

/** A reply as an answer. */
const said = (reply: Result.Result<unknown, { readonly _tag: string }>): Answer =>
  Result.match(reply, {
    onSuccess: (value) => (value === undefined ? { _tag: "Done" } : replied(value)),
    onFailure: refused
  })

/** What an entity answers, by the table of its replies. */
const answersOf = <State, Command extends { readonly commandId: string; readonly _tag: string }, Event>(
  replies: object
) => {
  const answered = (id: string, tag: string, message: unknown, now: Handled<State, Event>): Answer =>
    said(replyOf(replies, tag)?.(id, { ...now, repeated: false }, message) ?? done())
  return {
    view: (id: string, state: State, seq: number): Answer =>
      answered(id, "View", undefined, { state, seq, events: [] }),
    answer: (id: string, command: Command, now: Handled<State, Event>): Answer =>
      answered(id, command._tag, command, now)
  }
}

const prices = Object.fromEntries(
  Catalogue.articles.map((article) => [article.sku, Catalogue.listing(article).price] as const)
)
const listings = new Map(Catalogue.articles.map((article) => [article.sku, Catalogue.listing(article)] as const))

/** Lines and prices as a cart reads them from the products. */
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

const carts = answersOf<CartState.State, CartState.Command, CartState.Event>(CartState.replies)
const cart: Subject<CartState.State, CartState.Command, CartState.Event, CartState.Refusal> = {
  model: { ...CartState, next: () => null },
  complete: completeCart,
  refusal: (id, command) => {
    if (command._tag !== "Merge") return null
    if (command.from === id) return refused(new MergeRefused({ reason: "same_cart" }))
    return regionOf(command.from) === regionOf(id) ? null : refused(new MergeRefused({ reason: "other_region" }))
  },
  view: carts.view,
  answer: (id, command, now) =>
    command._tag === "Merge" ? carts.view(id, now.state, now.seq) : carts.answer(id, command, now),
  later: (command) => (command._tag === "Merge" ? carts.view : null),
  atEdge: EdgeForm.cart
}

const sku: Subject<SkuState.State, SkuState.Command, SkuState.Event, SkuState.Refusal> = {
  model: SkuState,
  complete: (command) => command,
  refusal: () => null,
  ...answersOf(SkuState.replies),
  later: () => null,
  atEdge: EdgeForm.sku
}

const order: Subject<OrderState.State, OrderState.Command, OrderState.Event, OrderState.Refusal> = {
  model: { ...OrderState, next: () => null, others: () => [] },
  complete: (command) => command,
  refusal: () => null,
  ...answersOf(OrderState.replies),
  later: () => null,
  atEdge: EdgeForm.order
}

const payments = answersOf<PaymentState.State, PaymentState.Command, PaymentState.Event>(PaymentState.replies)
/** A payment waits for the gateway, and then says what became of the operation. */
const payment: Subject<PaymentState.State, PaymentState.Command, PaymentState.Event, PaymentState.Refusal> = {
  model: { ...PaymentState, next: () => null, others: () => [] },
  complete: (command) => command,
  refusal: () => null,
  ...payments,
  later: (command) => (id, state, seq) => payments.answer(id, command, { state, seq, events: [] }),
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
