import * as EntityClient from "@halles/engine/activation/EntityClient"
import { CartId, CommandId, SkuCode, skuId, WarehouseId } from "@halles/shared/Ids"
import { Effect } from "effect"
import {
  AddLine,
  ApplyCoupon,
  Cart,
  CheckOut,
  HandOver,
  Merge,
  OpenCart,
  PutCharge,
  PutLine,
  PutLines,
  RemoveCoupon,
  RemoveLine,
  Reopen,
  Reprice
} from "../src/cart/Cart.ts"
import { type SaleLine, unitsMax } from "../src/sale/Sale.ts"
import * as CartState from "../src/cart/CartState.ts"
import { ListProduct, type Price, Product } from "../src/catalogue/Product.ts"
import { Receive, Sku } from "../src/inventory/Sku.ts"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import { answersOf, type Now, Refused, type Step, type Subject } from "./ModelPair.ts"
import { outcomes } from "./ModelSubjects.ts"

const { address } = outcomes

/** What a cart has around it; it outlives the runner. */
interface World {
  readonly listings: Map<string, { readonly title: string; readonly price: Price }>
  made: number
  given: ReadonlyArray<SaleLine>
  /** The attempt that `src0` gave its lines to. */
  takenBy: number
}
const worlds = new Map<string, World>()

const isReprice = ({ kind }: Step) => kind % 18 === 8

