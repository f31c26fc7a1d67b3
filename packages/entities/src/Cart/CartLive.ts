import * as EntityClient from "@halles/shared/EntityClient"
import { CartId, CommandId, OrderId } from "@halles/shared/Ids"
import { regionOf } from "@halles/shared/Region"
import * as Residents from "@halles/shared/Residents"
import { Effect, Layer, Schema } from "effect"
import { Entity } from "effect/cluster"
import { Cart, type CheckOut, HandedOver, HandOver, type Merge, MergeRefused, type Reprice } from "../Cart.ts"
import { Busy, CommandReused, NotFound } from "../EntityErrors.ts"
import * as EventSourced from "../EventSourced.ts"
import { Order, Place } from "../Order.ts"
import * as Refusals from "../Refusals.ts"
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

/** Sends the one message that a cart owes and makes a command of the answer. */
const makePerform = Effect.gen(function* () {
  const carts = yield* EntityClient.make(Cart)
  const orders = yield* EntityClient.make(Order)

  return (id: CartId) => {
    const fields = (commandId: string) => ({
      commandId: CommandId.make(commandId),
      origin: { actor: `cart:${id}`, correlationId: id }
    })
    const place = ({ draft }: Extract<CartState.Owed, { readonly _tag: "PlaceOrder" }>) => {
      const { charges, currency, customerId, discount, email, lines, paymentToken, shippingAddress, totals } = draft
      const goods = { currency, lines, charges, discount, totals }
      const buyer = { customerId, email, shippingAddress, paymentToken }
      return Effect.as(
        orders(OrderId.make(id)).Place(new Place({ ...fields(`${id}:place`), cartId: id, ...goods, ...buyer })),
        new CartState.NoteOrderPlaced(fields("place:done"))
      )
    }
    const askHandOver = (owed: Extract<CartState.Owed, { readonly _tag: "AskHandOver" }>) => {
      const { attempt, currency, from, key, pricing } = owed
      const done = { ...fields(`${key}:done`), attempt }
      return Effect.map(
        carts(from).HandOver(new HandOver({ ...fields(`${id}:${key}`), into: id, currency, pricing })),
        (answer) =>
          answer._tag === "Lines"
            ? new CartState.AbsorbLines({ ...done, lines: answer.lines, charges: answer.charges })
            : new CartState.NoteMergeRefused({ ...done, reason: answer.reason })
      )
    }
    return (owed: CartState.Owed) =>
      Effect.timeout<CartState.Command, unknown, never>(
        owed._tag === "PlaceOrder" ? place(owed) : askHandOver(owed),
        callDeadline
      )
  }
})

const isMerging = (state: CartState.State): boolean => state._tag === "Open" && state.merging !== null

/** Answers from the journal, so that a repeat hears what was said first; a cart that handed over changes no more. */
const handedOver = ({ events, state }: EventSourced.Handled<CartState.State, CartState.Event>): HandedOver => {
  const [event] = events
  if (event?._tag === "HandedOver" && state._tag === "Merged") {
    return { _tag: "Lines", lines: state.lines, charges: state.charges }
  }
  return { _tag: "Refused", reason: event?._tag === "HandOverRefused" ? event.reason : "closed" }
}

const options = { ...EventSourced.options, maxIdleTime: "5 minutes", mailboxCapacity: 256 } as const

