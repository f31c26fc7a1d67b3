import {
  AddLine,
  ApplyCoupon,
  CheckOut,
  HandOver,
  Merge,
  OpenCart,
  type Pricing,
  PutCharge,
  PutLine,
  PutLines,
  RemoveCoupon,
  RemoveLine,
  Reopen,
  Reprice
} from "../src/cart/Cart.ts"
import { type SaleLine, type Failure } from "../src/sale/Sale.ts"
import { CartId, CommandId, SkuCode } from "@halles/shared/Ids"
import { Quantity } from "@halles/shared/Quantity"
import { Arbitrary, Result, Schema } from "effect"
import * as CartLines from "../src/cart/CartLines.ts"
import * as CartState from "../src/cart/CartState.ts"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"

/** Carts for tests: few SKUs, so that lines meet, among them codes that are traps as keys of an object. */
export const skus = ["TEA", "22423", "7", "__proto__", "constructor"].map((code) => SkuCode.make(code))
export const [tea] = skus as [SkuCode]

type PricingMode = typeof Pricing.Type

let made = 0
/** A command id that no other command has. */
export const commandId = () => CommandId.make(`test-${(made += 1)}`)

const literal = <const L extends ReadonlyArray<string>>(...literals: L) => Arbitrary.schema(Schema.Literals(literals))
const upTo = (maximum: number, minimum = 0) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const sku = Arbitrary.map(literal(...skus), (code) => SkuCode.make(code))
const variant = literal("", "m1", "blue")
const price = Arbitrary.schema(
  Schema.Struct({ amount: upTo(99_999), currency: Schema.Literal("GBP"), taxRate: upTo(10_000) })
)

/** Parts of a bundle, or none: among the same few SKUs, so that bundles and what is sold beside them meet. */
const parts = Arbitrary.map(
  Arbitrary.array(Arbitrary.all({ sku, quantity: Arbitrary.schema(upTo(9, 1)) }), { maxLength: 3 }),
  (parts) => (parts.length === 0 ? {} : { parts })
)

export const line: Arbitrary.Arbitrary<SaleLine> = Arbitrary.map(
  Arbitrary.all({ sku, variant, quantity: Arbitrary.schema(Quantity), price, parts }),
  ({ parts, price, quantity, sku, variant }) => ({
    sku,
    variant,
    title: sku,
    quantity,
    unitPrice: price.amount,
    taxRate: price.taxRate,
    ...parts
  })
)
/** No two of the same SKU and variant, as in a cart. */
export const lines: Arbitrary.Arbitrary<ReadonlyArray<SaleLine>> = Arbitrary.map(
  Arbitrary.array(line, { maxLength: 8 }),
  (lines) => [...new Map(lines.map((line) => [`${line.sku}/${line.variant}`, line])).values()]
)

const priced = Arbitrary.map(Arbitrary.all([price, parts]), ([price, parts]) => ({ ...price, ...parts }))
const prices = Arbitrary.map(Arbitrary.all([priced, priced, Arbitrary.schema(upTo(9))]), ([one, other, gone]) =>
  Object.fromEntries(skus.flatMap((sku, index) => (index === gone ? [] : [[sku, index % 2 === 0 ? one : other]])))
)

export const address = { name: "Ada", line1: "1 Mill Lane", city: "Leeds", postalCode: "LS1", country: "GB" }
export const checkOut = (over: Partial<ConstructorParameters<typeof CheckOut>[0]> = {}) =>
  new CheckOut({
    commandId: commandId(),
    email: "ada@example.org",
    shippingAddress: address,
    paymentToken: "tok_visa",
    fingerprint: "1",
    ...over
  })
export const open = (pricing: PricingMode = "shop", over: Partial<ConstructorParameters<typeof OpenCart>[0]> = {}) =>
  new OpenCart({ commandId: commandId(), currency: "GBP", pricing, ...over })

