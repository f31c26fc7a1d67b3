import * as EntityClient from "@halles/engine/activation/EntityClient"
import { CartId, CommandId, orderIdOf } from "@halles/shared/Ids"
import { regionOf } from "@halles/shared/Region"
import { Effect, Layer, Schema } from "effect"
import {
  type AddLine,
  Cart,
  type CheckOut,
  HandOver,
  type Merge,
  MergeRefused,
  type PutLine,
  type PutLines,
  type Reprice
} from "./Cart.ts"
import { Busy } from "@halles/engine/eventsourced/EntityErrors"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import type { EntityOf } from "@halles/engine/eventsourced/EntityOf"
import { Order, Place } from "../order/Order.ts"
import * as CartPrices from "./CartPrices.ts"
import * as CartState from "./CartState.ts"

/** A checkout waits so long for a merge that is under way; a merge does too, and then as long for its own answer. */
const mergeWaitMs = 1_250
/** Lines that were added while a checkout asked for prices are asked for as well, so many times. */
const priceRounds = 3
/** Of one message to another entity; after it the message is sent again under the same command id. */
const callDeadline = "5 seconds"

/** Lines came in whose products had not been asked. */
class LinesChanged extends Schema.TaggedError<LinesChanged>()("LinesChanged", {}) {}

/** Sends the message of the pending step of a cart and makes a command of the answer. */
const makePerform = Effect.gen(function* () {
  const carts = yield* EntityClient.make(Cart)
  const orders = yield* EntityClient.make(Order)

  return (pendingStep: CartState.PendingStep, _state: CartState.State, id: CartId) => {
    const fields = (commandId: string) => ({
      commandId: CommandId.make(commandId),
      origin: { actor: `cart:${id}`, correlationId: id }
    })
    const place = ({ attempt, draft, key }: Extract<CartState.PendingStep, { readonly _tag: "PlaceOrder" }>) => {
      const orderId = orderIdOf(id, attempt)
      const { charges, currency, customerId, discount, email, lines, paymentToken, shippingAddress, totals } = draft
      const goods = { currency, lines, charges, discount, totals }
      const buyer = { customerId, email, shippingAddress, paymentToken }
      return Effect.as(
        orders(orderId).Place(new Place({ ...fields(`${orderId}:place`), cartId: id, attempt, ...goods, ...buyer })),
        new CartState.NoteOrderPlaced({ ...fields(`${key}:done`), attempt })
      )
    }
    const askHandOver = (pendingStep: Extract<CartState.PendingStep, { readonly _tag: "AskHandOver" }>) => {
      const { attempt, currency, from, key, pricing } = pendingStep
      const done = { ...fields(`${key}:done`), attempt }
      return Effect.map(
        carts(from).HandOver(new HandOver({ ...fields(`${id}:${key}`), into: id, currency, pricing })),
        (answer) => {
          if (answer._tag === "Refused") return new CartState.NoteMergeRefused({ ...done, reason: answer.reason })
          const { _tag: _, ...given } = answer
          return new CartState.AbsorbLines({ ...done, ...given })
        }
      )
    }
    return Effect.timeout<CartState.Command, unknown, never>(
      pendingStep._tag === "PlaceOrder" ? place(pendingStep) : askHandOver(pendingStep),
      callDeadline
    )
  }
})

const isMerging = (state: CartState.State): boolean => state._tag === "Open" && state.merging !== null

type Self = EntityOf<CartId, typeof CartState>

const toView = ({ id }: Self, now: { readonly state: CartState.State; readonly seq: number }) =>
  Effect.fromResult(CartState.replies.View(id, now))
const merged = (self: Self) => self.until((state) => !isMerging(state), mergeWaitMs)
/** A cart that waits for another is `Busy`: once it has its answer, which may be by now, the command is tried again. */
const onceMerged = <A, E>(self: Self, effect: Effect.Effect<A, E | Busy>) =>
  Effect.catch(effect, (refusal) =>
    refusal instanceof Busy ? Effect.andThen(merged(self), effect) : Effect.fail(refusal)
  )

const merge = Effect.fnUntraced(function* (self: Self, command: Merge) {
  if (command.from === self.id) return yield* new MergeRefused({ reason: "same_cart" })
  if (regionOf(command.from) !== regionOf(self.id)) return yield* new MergeRefused({ reason: "other_region" })
  const { events } = yield* onceMerged(self, self.handle(command))
  const mine = events.find((event) => event._tag === "MergeAsked")?.attempt
  const now = yield* merged(self)
  if (now.state._tag === "None") return yield* toView(self, now)
  if (now.state._tag === "Open" && now.state.merging !== null) {
    const { attempt, from } = now.state.merging
    if (mine === undefined ? from === command.from : attempt === mine) return yield* new Busy()
  }
  const outcome = now.state.merges.findLast(({ attempt, from }) =>
    mine === undefined ? from === command.from : attempt === mine
  )
  if (outcome !== undefined && outcome.refused !== null) return yield* new MergeRefused({ reason: outcome.refused })
  return yield* toView(self, now)
})

/** What asks the products. */
const makeAsking = Effect.gen(function* () {
  const pricesIn = yield* CartPrices.make
  const pricesOf = ({ id }: Self) => pricesIn(regionOf(id))

  const put = EventSourced.answerCommand(CartState.replies.PutLine)
  const listed = (self: Self, command: PutLine | AddLine) =>
    self.committed.pipe(
      Effect.flatMap(({ state }) => pricesOf(self).listed(command, state)),
      Effect.flatMap((priced) => put(self, priced))
    )

  const putAll = EventSourced.answerCommand(CartState.replies.PutLines)
  const putLines = Effect.fnUntraced(function* (self: Self, command: PutLines) {
    const { state } = yield* self.committed
    return yield* putAll(self, yield* pricesOf(self).allListed(command, state))
  })

  const repriced = EventSourced.answerCommand(CartState.replies.Reprice)
  const reprice = Effect.fnUntraced(function* (self: Self, command: Reprice) {
    const { prices } = yield* pricesOf(self).of((yield* self.committed).state)
    return yield* repriced(self, { ...command, prices })
  })

  const checkedOut = EventSourced.answerCommand(CartState.replies.CheckOut)
  const checkOutOnce = Effect.fnUntraced(function* (self: Self, command: CheckOut) {
    const { prices, skus } = yield* pricesOf(self).of((yield* self.committed).state)
    return yield* checkedOut(self, { ...command, prices }).pipe(
      Effect.catchTag("NotSold", (refusal) =>
        Effect.fail(refusal.skus.every((sku) => skus.has(sku)) ? refusal : new LinesChanged())
      )
    )
  })

  const checkOut = (self: Self, command: CheckOut) =>
    onceMerged(self, checkOutOnce(self, command)).pipe(
      Effect.retry({ times: priceRounds, while: ({ _tag }) => _tag === "LinesChanged" }),
      Effect.catchTag("LinesChanged", () => Effect.fail(new Busy()))
    )

  return { checkOut, listed, putLines, reprice }
})

export const CartLive = Layer.unwrap(
  Effect.gen(function* () {
    const perform = yield* makePerform
    const { checkOut, listed, putLines, reprice } = yield* makeAsking
    return EventSourced.layer(Cart, CartState, {
      id: CartId,
      maxIdleTime: "5 minutes",
      mailboxCapacity: 256,
      perform,
      handlers: {
        PutLine: listed,
        AddLine: listed,
        PutLines: putLines,
        Reprice: reprice,
        Merge: merge,
        CheckOut: checkOut
      }
    })
  })
)