export const CartLive = Layer.unwrap(
  Effect.gen(function* () {
    const perform = yield* makePerform
    const pricesOf = yield* CartPrices.make
    return Cart.toLayer(
      Effect.gen(function* () {
        const id = CartId.make((yield* Entity.CurrentAddress).entityId)
        const prices = pricesOf(regionOf(id))
        const self = yield* EventSourced.make(CartState, { perform: perform(id) })

        const shown = ({ seq, state }: { readonly state: CartState.State; readonly seq: number }) => {
          const cart = CartState.view(id, state, seq)
          return cart === null ? Effect.fail(new NotFound({ entity: CartState.type, id })) : Effect.succeed(cart)
        }
        const asked = (command: CartState.Command) => Effect.flatMap(self.handle(command), shown)
        const change = Refusals.only(
          id,
          "NotFound",
          "CartClosed",
          "CartFull",
          "NotSold",
          "PricingMismatch",
          "PreconditionFailed",
          "Busy"
        )

        const reprice = Effect.fnUntraced(function* (command: Reprice) {
          const { prices: now } = yield* prices.of((yield* self.committed).state)
          return yield* asked({ ...command, prices: now })
        })

        const checkOutOnce = Effect.fnUntraced(function* (command: CheckOut) {
          const { prices: now, skus } = yield* prices.of((yield* self.committed).state)
          return yield* self
            .handle({ ...command, prices: now })
            .pipe(
              Effect.catchTag("NotSold", (refusal) =>
                Effect.fail(refusal.skus.every((sku) => skus.has(sku)) ? refusal : new LinesChanged())
              )
            )
        })

        const merged = self.until((state) => !isMerging(state), mergeWaitMs)
        /** A cart that waits for another is `Busy`: once it has its answer, which may be by now, the command is tried again. */
        const onceMerged = <A, E>(effect: Effect.Effect<A, E | Busy>) =>
          Effect.catch(effect, (refusal) =>
            refusal instanceof Busy ? Effect.andThen(merged, effect) : Effect.fail(refusal)
          )

        const checkOut = Effect.fnUntraced(function* (command: CheckOut) {
          const done = yield* onceMerged(checkOutOnce(command)).pipe(
            Effect.retry({ times: priceRounds, while: ({ _tag }) => _tag === "LinesChanged" }),
            Effect.catchTag("LinesChanged", () => Effect.fail(new Busy()))
          )
          const first = done.events.find((event) => event._tag === "CheckedOut")
          if (first?.fingerprint !== command.fingerprint)
            return yield* new CommandReused({ commandId: command.commandId })
          return yield* shown(done)
        })

        const merge = Effect.fnUntraced(function* (command: Merge) {
          if (command.from === id) return yield* new MergeRefused({ reason: "same_cart" })
          if (regionOf(command.from) !== regionOf(id)) return yield* new MergeRefused({ reason: "other_region" })
          const { events } = yield* onceMerged(self.handle(command))
          const mine = events.find((event) => event._tag === "MergeAsked")?.attempt
          const now = yield* merged
          if (now.state._tag === "None") return yield* shown(now)
          if (now.state._tag === "Open" && now.state.merging !== null) {
            const { attempt, from } = now.state.merging
            if (mine === undefined ? from === command.from : attempt === mine) return yield* new Busy()
          }
          const outcome = now.state.merges.findLast(({ attempt, from }) =>
            mine === undefined ? from === command.from : attempt === mine
          )
          if (outcome !== undefined && outcome.refused !== null)
            return yield* new MergeRefused({ reason: outcome.refused })
          return yield* shown(now)
        })

        return Cart.of({
          OpenCart: ({ payload }) => asked(payload).pipe(Refusals.only(id, "AlreadyExists", "Busy")),
          PutLine: ({ payload }) =>
            self.committed.pipe(
              Effect.flatMap(({ state }) => prices.listed(payload, state)),
              Effect.flatMap(asked),
              change
            ),
          AddLine: ({ payload }) =>
            self.committed.pipe(
              Effect.flatMap(({ state }) => prices.listed(payload, state)),
              Effect.flatMap(asked),
              change
            ),
          RemoveLine: ({ payload }) => asked(payload).pipe(change),
          PutCharge: ({ payload }) => asked(payload).pipe(change),
          ApplyCoupon: ({ payload }) => asked(payload).pipe(change),
          RemoveCoupon: ({ payload }) => asked(payload).pipe(change),
          Reprice: ({ payload }) => reprice(payload).pipe(change),
          Merge: ({ payload }) =>
            merge(payload).pipe(
              Refusals.only(id, "NotFound", "CartClosed", "MergeRefused", "PreconditionFailed", "Busy")
            ),
          HandOver: ({ payload }) => Effect.map(self.handle(payload), handedOver).pipe(Refusals.only(id, "Busy")),
          CheckOut: ({ payload }) =>
            checkOut(payload).pipe(
              Refusals.only(
                id,
                "NotFound",
                "CartClosed",
                "CartEmpty",
                "CartFull",
                "NotSold",
                "CommandReused",
                "PreconditionFailed",
                "Busy"
              )
            ),
          Wake: ({ payload }) => Effect.asVoid(self.handle(payload)).pipe(Refusals.only(id, "Busy")),
          View: () => Effect.flatMap(self.committed, shown)
        })
      }).pipe(Residents.residing(Cart, options)),
      options
    )
  })
)