const cartId = Arbitrary.map(literal("eu_a", "eu_b"), (id) => CartId.make(id))
const attempt = Arbitrary.schema(upTo(3, 1))

const coupon = Arbitrary.map(Arbitrary.schema(upTo(4)), (off) =>
  off === 0 ? null : { code: off % 2 === 0 ? "SPRING" : "GUEST", basisPoints: off * 500 }
)
const failure = Arbitrary.map(
  Arbitrary.all({ code: literal("no_stock", "card_declined"), sku }),
  ({ code, sku }): Failure => ({
    code,
    detail: null,
    missing: code === "no_stock" ? [{ sku, wanted: 3, available: 1 }] : []
  })
)

const lineCommand = (make: typeof PutLine | typeof AddLine, pricing: PricingMode) =>
  Arbitrary.map(
    Arbitrary.all({ sku, variant, quantity: Arbitrary.schema(upTo(400_000, 1)), price, parts }),
    ({ parts, price, quantity, sku, variant }) =>
      new make({
        commandId: commandId(),
        sku,
        variant,
        quantity,
        ...(pricing === "agreed" ? { agreedPrice: price.amount } : { listing: { title: sku, price, ...parts } })
      })
  )

/** One of the given kinds, each as likely as the others. */
const oneOf = <A>(options: ReadonlyArray<Arbitrary.Arbitrary<A>>): Arbitrary.Arbitrary<A> =>
  Arbitrary.flatMap(Arbitrary.schema(upTo(options.length - 1)), (index) => options[index]!)

/** What changes lines and nothing else. */
export const lineCommands = (pricing: PricingMode): Arbitrary.Arbitrary<PutLine | AddLine | RemoveLine> =>
  oneOf<PutLine | AddLine | RemoveLine>([
    lineCommand(PutLine, pricing),
    lineCommand(AddLine, pricing),
    Arbitrary.map(Arbitrary.all({ sku, variant }), (key) => new RemoveLine({ commandId: commandId(), ...key }))
  ])

/** Many at once, of which some have no price where prices are the shop's. */
const manyLines = (pricing: PricingMode): Arbitrary.Arbitrary<PutLines> =>
  Arbitrary.map(
    Arbitrary.array(
      Arbitrary.all({ sku, variant, quantity: Arbitrary.schema(upTo(400_000)), price, odd: Arbitrary.schema(upTo(3)) }),
      { minLength: 1, maxLength: 6 }
    ),
    (lines) =>
      new PutLines({
        commandId: commandId(),
        lines: lines.map(({ odd, price, quantity, sku, variant }) => ({
          sku,
          variant,
          quantity,
          ...(odd === 1 ? { more: true as const } : {}),
          ...(pricing === "agreed"
            ? { agreedPrice: price.amount }
            : odd === 0
              ? {}
              : { listing: { title: sku, price } })
        }))
      })
  )

