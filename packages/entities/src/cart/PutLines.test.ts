import { assert, it } from "@effect/vitest"
import { CommandId, SkuCode } from "@halles/shared/Ids"
import { Result } from "effect"
import * as fc from "fast-check"
import { AddLine, type LineChange, OpenCart, PutLine, PutLines, RemoveLine } from "./Cart.ts"
import { linesMax, unitsMax } from "../sale/Sale.ts"
import * as CartState from "./CartState.ts"

const commandId = CommandId.make("c")
const codes = ["TEA", "CUP", "POT", "GONE"].map((code) => SkuCode.make(code))
const listing = { title: "Tea", price: { amount: 100, currency: "GBP", taxRate: 2000 } } as const

const opened = (pricing: "shop" | "agreed") =>
  Result.getOrThrow(
    CartState.decide(CartState.initial, new OpenCart({ commandId, currency: "GBP", pricing }), 0)
  ).reduce(CartState.evolve, CartState.initial)
const after = (state: CartState.State, command: CartState.Command) => {
  const decided = CartState.decide(state, command, 1)
  return {
    state: Result.getOrElse(decided, () => []).reduce(CartState.evolve, state),
    refused: Result.isFailure(decided) ? decided.failure._tag : null
  }
}

const change: fc.Arbitrary<LineChange> = fc
  .record({
    sku: fc.constantFrom(...codes),
    variant: fc.constantFrom("", "m1"),
    quantity: fc.constantFrom(0, 1, 2, 7, unitsMax - 1),
    more: fc.boolean(),
    agreed: fc.constantFrom(undefined, 100, 250)
  })
  .map(({ agreed, more, ...line }) => ({
    ...line,
    ...(more ? { more: true as const } : {}),
    ...(agreed === undefined ? {} : { agreedPrice: agreed }),
    ...(line.sku === "GONE" ? {} : { listing })
  }))

const alone = ({ more, quantity, ...line }: LineChange): CartState.Command => {
  if (quantity === 0) return new RemoveLine({ commandId, sku: line.sku, variant: line.variant })
  return more === true ? new AddLine({ commandId, ...line, quantity }) : new PutLine({ commandId, ...line, quantity })
}

const changes = fc.array(change, { minLength: 1, maxLength: 12 })
const pricing = fc.constantFrom("shop" as const, "agreed" as const)

it("many lines come to what each would by itself, one after the other", () => {
  fc.assert(
    fc.property(pricing, changes, changes, (pricing, before, lines) => {
      const start = before.reduce((state, line) => after(state, alone(line)).state, opened(pricing))
      let state = start
      const expected = lines.map((line) => {
        const one = after(state, alone(line))
        state = one.state
        return one.refused
      })
      const decided = CartState.decide(start, new PutLines({ commandId, lines }), 1)
      const refused = Result.match(decided, {
        onFailure: (failure) => (failure._tag === "LinesNotTaken" ? failure.refused : assert.fail(failure._tag)),
        onSuccess: (events) => events.find((event) => event._tag === "LinesRefused")?.refused ?? []
      })
      const reasons = new Map(refused.map(({ index, reason }) => [index, reason._tag]))
      assert.deepStrictEqual(
        lines.map((_, index) => reasons.get(index) ?? null),
        expected
      )
      assert.deepStrictEqual(Result.getOrElse(decided, () => []).reduce(CartState.evolve, start), state)
    }),
    { numRuns: 1_000 }
  )
})

it("a refusal of all lines leaves no row, and what is so already neither", () => {
  const lines = [{ sku: codes[3]!, variant: "", quantity: 1 }]
  const none = CartState.decide(opened("shop"), new PutLines({ commandId, lines }), 1)
  assert.isTrue(Result.isFailure(none) && none.failure._tag === "LinesNotTaken")
  const gone = new PutLines({ commandId, lines: [{ ...lines[0]!, quantity: 0 }] })
  assert.deepStrictEqual(Result.getOrThrow(CartState.decide(opened("shop"), gone, 1)), [])
})

const line = (n: number) => ({ sku: SkuCode.make(`S${n}`), variant: "", quantity: 1, listing })

it("the last line that fits is taken, and the first one that does not is named", () => {
  let state = opened("shop")
  for (let from = 0; from < linesMax - 50; from += 50) {
    const lines = Array.from({ length: 50 }, (_, n) => line(from + n))
    state = after(state, new PutLines({ commandId, lines })).state
  }
  const lines = Array.from({ length: 51 }, (_, n) => line(linesMax - 50 + n))
  const events = Result.getOrThrow(CartState.decide(state, new PutLines({ commandId, lines }), 1))
  assert.lengthOf(events, 51)
  assert.deepInclude(events.at(-1), {
    _tag: "LinesRefused",
    refused: [{ index: 50, reason: { _tag: "CartFull", bound: "lines", max: linesMax } }]
  })
})
