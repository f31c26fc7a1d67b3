import { assert, describe, it } from "@effect/vitest"
import { CartId, SkuCode } from "@halles/shared/Ids"
import { Arbitrary, Result, Schema } from "effect"
import { HandOver, Merge, OpenCart, PutLine } from "./Cart.ts"
import { bytesMax, type SaleLine, linesMax } from "../sale/Sale.ts"
import type { Open } from "./CartEvents.ts"
import { bytesOf } from "./CartLines.ts"
import * as CartState from "./CartState.ts"
import { Place } from "../order/Order.ts"
import * as OrderState from "../order/OrderState.ts"
import { Title } from "../catalogue/Product.ts"
import * as Carts from "../../test/Carts.ts"

const encodeCart = Schema.encodeSync(Schema.Array(CartState.Event))
const encodeState = Schema.encodeSync(CartState.State)
const sizeOf = (encoded: unknown): number => Buffer.byteLength(JSON.stringify(encoded))

/** What a row holds beside lines and charges: address, mail, totals, what was asked. */
const besides = 16_384

/** 300 characters of one kind: as long as JSON makes them. */
const alphabets = ["a", "é", "ß", "茶", "😀", '"', "\n", "\u{1F468}\u200D", "\u0007"]
const titleOf = (sign: string, length = 300): string => [...sign.repeat(300)].slice(0, length).join("")

const isTitle = Schema.is(Title)

const price = { amount: 99_999, currency: "GBP", taxRate: 10_000 } as const
const lineOf = (index: number, title: string): SaleLine => ({
  sku: SkuCode.make(`${"S".repeat(35)}${String(index).padStart(5, "0")}`),
  variant: "v".repeat(16),
  title,
  quantity: 100_000,
  unitPrice: 99_999,
  taxRate: 10_000
})
/** Unchecked: with titles that the contract refuses, too, the bound holds. */
const unchecked = { disableChecks: true }
const put = (line: SaleLine) =>
  new PutLine(
    {
      commandId: Carts.commandId(),
      sku: line.sku,
      variant: line.variant,
      quantity: 1,
      listing: { title: line.title, price }
    },
    unchecked
  )
const opening = new OpenCart({ commandId: Carts.commandId(), currency: "GBP", pricing: "shop" })
const open = Carts.after(CartState.initial, opening) as Open
const cartOf = (lines: ReadonlyArray<SaleLine>): Open => ({ ...open, lines })
const many = (count: number, title: string) =>
  Array.from({ length: count }, (_, index) => ({ ...lineOf(index, title), quantity: 1 }))
const pricesOf = (lines: ReadonlyArray<SaleLine>) => Object.fromEntries(lines.map(({ sku }) => [sku, price]))

describe("the bytes of a cart", () => {
  const lines = Arbitrary.array(
    Arbitrary.all([
      Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9_999 }))),
      Arbitrary.schema(Schema.Literals(alphabets)),
      Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 300 })))
    ]),
    { maxLength: 30 }
  )

  it.prop("are counted as they are encoded", [lines], ([all]) => {
    const fit = all.filter(([, sign, length]) => isTitle(titleOf(sign, length)))
    const cart = cartOf(fit.map(([index, sign, length]) => lineOf(index, titleOf(sign, length))))
    const encoded = encodeState(cart) as Open
    const counted = bytesOf(cart.lines, cart.charges)
    assert.isAtLeast(counted, Buffer.byteLength(JSON.stringify(encoded.lines)) - 1)
    assert.isAtMost(counted, Buffer.byteLength(JSON.stringify(encoded.lines)) + 3)
  })

  it("suffice for as many lines as there may be, in any alphabet that a title may be written in", () => {
    for (const sign of alphabets) {
      const title = titleOf(sign)
      if (!isTitle(title)) continue
      const all = many(linesMax, title)
      const cart = cartOf(all.slice(0, -1))
      const last = CartState.decide(cart, put(all.at(-1)!), 1)
      assert.isTrue(Result.isSuccess(last), `${linesMax} lines of ${JSON.stringify(sign)}`)
    }
  })

  it("are bounded: the line that would be too much is refused, and the cart can be checked out", () => {
    const title = titleOf("\u0007")
    let cart: CartState.State = open
    const all = many(linesMax, title)
    let refusal: unknown = null
    for (const line of all) {
      const decided = CartState.decide(cart, put(line), 1)
      if (Result.isFailure(decided)) {
        refusal = decided.failure
        break
      }
      cart = decided.success.reduce(CartState.evolve, cart)
    }
    assert.deepInclude(refusal, { _tag: "CartFull", bound: "bytes", max: bytesMax })
    const full = cart as Open
    assert.isAtLeast(full.lines.length, 1_200)
    const less = CartState.decide(cart, put({ ...full.lines[0]!, title: "short" }), 1)
    assert.isTrue(Result.isSuccess(less), "what makes it smaller is taken")

    const out = Result.getOrThrow(CartState.decide(cart, Carts.checkOut({ prices: pricesOf(full.lines) }), 1))
    assert.isAtMost(sizeOf(out), bytesMax + besides)
    const [event] = out
    assert(event?._tag === "CheckedOut")
    const { _tag, ...sale } = event
    const place = new Place({ ...sale, commandId: Carts.commandId(), cartId: CartId.make("eu_1") }, unchecked)
    const placed = Result.getOrThrow(OrderState.decide(OrderState.initial, place, 1))
    assert.isAtMost(sizeOf(placed), bytesMax + besides)
  })

  it("of a merged cart are twice as many at the most, in rows of one cart each; it is neither merged nor checked out before it is smaller", () => {
    const title = titleOf("😀")
    const mine = many(linesMax, title)
    const theirs = mine.map((line) => ({ ...line, variant: "w".repeat(16) }))
    assert.isAtMost(bytesOf(mine, []), bytesMax)
    const from = CartId.make("eu_b")
    const requested = CartState.decide(cartOf(mine), new Merge({ commandId: Carts.commandId(), from }), 1)
    const merging = Result.getOrThrow(requested).reduce(CartState.evolve, cartOf(mine))
    const absorbed = Result.getOrThrow(
      CartState.decide(
        merging,
        new CartState.AbsorbLines({
          commandId: Carts.commandId(),
          attempt: 1,
          lines: theirs,
          charges: [],
          coupon: null,
          customerId: null
        }),
        1
      )
    )
    assert.isAtMost(sizeOf(encodeCart(absorbed)), bytesMax + besides)
    const both = absorbed.reduce(CartState.evolve, merging)
    assert.isAtMost(sizeOf(encodeState(both)), 2 * bytesMax + besides)
    const again = CartState.decide(both, new Merge({ commandId: Carts.commandId(), from: CartId.make("eu_c") }), 1)
    assert.deepInclude(Result.isFailure(again) && again.failure, { reason: "too_many_lines" })
    const handOver = new HandOver({ commandId: Carts.commandId(), into: from, currency: "GBP", pricing: "shop" })
    assert.deepInclude(Result.getOrThrow(CartState.decide(both, handOver, 1))[0], { reason: "too_many_lines" })
    const out = CartState.decide(both, Carts.checkOut({ prices: pricesOf(mine) }), 1)
    assert.isTrue(Result.isFailure(out))
  })

  it("of a wholesaler's largest invoice are a small part of it", () => {
    const all = many(1_100, "WHITE HANGING HEART T-LIGHT HOLDER X")
    const decided = CartState.decide(cartOf(all), Carts.checkOut({ prices: pricesOf(all) }), 1)
    assert.isBelow(sizeOf(encodeCart(Result.getOrThrow(decided))), bytesMax / 10)
  })
})