export const command = (pricing: PricingMode): Arbitrary.Arbitrary<CartState.Command> =>
  oneOf<CartState.Command>([
    lineCommands("shop"),
    lineCommands("agreed"),
    manyLines("shop"),
    manyLines(pricing),
    ...Array.from({ length: 6 }, () => lineCommands(pricing)),
    Arbitrary.map(
      Arbitrary.all({ kind: literal("shipping", "discount", "fee"), amount: Arbitrary.schema(upTo(9_999)) }),
      ({ amount, kind }) =>
        new PutCharge({
          commandId: commandId(),
          charge: { code: "x", kind, amount: kind === "discount" ? -amount : amount }
        })
    ),
    Arbitrary.map(
      Arbitrary.schema(upTo(10_000, 1)),
      (basisPoints) => new ApplyCoupon({ commandId: commandId(), coupon: { code: "SPRING", basisPoints } })
    ),
    Arbitrary.map(Arbitrary.Constant(null), () => new RemoveCoupon({ commandId: commandId() })),
    Arbitrary.map(prices, (prices) => new Reprice({ commandId: commandId(), prices })),
    Arbitrary.map(cartId, (from) => new Merge({ commandId: commandId(), from })),
    Arbitrary.map(cartId, (into) => new HandOver({ commandId: commandId(), into, currency: "GBP", pricing })),
    Arbitrary.map(
      Arbitrary.all({ attempt, lines, coupon }),
      (given) => new CartState.AbsorbLines({ commandId: commandId(), charges: [], customerId: null, ...given })
    ),
    Arbitrary.map(
      attempt,
      (attempt) => new CartState.NoteMergeRefused({ commandId: commandId(), attempt, reason: "closed" })
    ),
    Arbitrary.map(
      Arbitrary.all({ prices, agreed: Arbitrary.schema(Schema.Boolean), version: Arbitrary.schema(Schema.Boolean) }),
      ({ agreed, prices, version }) =>
        checkOut({
          prices,
          ...(agreed ? { expectedTotal: { amount: 5_000, currency: "GBP" as const } } : {}),
          ...(version ? { expectedSeq: 1 } : {})
        })
    ),
    ...Array.from({ length: 2 }, () => Arbitrary.map(prices, (prices) => checkOut({ prices }))),
    Arbitrary.map(attempt, (attempt) => new CartState.NoteOrderPlaced({ commandId: commandId(), attempt })),
    ...Array.from({ length: 2 }, () =>
      Arbitrary.map(Arbitrary.all({ attempt, failure }), (word) => new Reopen({ commandId: commandId(), ...word }))
    ),
    Arbitrary.map(Arbitrary.Constant(null), () => open(pricing)),
    Arbitrary.map(Arbitrary.Constant(null), () => new TimerFired({ commandId: commandId() }))
  ])

const dayMs = 86_400_000
/** A cart's history: its commands, each with the time that passes before it. */
export const history = (pricing: PricingMode) =>
  Arbitrary.array(
    Arbitrary.all({
      command: command(pricing),
      afterMs: Arbitrary.schema(Schema.Literals([0, 1, 999, dayMs, 32 * dayMs]))
    }),
    { minLength: 12, maxLength: 40 }
  )
export type History = ReadonlyArray<{ readonly command: CartState.Command; readonly afterMs: number }>

export const evolveAll = (state: CartState.State, events: ReadonlyArray<CartState.Event>): CartState.State =>
  events.reduce(CartState.evolve, state)

/** The state after a command; a refusal leaves it as it is. */
export const after = (state: CartState.State, command: CartState.Command, now = 0): CartState.State =>
  Result.match(CartState.decide(state, command, now), {
    onFailure: () => state,
    onSuccess: (events) => evolveAll(state, events)
  })

export interface Step {
  readonly before: CartState.State
  readonly command: CartState.Command
  readonly now: number
  readonly decided: ReturnType<typeof CartState.decide>
  readonly state: CartState.State
}
/** Every step of a history that begins with the opening of the cart. */
export const live = (pricing: PricingMode, history: History): ReadonlyArray<Step> => {
  const steps: Array<Step> = []
  let now = 1_700_000_000_000
  let state = after(CartState.initial, open(pricing), now)
  for (const { afterMs, command } of history) {
    now += afterMs
    const decided = CartState.decide(state, command, now)
    const before = state
    state = Result.isSuccess(decided) ? evolveAll(state, decided.success) : state
    steps.push({ before, command, now, decided, state })
  }
  return steps
}

export const linesOf = (state: CartState.State): CartLines.Lines => (state._tag === "None" ? [] : state.lines)

/** A cart's word to another one that takes it over, and what that one then hears. */
export const handOver = new HandOver({
  commandId: commandId(),
  into: CartId.make("eu_a"),
  currency: "GBP",
  pricing: "shop"
})
export const absorb = (lines: CartLines.Lines, attempt = 1) =>
  new CartState.AbsorbLines({ commandId: commandId(), attempt, lines, charges: [], coupon: null, customerId: null })
