import { assert, describe, it } from "@effect/vitest"
import { OrderId } from "@halles/shared/Ids"
import * as fc from "fast-check"
import {
  Cancel,
  NoteDelivered,
  NoteDispatched,
  NoteDispute,
  NoteReturnReceived,
  Operate,
  RequestReturn
} from "./Order.ts"
import { holdTtlMs } from "../inventory/Sku.ts"
import { needsStock, statusOf, view } from "./OrderAnswers.ts"
import { returnables } from "./OrderReturns.ts"
import { laws, type Step } from "../../test/Laws.ts"
import {
  act,
  commandId,
  delivered,
  drive,
  type Luck,
  mug,
  operate,
  send,
  settle,
  tea,
  toView,
  twoLines
} from "../../test/Orders.ts"
import { order } from "./OrderDomain.ts"
import * as OrderState from "./OrderState.ts"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"

type Move =
  | { readonly _tag: "Drive"; readonly luck: Luck; readonly nth: number }
  | { readonly _tag: "Send"; readonly command: OrderState.Command }
  | { readonly _tag: "Resume" }
const others: ReadonlyArray<OrderState.Command> = [
  new Cancel({ commandId: commandId("c"), reason: "changed my mind" }),
  new NoteDispatched({ commandId: commandId("d") }),
  new NoteDelivered({ commandId: commandId("e") }),
  new RequestReturn({
    commandId: commandId("r1"),
    returnId: "r1",
    lines: [{ sku: tea, variant: "", quantity: 2 }],
    reason: "",
    disposition: "restock"
  }),
  new RequestReturn({
    commandId: commandId("r2"),
    returnId: "r2",
    lines: [
      { sku: tea, variant: "", quantity: 1 },
      { sku: mug, variant: "", quantity: 1 }
    ],
    reason: "",
    disposition: "write_off"
  }),
  new NoteReturnReceived({ commandId: commandId("rr1"), returnId: "r1" }),
  new NoteReturnReceived({ commandId: commandId("rr2"), returnId: "r2" }),
  new Operate({ commandId: commandId("o1"), act: "retry", note: "the carrier is back" }),
  new Operate({ commandId: commandId("o2"), act: "compensate", note: "nobody can pick it" }),
  new Operate({ commandId: commandId("o3"), act: "skip", note: "the profile is gone" }),
  new Operate({ commandId: commandId("o4"), act: "retry", step: "capture", note: "the bank says yes" }),
  new Operate({ commandId: commandId("o5"), act: "retry", step: "refund-r1", note: "another card" }),
  new Operate({ commandId: commandId("o6"), act: "skip", step: "refund-r2", note: "paid by bank transfer" }),
  new NoteDispute({ commandId: commandId("n1"), what: "charged_back", reference: "d1", amount: 900 }),
  new NoteDispute({ commandId: commandId("n2"), what: "won", reference: "d1", amount: 900 }),
  new TimerFired({ commandId: commandId("w") }),
  twoLines
]
/** What is told once is told under one command id; told under two it is two. */
const isTwice = ({ _tag }: OrderState.Command): boolean => _tag === "Operate" || _tag === "NoteDispute"
const moves = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .record({
          luck: fc.constantFrom<Luck>(true, true, true, false, 1, 2, "refused", "deadly"),
          nth: fc.constantFrom(0, 0, 1, 2)
        })
        .map((fields): Move => ({ _tag: "Drive", ...fields }))
    },
    fc.constantFrom(...others).map((command): Move => ({ _tag: "Send", command })),
    fc.constant<Move>({ _tag: "Resume" })
  ),
  { maxLength: 40 }
)
const resume = (state: OrderState.State) => {
  const events = OrderState.resumed(state)
  return { state: events.reduce(OrderState.evolve, state), events, command: null }
}
const moved = (state: OrderState.State, move: Move, now: number) => {
  switch (move._tag) {
    case "Drive":
      return drive(state, move.luck, now, move.nth)
    case "Send":
      return act(state, move.command, now)
    case "Resume":
      return resume(state)
  }
}
const walk = (all: ReadonlyArray<Move>) => {
  let state = act(OrderState.initial, twoLines, 1).state
  const events: Array<OrderState.Event> = []
  const steps: Array<Step> = [{ command: twoLines, now: 1 }]
  let now = 1
  for (const move of all) {
    now += 1
    const after = moved(state, move, now)
    state = after.state
    events.push(...after.events)
    if (after.command !== null) steps.push({ command: after.command, now })
  }
  return { state, events, steps, now }
}

