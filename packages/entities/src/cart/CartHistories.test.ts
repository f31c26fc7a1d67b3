import { assert, describe, it } from "@effect/vitest"
import { CartId } from "@halles/shared/Ids"
import { Arbitrary, Effect, Result, Schema } from "effect"
import { AddLine, HandOver, Merge } from "./Cart.ts"
import { linesMax, unitsMax } from "../sale/Sale.ts"
import * as CartLines from "./CartLines.ts"
import * as CartState from "./CartState.ts"
import * as Carts from "../../test/Carts.ts"
import { laws } from "../../test/Laws.ts"
import { cart } from "./CartDomain.ts"

const { absorb, commandId, handOver, linesOf } = Carts
const from = CartId.make("eu_b")
const sum = (amounts: ReadonlyArray<number>) => amounts.reduce((sum, amount) => sum + amount, 0)
const adds = (commands: ReadonlyArray<CartState.Command>) => commands.filter(({ _tag }) => _tag === "AddLine")
const partsOf = (lines: CartLines.Lines) => lines.map(({ parts }) => parts)
const quantitiesOf = (state: CartState.State) =>
  linesOf(state).map(({ quantity, sku, variant }) => [sku, variant, quantity])
const isUnplaced = (state: CartState.State) => state._tag === "CheckedOut" && !state.placed

const keepsLaws = laws(cart, "eu_a")