/** Even carts have shop prices, odd ones agreed prices; one that lasts is never closed. */
export const cartSubject = Effect.fnUntraced(function* (n: number, over: { readonly lasts?: boolean } = {}) {
  const id = CartId.make(`eu_k${n}`)
  const carts = yield* EntityClient.make(Cart)
  const products = yield* EntityClient.make(Product)
  const skus = yield* EntityClient.make(Sku)
  const client = carts(id)
  const answered = answersOf<CartId, CartState.Command, CartState.State, CartState.Event>(id, CartState.replies)
  const pricing = n % 2 === 0 ? "shop" : "agreed"
  const codes = [0, 1, 2, 3].map((key) => SkuCode.make(`K${n}-${key}`))
  const known = worlds.get(id)
  const world: World = known ?? { listings: new Map(), made: 0, given: [], takenBy: 0 }
  worlds.set(id, world)
  const { listings } = world
  const setUp = () => CommandId.make(`setup${(world.made += 1)}`)
  const list = Effect.fnUntraced(function* (key: number, amount: number) {
    const code = codes[key]!
    const price: Price = { amount, currency: "GBP", taxRate: 2_000 }
    const listing = { title: `Title ${key}`, price }
    const command = new ListProduct({ commandId: setUp(), sku: code, description: "", ...listing })
    yield* products(skuId("eu", code)).ListProduct(command).pipe(Effect.orDie)
    listings.set(code, listing)
  })
  /** `src0` has a line to give, `src1` does not exist, `src2` has the other kind of prices. */
  const from = (key: number) => (key === 3 ? id : CartId.make(`${id}src${key}`))
  const agreed = (amount: number) => (pricing === "agreed" ? { agreedPrice: amount } : {})
  if (known === undefined) {
    /** All of it is there: what reopens the cart is a command of the test, not an order that fails. */
    for (const code of codes) {
      const goods = { warehouse: WarehouseId.make("eu-main"), quantity: 1_000_000 }
      yield* skus(skuId("eu", code))
        .Receive(new Receive({ commandId: setUp(), ...goods }))
        .pipe(Effect.orDie)
    }
    /** The last code is never listed. */
    for (const key of [0, 1, 2]) yield* list(key, 100 * (key + 1))
    yield* carts(from(0))
      .OpenCart(new OpenCart({ commandId: setUp(), currency: "GBP", pricing }))
      .pipe(Effect.orDie)
    const put = new PutLine({ commandId: setUp(), sku: codes[0]!, variant: "", quantity: 2, ...agreed(100) })
    world.given = (yield* carts(from(0)).PutLine(put).pipe(Effect.orDie)).lines
    const other = pricing === "shop" ? "agreed" : "shop"
    yield* carts(from(2))
      .OpenCart(new OpenCart({ commandId: setUp(), currency: "GBP", pricing: other }))
      .pipe(Effect.orDie)
  }

  const viewOf = ({ seq, state }: Now<CartState.State>) => CartState.view(id, state, seq)
  const prices = () => Object.fromEntries([...listings].map(([code, { price }]) => [code, price]))

  const subject: Subject<CartState.State, CartState.Command, CartState.Event, CartState.PendingStep> = {
    model: CartState,
    id,
    commandOf: (step, commandId, state) => {
      const { key, kind, place, units, yes } = step
      if (state._tag === "None" && units > 3) return new OpenCart({ commandId, currency: "GBP", pricing })
      const line = { commandId, sku: codes[key]!, variant: ["", "m1", "blue"][place]! }
      if (isReprice(step)) return new Reprice({ commandId })
      switch (kind % 20) {
        case 0:
          return new OpenCart({ commandId, currency: "GBP", pricing })
        case 1:
        case 2:
          return new RemoveLine(line)
        case 3: {
          const charge = { code: `x${key}`, kind: yes ? "fee" : "discount", amount: yes ? units : -units } as const
          return new PutCharge({ commandId, charge })
        }
        case 4:
          return new ApplyCoupon({ commandId, coupon: { code: "SPRING", basisPoints: units * 100 } })
        case 5:
          return new RemoveCoupon({ commandId })
        case 6:
        case 7:
          return new Merge({ commandId, from: from(key) })
        case 9: {
          const currency = yes || over.lasts === true ? "EUR" : "GBP"
          return new HandOver({ commandId, into: CartId.make("eu_elsewhere"), currency, pricing })
        }
        case 10:
          if (over.lasts === true) return new RemoveCoupon({ commandId })
          return new CheckOut({
            commandId,
            email: "ada@example.org",
            shippingAddress: address(),
            paymentToken: "tok_ok",
            fingerprint: `${place}`,
            ...(yes ? { expectedTotal: { amount: 100 * units, currency: "GBP" as const } } : {})
          })
        case 11: {
          if (yes) return new TimerFired({ commandId })
          const failure = {
            code: "no_stock",
            detail: null,
            missing: [{ sku: codes[key]!, wanted: units, available: 0 }]
          } as const
          return new Reopen({ commandId, attempt: place + 1, failure })
        }
        case 15:
        case 16: {
          const of = (key: number, quantity: number) => ({
            sku: codes[key % 4]!,
            variant: line.variant,
            quantity,
            ...(yes ? { more: true as const } : {}),
            ...(units > 1 ? agreed(100 + key) : {})
          })
          const lines = [
            of(key, units),
            of(key + 1, place),
            of(key, 0),
            of(3, units),
            of(key, units > 7 ? unitsMax : 1)
          ]
          return new PutLines({ commandId, lines: lines.slice(0, units) })
        }
        case 12:
        case 13:
        case 14:
          return new AddLine({ ...line, quantity: units, ...(yes || units > 2 ? agreed(100 + key) : {}) })
        default:
          return new PutLine({ ...line, quantity: units, ...(units > 1 ? agreed(100 + key) : {}) })
      }
    },
    prepare: (step) => (isReprice(step) && step.yes && step.key < 3 ? list(step.key, 50 * step.units) : Effect.void),
    send: (command) => client[command._tag as "TimerFired"](command as never),
    view: client.View(),
    viewOf,
    completed: (command, state) => {
      const asks = state._tag === "None" || (state._tag === "Open" && state.pricing === "shop")
      if (!asks) return command
      if (command._tag === "PutLine" || command._tag === "AddLine") {
        const listing = listings.get(command.sku)
        const { listing: _, ...line } = command
        return (listing === undefined ? line : { ...line, listing }) as PutLine | AddLine
      }
      if (command._tag === "PutLines") {
        const lines = command.lines.map(({ listing: _listing, ...line }) => {
          const listing = line.quantity === 0 ? undefined : listings.get(line.sku)
          return listing === undefined ? line : { ...line, listing }
        })
        return { ...command, lines } as PutLines
      }
      return command._tag === "Reprice" || command._tag === "CheckOut" ? { ...command, prices: prices() } : command
    },
    refused: (command) => (command._tag === "Merge" && command.from === id ? "MergeRefused" : null),
    answerOf: (command, events, now) => {
      const { state } = now
      if (command._tag === "Merge" && state._tag !== "None") {
        const mergeAttempt = events.find((event) => event._tag === "MergeAsked")?.attempt
        const outcome = state.merges.findLast((one) =>
          mergeAttempt === undefined ? one.from === command.from : one.attempt === mergeAttempt
        )
        const waits = state._tag === "Open" && state.merging !== null
        if (waits || (outcome?.refused ?? null) !== null) return new Refused(waits ? "Busy" : "MergeRefused")
      }
      if (command._tag === "Merge") return viewOf(now) ?? new Refused("NotFound")
      return answered(command, events, now)
    },
    reply: (pendingStep) => {
      if (pendingStep._tag === "PlaceOrder") {
        const { attempt, key } = pendingStep
        return new CartState.NoteOrderPlaced({ commandId: CommandId.make(`${key}:done`), attempt })
      }
      const done = { commandId: CommandId.make(`${pendingStep.key}:done`), attempt: pendingStep.attempt }
      if (pendingStep.from === from(0) && (world.takenBy === 0 || world.takenBy === pendingStep.attempt)) {
        world.takenBy = pendingStep.attempt
        return new CartState.AbsorbLines({ ...done, lines: world.given, charges: [], coupon: null, customerId: null })
      }
      const reason =
        pendingStep.from === from(0) ? "closed" : pendingStep.from === from(1) ? "not_found" : "other_pricing"
      return new CartState.NoteMergeRefused({ ...done, reason })
    }
  }
  return subject
})