const keepsLaws = laws(order, "eu_a")

describe("OrderState", () => {
  it("ends every saga completed or compensated, whatever happens on the way", () => {
    fc.assert(
      fc.property(moves, fc.constantFrom<Luck>(true, false, "refused", "deadly"), (all, luck) => {
        const walked = walk(all)
        let { state } = walked
        for (let left = 80; OrderState.next(state) !== null; left--) {
          assert.isAbove(left, 0, `${OrderState.next(state)?.key} is still pending`)
          state = drive(state, luck, walked.now + 1).state
        }
        assert.include(["confirmed", "shipped", "delivered", "cancelled"], state.phase)
        const tags = state.steps.map(({ step }) => step)
        if (state.phase === "cancelled") {
          assert.isTrue(tags.includes("stock_released") || tags.includes("release_refused"))
          const skipped = walked.events.some((event) => event._tag === "StepSkipped" && event.step === "reopen")
          // What the cart refused may have been sent again by an operator.
          const last = tags.findLast((tag) => tag === "cart_reopened" || tag === "reopen_refused")
          const isNotified = state.cancellation?.code !== "requested" && last !== "reopen_refused" && !skipped
          assert.strictEqual(tags.includes("cart_reopened"), isNotified, "word to the cart")
          assert.strictEqual(view(OrderId.make("eu_1"), state, 1)!.cancelled?.cartReopened, isNotified)
          assert.strictEqual(state.captured, 0, "nothing is captured of an order that is given up")
          if (tags.includes("payment_authorised"))
            assert.isTrue(tags.includes("payment_voided") || tags.includes("void_refused"))
        }
        if (state.phase === "shipped" || state.phase === "delivered")
          assert.isTrue(state.captured === state.authorised || tags.includes("capture_refused"))
      })
    )
  })

  it("says what it waits for, as long as it does, and asks anew when that has changed", () => {
    fc.assert(
      fc.property(moves, (all) => {
        // All of the tea; on the way fewer units were missing.
        const units = 3
        const { state } = walk(all)
        const { awaiting, status } = view(OrderId.make("eu_1"), state, 1)!
        assert.strictEqual(status === "awaiting_stock", awaiting.length > 0)
        if (status !== "awaiting_stock") return
        const pendingStep = OrderState.next(state)
        assert.deepInclude(pendingStep, { _tag: "AwaitStock", patient: true })
        const less = drive(state, units, 99).state
        assert.notStrictEqual(OrderState.next(less)?.key, pendingStep?.key)
        assert.deepStrictEqual(drive(less, units, 99).events, [])
        assert.deepStrictEqual(less.steps, state.steps)
        assert.strictEqual(
          act(less, new Cancel({ commandId: commandId("c9"), reason: "too slow" }), 100).state.phase,
          "releasing"
        )
      }),
      // An order has to come far before it waits.
      { numRuns: 2_000 }
    )
  })

  it("undoes all that it may have asked for when it is given up after it was read back on its way", () => {
    const { state } = resume(act(OrderState.initial, twoLines, 1).state)
    const asked: Array<string> = []
    let now = send(state, new Cancel({ commandId: commandId("c"), reason: "changed my mind" }))
    for (let step = OrderState.next(now); step !== null; step = OrderState.next(now)) {
      asked.push(step._tag)
      now = drive(now, true, 9).state
    }
    assert.deepStrictEqual([asked, now.phase], [["RecallShipment", "ReleaseStock", "VoidPayment"], "cancelled"])
  })

  it("is given up when it is not paid for in time, and goes on when it is paid for and waits for goods", () => {
    const timer = new TimerFired({ commandId: commandId("w") })
    const late = 1 + holdTtlMs
    const placed = act(OrderState.initial, twoLines, 1).state
    const authorising = drive(placed, true, 2).state
    for (const state of [placed, authorising]) {
      assert.deepStrictEqual(act(state, timer, late - 1).events, [])
      const lost = act(state, timer, late).state
      const over = settle(lost, () => true)
      assert.deepInclude(toView(over).cancelled, { code: "hold_expired", cartReopened: true })
      assert.deepStrictEqual(toView(over).cancelled?.missing, [
        { sku: mug, wanted: 1, available: null },
        { sku: tea, wanted: 3, available: null }
      ])
    }
    const paidLate = drive(authorising, true, late)
    assert.deepStrictEqual(
      paidLate.events.map(({ _tag }) => _tag),
      ["PaymentAuthorised", "HoldLost"]
    )
    assert.include(
      toView(settle(paidLate.state, () => true)).steps.map(({ step }) => step),
      "payment_voided"
    )
    // It may have booked the shipment.
    const resumedLate = act(resume(placed).state, timer, late).state
    assert.deepInclude(OrderState.next(resumedLate), { _tag: "RecallShipment" })
    const waiting = drive(drive(placed, 1, 2).state, true, 3).state
    assert.strictEqual(statusOf(waiting), "awaiting_stock")
    assert.deepStrictEqual(act(waiting, timer, 10 * late).events, [])
    assert.strictEqual(statusOf(drive(waiting, true, 10 * late).state), "shipping")
  })

  it("needs its stock until its goods have left or it is given up, and what a SKU refused to ship until that is settled", () => {
    fc.assert(
      fc.property(moves, (all) => {
        const { state } = walk(all)
        const isOver = ["releasing", "voiding", "reopening", "cancelled", "shipped", "delivered"].includes(state.phase)
        const isToShip = state.refused.some(({ step }) => step === "ship")
        assert.strictEqual(needsStock(state), !isOver || isToShip)
      })
    )
  })

  it("asks what is held for it when its goods turn out to have left while it was given up", () => {
    const authorising = drive(act(OrderState.initial, twoLines, 1).state, true, 2).state
    const lost = drive(resume(authorising).state, true, 1 + holdTtlMs).state
    assert.deepInclude(OrderState.next(lost), { _tag: "RecallShipment" })
    const { key } = OrderState.next(lost)!
    const outcome: OrderState.Outcome = { _tag: "Refused", reason: OrderState.alreadyDispatched }
    const state = send(lost, { _tag: "Record", commandId: commandId("left"), answers: key, outcome })
    assert.deepInclude(OrderState.next(state), { _tag: "AwaitStock", key: "await" })
    const sold = settle(state, () => true)
    assert.lengthOf(sold.stock, 2)
    assert.strictEqual(statusOf(sold), "confirmed")
  })

  it("goes its way again when it was read back and its goods have left, and is paid", () => {
    const resumed = resume(act(OrderState.initial, twoLines, 1).state).state
    const cancel = new Cancel({ commandId: commandId("c"), reason: "changed my mind" })
    const dispatched = new NoteDispatched({ commandId: commandId("d") })
    const refusing = drive(send(resumed, cancel), false, 9).state
    for (const state of [send(resumed, dispatched), send(resumed, cancel, dispatched), send(refusing, dispatched)]) {
      const settled = settle(state, () => true)
      assert.include(settled, { phase: "shipped", captured: twoLines.totals.total, cancellation: null, unsure: null })
    }
  })

  it("names what is missing, and how much of it there is", () => {
    let { state } = act(OrderState.initial, twoLines, 1)
    while (state.phase !== "cancelled") state = drive(state, false, 2).state
    assert.deepStrictEqual(view(OrderId.make("eu_1"), state, 1)!.cancelled, {
      code: "no_stock",
      detail: "TEA: 1 of 3",
      missing: [{ sku: tea, wanted: 3, available: 1 }],
      cartReopened: true
    })
  })

  it("pays back at most what was captured, and takes back at most what was bought", () => {
    fc.assert(
      fc.property(moves, (all) => {
        const { state } = walk(all)
        assert.isAtMost(state.refunded, state.captured)
        const returnable = returnables(state)
        for (const line of state.draft!.lines) assert.isAtLeast(returnable(line), 0)
      })
    )
  })

  it("adds nothing when a command is decided twice (an operator may ask twice), except a cancellation that was refused and is tried again", () => {
    fc.assert(
      fc.property(moves, fc.constantFrom(...others.filter((command) => !isTwice(command))), (all, command) => {
        const once = act(walk(all).state, command, 99).state
        assert.deepStrictEqual(act(once, command, 99).events, [])
      })
    )
  })

  it("ignores an answer to a step that is not pending any more", () => {
    fc.assert(
      fc.property(moves, (all) => {
        const { state } = walk(all)
        const stale: OrderState.Command = {
          _tag: "Record",
          commandId: commandId("x"),
          answers: "something else",
          outcome: { _tag: "Done" }
        }
        assert.deepStrictEqual(act(state, stale, 99).events, [])
      })
    )
  })

  it("keeps the laws of every domain", () => {
    fc.assert(
      fc.property(moves, (all) => {
        keepsLaws(walk(all).steps)
      })
    )
  })

  it("wants its timer exactly while a step is pending", () => {
    fc.assert(
      fc.property(moves, (all) => {
        const { state } = walk(all)
        assert.strictEqual(OrderState.dueAt(state) === null, OrderState.next(state) === null)
      })
    )
  })

  it("goes on without money that cannot be captured, and takes it when an operator has it asked for anew", () => {
    const unpaid = settle(delivered, ({ _tag }) => (_tag === "Capture" ? "refused" : true))
    assert.deepInclude(toView(unpaid), {
      status: "delivered",
      refused: [{ step: "capture", reason: "closed", at: 9 }]
    })
    assert.strictEqual(unpaid.captured, 0)
    const requested = send(unpaid, operate({ act: "retry" }))
    assert.deepInclude(OrderState.next(requested), { _tag: "Capture", key: "capture:2" })
    const paid = settle(requested, () => true)
    assert.strictEqual(paid.captured, paid.authorised)
    assert.deepStrictEqual(toView(paid).refused, [])
    assert.strictEqual(paid.phase, "delivered")
    const letBe = send(unpaid, operate({ act: "skip", step: "capture" }))
    assert.deepStrictEqual(toView(letBe).refused, [])
  })

  it("is undone when a step before the goods leave does nothing but kill", () => {
    for (const killing of ["HoldStock", "Authorise", "AwaitStock", "BookShipment"]) {
      const begun = act(OrderState.initial, twoLines, 1).state
      const missing = killing === "AwaitStock" ? 1 : true
      const over = settle(begun, ({ _tag }) => (_tag === killing ? "deadly" : _tag === "HoldStock" ? missing : true))
      assert.deepInclude(toView(over).cancelled, { code: "fault", detail: "CommandDeadly", cartReopened: true })
      assert.deepStrictEqual(toView(over).refused, [])
    }
    const begun = act(OrderState.initial, twoLines, 1).state
    const all = settle(begun, ({ _tag }) => (_tag === "HoldStock" ? true : "deadly"))
    assert.strictEqual(all.phase, "cancelled")
    assert.deepStrictEqual(
      toView(all).refused.map(({ step }) => step),
      ["release", "void", "reopen"]
    )
    const mended = settle(
      send(all, ...["release", "void", "reopen"].map((step) => operate({ act: "retry", step }))),
      () => true
    )
    assert.deepStrictEqual(toView(mended).refused, [])
    assert.isTrue(toView(mended).cancelled!.cartReopened)
  })

  it("shows a history in the brief's words", () => {
    let { state } = act(OrderState.initial, twoLines, 1)
    const seen = [statusOf(state)]
    while (OrderState.next(state) !== null) {
      for (const event of drive(state, true, 2).events) {
        state = OrderState.evolve(state, event)
        seen.push(statusOf(state))
      }
    }
    assert.deepStrictEqual(seen, ["created", "payment", "reserving", "shipping", "confirmed"])
    assert.deepStrictEqual(
      view(OrderId.make("eu_1"), state, 5)!.steps.map(({ step }) => step),
      ["placed", "stock_held", "payment_authorised", "stock_reserved", "shipment_booked"]
    )
  })
})