describe.each(["shop", "agreed"] as const)("a cart with %s prices", (pricing) => {
  const history = Carts.history(pricing)

  it.prop("deciding twice adds nothing", [history], ([history]) => {
    for (const { command, now, state } of Carts.live(pricing, history)) {
      // By itself, that is: what the event-sourced entity has journaled under an id it does not decide again.
      if (["AddLine", "CheckOut", "PutLines"].includes(command._tag)) continue
      assert.deepStrictEqual(Carts.after(state, command, now), state, command._tag)
    }
  })

  it.prop("the laws of every domain hold", [history], ([history]) => {
    const opened = { command: Carts.open(pricing), now: 1_700_000_000_000 }
    keepsLaws([opened, ...Carts.live(pricing, history)])
  })

  it.prop("the total is the sum of its parts", [history], ([history]) => {
    for (const { state } of Carts.live(pricing, history)) {
      const { charges, lines, totals } = CartState.view("eu_a", state, 1)!
      assert.strictEqual(totals.goods, sum(lines.map(({ quantity, unitPrice }) => quantity * unitPrice)))
      assert.strictEqual(totals.charges, sum(charges.map(({ amount }) => amount)))
      assert.strictEqual(totals.total, totals.goods + totals.charges + totals.tax)
    }
  })

  it.prop("what is checked out has lines, a total of zero or more, and every bound kept", [history], ([history]) => {
    for (const { decided } of Carts.live(pricing, history)) {
      for (const event of Result.getOrElse(decided, () => [])) {
        if (event._tag !== "CheckedOut") continue
        assert.isTrue(event.totals.total >= 0 && event.lines.length > 0 && event.lines.length <= linesMax)
        assert.isTrue(CartLines.unitsMost(event.lines) <= unitsMax)
        const taken = ["SPRING", "GUEST"].map((code) => CartLines.amountOf(event.charges, { kind: "discount", code }))
        assert.strictEqual(event.discount, -sum(taken) + 0)
      }
    }
  })

  it.prop("a closed cart takes no change but word that its order came to nothing", [history], ([history]) => {
    for (const { before, command, state } of Carts.live(pricing, history)) {
      if (before._tag === "None" || before._tag === "Open") continue
      if (before._tag === "CheckedOut" && command._tag === "Reopen" && command.attempt === before.checkouts) continue
      assert.deepStrictEqual(CartState.view("eu_a", state, 1), CartState.view("eu_a", before, 1))
    }
  })

  it.prop("its timer never goes back, and once it has fired nothing is due", [history], ([history]) => {
    for (const { before, command, now, state } of Carts.live(pricing, history)) {
      if (command._tag !== "TimerFired") continue
      const due = CartState.dueAt(state)
      assert.isTrue(due === null || due > now || CartState.next(state) !== null)
      assert.isTrue(before._tag !== "Open" || state._tag === "Open" || CartState.dueAt(before)! <= now)
    }
  })

  it.prop("a cart that waits has a pending step, and a timer for it", [history], ([history]) => {
    for (const { state } of Carts.live(pricing, history)) {
      const pendingStep = CartState.next(state)
      assert.strictEqual(pendingStep !== null, (state._tag === "Open" && state.merging !== null) || isUnplaced(state))
      assert.isTrue(pendingStep === null || CartState.dueAt(state) !== null)
    }
  })

  it.prop("a checkout costs what was agreed to, or is refused and shows what it would", [history], ([history]) => {
    for (const { before, command, decided, state } of Carts.live(pricing, history)) {
      if (command._tag !== "CheckOut" || before._tag !== "Open") continue
      const { currency, totals: displayed } = CartState.view("eu_a", before, 1)!
      const stated = command.expectedTotal?.amount ?? (command.expectedSeq === undefined ? null : displayed.total)
      for (const event of Result.getOrElse(decided, () => [])) {
        if (event._tag === "CheckedOut") {
          assert.isTrue(stated === null ? event.totals.total <= displayed.total : event.totals.total === stated)
          assert.deepStrictEqual(partsOf(event.lines), partsOf(linesOf(before)))
        }
        if (event._tag === "CheckOutRefused") {
          assert.deepStrictEqual(CartState.view("eu_a", state, 1)!.totals.total, event.actual.amount)
          if (event.bundles === undefined) {
            assert.deepStrictEqual(event.expected, { amount: stated ?? displayed.total, currency })
            assert.notStrictEqual(event.actual.amount, event.expected.amount)
          } else {
            // The total is fine: what the bundles are made of is not what the cart showed.
            assert.isTrue(stated === null ? event.actual.amount <= displayed.total : event.actual.amount === stated)
            assert.isNotEmpty(event.bundles)
            assert.notDeepEqual(partsOf(linesOf(state)), partsOf(linesOf(before)))
          }
          assert.deepStrictEqual(quantitiesOf(state), quantitiesOf(before))
        }
      }
      if (Result.isFailure(decided) && decided.failure._tag === "TotalChanged") {
        assert.strictEqual(decided.failure.expected.amount, stated)
        assert.strictEqual(decided.failure.actual.amount, displayed.total)
      }
    }
  })

  it.prop(
    "its checkouts are numbered without gaps, each after word that the one before failed",
    [history],
    ([history]) => {
      let attempts = 0
      let isWaiting = false
      for (const { decided } of Carts.live(pricing, history)) {
        for (const event of Result.getOrElse(decided, () => [])) {
          if (event._tag === "CheckedOut") {
            assert.isFalse(isWaiting)
            assert.strictEqual(event.attempt, (attempts += 1))
            isWaiting = true
          }
          if (event._tag === "Reopened") {
            assert.isTrue(isWaiting)
            assert.strictEqual(event.attempt, attempts)
            isWaiting = false
          }
        }
      }
    }
  )

  it.prop("a cart that is reopened is what was checked out, and says why", [history], ([history]) => {
    let wanted: CartState.State = CartState.initial
    for (const { before, command, decided, now, state } of Carts.live(pricing, history)) {
      const [event] = Result.getOrElse(decided, () => [])
      if (event?._tag === "CheckedOut" && before._tag === "Open") wanted = { ...before, lines: event.lines }
      if (event?._tag !== "Reopened" || state._tag !== "Open" || wanted._tag !== "Open") continue
      const { attempt, failure } = event
      const failed = { changedAt: now, lastFailure: failure, notices: [] }
      assert.deepStrictEqual(state, { ...wanted, ...failed, checkouts: attempt })
      assert.deepStrictEqual(decided, Result.succeed([event]))
      assert.deepStrictEqual(Carts.after(state, command, now), state, "told twice")
    }
  })

  it.prop("a merge loses no line, no unit and no penny", [Carts.lines, Carts.lines], ([lines, others]) => {
    const merged = CartLines.absorbLines(lines, others, pricing)
    for (const sku of Carts.skus) {
      assert.strictEqual(CartLines.unitsOf(merged, sku), CartLines.unitsOf(lines, sku) + CartLines.unitsOf(others, sku))
    }
    for (const { sku, variant } of pricing === "shop" ? others : lines) {
      assert.isDefined(CartLines.find(merged, { sku, variant }))
    }
    assert.deepStrictEqual(
      merged.slice(0, lines.length).map(({ sku, variant }) => [sku, variant]),
      lines.map(({ sku, variant }) => [sku, variant])
    )
    if (pricing === "agreed") {
      assert.strictEqual(CartLines.goodsOf(merged), CartLines.goodsOf(lines) + CartLines.goodsOf(others))
    }
  })

  it.prop(
    "under any interleaving of two carts' adds with their merge no unit is lost",
    [
      Arbitrary.array(Carts.lineCommands(pricing), { maxLength: 12 }),
      Arbitrary.array(Carts.lineCommands(pricing), { maxLength: 12 }),
      Arbitrary.schema(Schema.Array(Schema.Boolean))
    ],
    ([here, there, order]) => {
      const queues = [adds(here), adds(there)]
      const empty = Carts.after(CartState.initial, Carts.open(pricing))
      let target = Carts.after(empty, new Merge({ commandId: commandId(), from }))
      let source = empty
      let accepted = 0
      const step = (first: boolean) => {
        const command = queues[first ? 0 : 1]!.shift()
        if (command?._tag !== "AddLine") return
        const state = first ? target : source
        if (Result.isSuccess(CartState.decide(state, command, 0))) accepted += command.quantity
        if (first) target = Carts.after(target, command)
        else source = Carts.after(source, command)
      }
      for (const first of order) step(first)
      source = Carts.after(source, new HandOver({ ...handOver, commandId: commandId(), pricing }))
      for (const first of order) step(first)
      target = Carts.after(target, absorb(linesOf(source)))
      while (queues[0]!.length > 0) step(true)
      const units = linesOf(target).reduce((sum, { quantity }) => sum + quantity, 0)
      assert.strictEqual(source._tag, "Merged")
      assert.strictEqual(units, accepted)
    }
  )

  it.prop("adds in any order come to the same units", [Arbitrary.array(Carts.lineCommands(pricing))], ([commands]) => {
    const empty = Carts.after(CartState.initial, Carts.open(pricing))
    const adds = commands.flatMap((one) => (one._tag === "AddLine" ? [new AddLine({ ...one, quantity: 1 })] : []))
    const samePrice = adds.map((one) => (pricing === "agreed" ? new AddLine({ ...one, agreedPrice: 100 }) : one))
    const unitsAfter = (commands: ReadonlyArray<CartState.Command>) => {
      const state = commands.reduce((state, one) => Carts.after(state, one), empty)
      return Carts.skus.map((sku) => CartLines.unitsOf(linesOf(state), sku))
    }
    assert.deepStrictEqual(unitsAfter(samePrice), unitsAfter(samePrice.toReversed()))
    assert.strictEqual(
      unitsAfter(samePrice).reduce((sum, units) => sum + units, 0),
      samePrice.length
    )
  })
})

it("the histories that the laws are tried on have every event in them", () => {
  const histories = (["shop", "agreed"] as const).flatMap((pricing) =>
    Effect.runSync(Arbitrary.sampleEffect(Carts.history(pricing), { count: 500, seed: 1 })).flatMap((history) =>
      Carts.live(pricing, history)
    )
  )
  const seen = new Set(histories.flatMap(({ decided }) => Result.getOrElse(decided, () => [])).map(({ _tag }) => _tag))
  const tags = CartState.Event.members.map(({ fields }) => fields._tag.schema.literal)
  assert.deepStrictEqual([...seen].toSorted(), tags.filter((tag) => tag !== "CartOpened").toSorted())
  const again = histories.filter(({ decided }) =>
    Result.getOrElse(decided, () => []).some((event) => event._tag === "CheckedOut" && event.attempt > 1)
  )
  assert.isAbove(again.length, 0, "no cart was checked out again")
})
