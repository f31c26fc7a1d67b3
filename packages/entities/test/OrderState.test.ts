import { assert, describe, it } from "@effect/vitest"
import { CommandId, OrderId, SkuCode, WarehouseId } from "@halles/shared/Ids"
import { Result, Schema } from "effect"
import * as fc from "fast-check"
import {
  Cancel,
  NoteDelivered,
  NoteDispatched,
  NoteReturnReceived,
  Operate,
  Place,
  RequestReturn
} from "../src/Order.ts"
import { statusOf, view } from "../src/Order/OrderAnswers.ts"
import { returnables } from "../src/Order/OrderReturns.ts"
import * as OrderState from "../src/Order/OrderState.ts"
import { Wake } from "../src/Wake.ts"

const commandId = (id: string) => CommandId.make(id)
const tea = SkuCode.make("TEA")
const mug = SkuCode.make("MUG")

const place = (
  lines: ReadonlyArray<{
    readonly sku: SkuCode
    readonly quantity: number
    readonly unitPrice: number
    readonly taxRate: number
  }>,
  discount: number
) => {
  const goods = lines.reduce((sum, line) => sum + line.quantity * line.unitPrice, 0)
  return new Place({
    commandId: commandId("place"),
    cartId: "eu_1" as Place["cartId"],
    attempt: 1,
    customerId: null,
    currency: "GBP",
    lines: lines.map((line) => ({ ...line, variant: "", title: line.sku })),
    charges: [],
    discount,
    totals: { goods, charges: 0 - discount, tax: 0, total: goods - discount },
    email: "a@example.org",
    shippingAddress: { name: "A", line1: "1 Street", city: "York", postalCode: "YO1", country: "GB" },
    paymentToken: "tok_ok"
  })
}
const twoLines = place(
  [
    { sku: tea, quantity: 3, unitPrice: 495, taxRate: 0 },
    { sku: mug, quantity: 1, unitPrice: 1200, taxRate: 0 }
  ],
  0
)

const stock = [tea, mug].map((sku) => ({ sku, allocations: [{ warehouse: WarehouseId.make("eu-main"), quantity: 3 }] }))

/** As hoped, or not; with a number, as hoped once so many units have come in. */
type Luck = boolean | number

/** How the other party answers a step. */
const answer = (owed: OrderState.Owed, luck: Luck): OrderState.Outcome => {
  switch (owed._tag) {
    case "HoldStock":
      return luck === false ? { _tag: "NoStock", missing: [{ sku: tea, wanted: 3, available: 1 }] } : { _tag: "Done" }
    case "ReserveStock":
      if (luck === false) return { _tag: "NoStock", missing: [{ sku: mug, wanted: 1, available: null }] }
      if (luck === true) return { _tag: "Reserved", stock }
      return { _tag: "Awaiting", awaiting: [{ sku: tea, quantity: luck }] }
    case "BookShipment":
      return luck ? { _tag: "Booked", trackingNumbers: ["T1"] } : { _tag: "Refused", reason: "no_service" }
    case "CollectReturn":
      return luck ? { _tag: "Labelled", label: "L1" } : { _tag: "Refused", reason: "no_service" }
    case "Authorise":
    case "RecallShipment":
      return luck ? { _tag: "Done" } : { _tag: "Refused", reason: "no" }
    default:
      return { _tag: "Done" }
  }
}

const act = (state: OrderState.State, command: OrderState.Command, now: number) => {
  const decided = OrderState.decide(state, command, now)
  const events = Result.isSuccess(decided) ? decided.success : []
  return { state: events.reduce(OrderState.evolve, state), events }
}

const drive = (state: OrderState.State, luck: Luck, now: number) => {
  const owed = OrderState.next(state)
  if (owed === null) return { state, events: [] }
  const record: OrderState.Command = {
    _tag: "Record",
    commandId: commandId(`${owed.key}:done`),
    answers: owed.key,
    outcome: answer(owed, luck)
  }
  return act(state, record, now)
}

type Move =
  | { readonly _tag: "Drive"; readonly luck: Luck }
  | { readonly _tag: "Send"; readonly command: OrderState.Command }
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
  new Wake({ commandId: commandId("w") }),
  twoLines
]
const moves = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom<Luck>(true, false, 1, 2).map((luck): Move => ({ _tag: "Drive", luck })) },
    fc.constantFrom(...others).map((command): Move => ({ _tag: "Send", command }))
  ),
  { maxLength: 40 }
)
const walk = (all: ReadonlyArray<Move>) => {
  let state = act(OrderState.initial, twoLines, 1).state
  const events: Array<OrderState.Event> = []
  let now = 1
  for (const move of all) {
    now += 1
    const moved = move._tag === "Drive" ? drive(state, move.luck, now) : act(state, move.command, now)
    state = moved.state
    events.push(...moved.events)
  }
  return { state, events, now }
}

