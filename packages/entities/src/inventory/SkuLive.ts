import * as EntityClient from "@halles/engine/activation/EntityClient"
import { deadlyText } from "@halles/engine/eventsourced/Deadly"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import { CommandId, type OrderId, SkuId } from "@halles/shared/Ids"
import { Effect, Layer, Schema } from "effect"
import type { EntityOf } from "@halles/engine/eventsourced/EntityOf"
import { Product } from "../catalogue/Product.ts"
import { Order } from "../order/Order.ts"
import { type Adjust, type AllowBackOrder, type Receive, Sku } from "./Sku.ts"
import { asked, type PendingStep } from "./SkuExpiry.ts"
import * as SkuState from "./SkuState.ts"

/** Orders that are asked at a time. */
const ordersAtOnce = 16
/** Of one question; who has not answered by then is asked again later. */
const callDeadline = "2 seconds"

/** No order can be reached; all are asked again. */
class NotYet extends Schema.TaggedError<NotYet>()("NotYet", { orders: Schema.Int }) {}

type Answer = "needed" | "over" | "unanswered"

/** Asks the orders whose holds are due whether they still need them. */
const makePerform = Effect.gen(function* () {
  const orders = yield* EntityClient.make(Order)

  const ask = (orderId: OrderId): Effect.Effect<Answer> =>
    orders(orderId)
      .NeedsStock()
      .pipe(
        Effect.timeout(callDeadline),
        Effect.map((isNeeded): Answer => (isNeeded ? "needed" : "over")),
        Effect.catchTag("NotFound", () => Effect.succeed<Answer>("over")),
        // An order that dies of the question may need its stock, and keeps it until an operator has looked after it.
        Effect.catchCause((cause) => Effect.succeed<Answer>(deadlyText(cause) === null ? "unanswered" : "needed"))
      )

  return Effect.fnUntraced(function* (
    { key }: PendingStep,
    state: SkuState.State,
    id: SkuId
  ): Effect.fn.Return<SkuState.Command, NotYet> {
    const answers = yield* Effect.forEach(
      asked(state),
      (orderId) => Effect.map(ask(orderId), (answer) => ({ orderId, answer })),
      { concurrency: ordersAtOnce }
    )
    const those = (wanted: Answer) => answers.flatMap(({ answer, orderId }) => (answer === wanted ? [orderId] : []))
    const unanswered = those("unanswered")
    if (unanswered.length > 0 && unanswered.length === answers.length) {
      return yield* new NotYet({ orders: unanswered.length })
    }
    return {
      _tag: "RecordNeeds",
      commandId: CommandId.make(`${key}:done`),
      origin: { actor: `sku:${id}` },
      needed: those("needed"),
      over: those("over"),
      unanswered
    }
  })
})

type Self = EntityOf<SkuId, typeof SkuState>

/** Of commands that give stock: the product, which has the id of the SKU and so is in this process, is asked whether it is a bundle. */
const makeHandlers = Effect.gen(function* () {
  const products = yield* EntityClient.make(Product)
  /** A product that does not answer is taken for no bundle: what is in stock of a bundle itself is never sold. */
  const isBundle = (id: SkuId): Effect.Effect<boolean> =>
    products(id)
      .View()
      .pipe(
        Effect.timeout(callDeadline),
        Effect.map(({ parts }) => parts !== undefined),
        Effect.catchCause(() => Effect.succeed(false))
      )
  /** While something is on hand, nobody is asked: a SKU with stock becomes no bundle. One that is sold out may have become one. */
  const unlessBundle = <C extends { readonly commandId: CommandId }>(self: Self, command: C) =>
    Effect.flatMap(self.committed, ({ state }) =>
      state.warehouses.some(({ onHand }) => onHand > 0)
        ? Effect.succeed(command)
        : Effect.map(isBundle(self.id), (bundle) => (bundle ? { ...command, _tag: "OfBundle" as const } : command))
    )

  const received = EventSourced.answerCommand(SkuState.replies.Receive)
  const adjusted = EventSourced.answerCommand(SkuState.replies.Adjust)
  const allowed = EventSourced.answerCommand(SkuState.replies.AllowBackOrder)
  return {
    Receive: (self: Self, command: Receive) =>
      Effect.flatMap(unlessBundle(self, command), (given) => received(self, given)),
    Adjust: (self: Self, command: Adjust) =>
      command.onHand <= command.expectedOnHand
        ? adjusted(self, command)
        : Effect.flatMap(unlessBundle(self, command), (given) => adjusted(self, given)),
    AllowBackOrder: (self: Self, command: AllowBackOrder) =>
      command.allowed
        ? Effect.flatMap(unlessBundle(self, command), (given) => allowed(self, given))
        : allowed(self, command)
  }
})

export const SkuLive = Layer.unwrap(
  Effect.gen(function* () {
    const perform = yield* makePerform
    const handlers = yield* makeHandlers
    return EventSourced.layer(Sku, SkuState, {
      id: SkuId,
      maxIdleTime: "5 minutes",
      mailboxCapacity: 4_096,
      perform,
      handlers
    })
  })
)