const wire = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe("OrderState", () => {
  it("ends every saga completed or compensated, whatever happens on the way", () => {
    fc.assert(
      fc.property(moves, fc.boolean(), (all, luck) => {
        const walked = walk(all)
        let { state } = walked
        for (let left = 40; OrderState.next(state) !== null; left--) {
          assert.isAbove(left, 0, `still owes ${OrderState.next(state)?.key}`)
          state = drive(state, luck, walked.now + 1).state
        }
        assert.include(["confirmed", "shipped", "delivered", "cancelled"], state.phase)
        const tags = state.steps.map(({ step }) => step)
        if (state.phase === "cancelled") {
          assert.include(tags, "stock_released")
          const skipped = walked.events.some((event) => event._tag === "StepSkipped" && event.step === "reopen")
          const failed = state.cancellation?.code !== "requested"
          assert.strictEqual(tags.at(-1) === "cart_reopened", failed && !skipped, "word to the cart")
          assert.strictEqual(view(OrderId.make("eu_1"), state, 1)!.cancelled?.cartReopened, failed && !skipped)
          assert.strictEqual(state.captured, 0, "nothing is captured of an order that is given up")
          if (tags.includes("payment_authorised")) assert.include(tags, "payment_voided")
        }
        if (state.phase === "shipped" || state.phase === "delivered")
          assert.strictEqual(state.captured, state.authorised)
      })
    )
  })

  it("says what it waits for, as long as it does, and asks anew when that has changed", () => {
    fc.assert(
      fc.property(moves, fc.integer({ min: 3, max: 9 }), (all, units) => {
        const { state } = walk(all)
        const { awaiting, status } = view(OrderId.make("eu_1"), state, 1)!
        assert.strictEqual(status === "awaiting_stock", awaiting.length > 0)
        if (status !== "awaiting_stock") return
        const owed = OrderState.next(state)
        assert.deepInclude(owed, { _tag: "ReserveStock", patient: true })
        const less = drive(state, units, 99).state
        assert.notStrictEqual(OrderState.next(less)?.key, owed?.key)
        assert.deepStrictEqual(drive(less, units, 99).events, [])
        assert.deepStrictEqual(less.steps, state.steps)
        assert.strictEqual(
          act(less, new Cancel({ commandId: commandId("c9"), reason: "too slow" }), 100).state.phase,
          "releasing"
        )
      })
    )
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
      fc.property(moves, fc.constantFrom(...others.filter(({ _tag }) => _tag !== "Operate")), (all, command) => {
        const once = act(walk(all).state, command, 99).state
        assert.deepStrictEqual(act(once, command, 99).events, [])
      })
    )
  })

  it("ignores an answer to what is owed no more", () => {
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

  it("keeps events and state whole through JSON", () => {
    fc.assert(
      fc.property(moves, (all) => {
        const { events, state } = walk(all)
        assert.deepStrictEqual(Schema.decodeUnknownSync(Schema.Array(OrderState.Event))(wire(events)), events)
        assert.deepStrictEqual(Schema.decodeUnknownSync(OrderState.State)(wire(state)), state)
      })
    )
  })

  it("wants its timer exactly while something is owed", () => {
    fc.assert(
      fc.property(moves, (all) => {
        const { state } = walk(all)
        assert.strictEqual(OrderState.dueAt(state) === null, OrderState.next(state) === null)
      })
    )
  })

  it("shows a history in the brief's words", () => {
    let { state } = act(OrderState.initial, twoLines, 1)
    const seen = [statusOf(state)]
    while (OrderState.next(state) !== null) {
      state = drive(state, true, 2).state
      seen.push(statusOf(state))
    }
    assert.deepStrictEqual(seen, ["created", "payment", "reserving", "shipping", "confirmed"])
    assert.deepStrictEqual(
      view(OrderId.make("eu_1"), state, 5)!.steps.map(({ step }) => step),
      ["placed", "stock_held", "payment_authorised", "stock_reserved", "shipment_booked"]
    )
  })
})
