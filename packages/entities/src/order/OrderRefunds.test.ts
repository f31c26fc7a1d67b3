import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { NoteDispute, NoteReturnReceived, RequestReturn, returnLinesMax } from "./Order.ts"
import { back, commandId, delivered, drive, mug, operate, send, settle, tea, toView } from "../../test/Orders.ts"
import * as OrderState from "./OrderState.ts"

const recorded = (answers: string, outcome: OrderState.Outcome): OrderState.Command => ({
  _tag: "Record",
  commandId: commandId(`${answers}:done`),
  answers,
  outcome
})
const note = (what: "charged_back" | "won") =>
  new NoteDispute({ commandId: commandId(what), what, reference: "d", amount: 1_000 })
/** All that was bought comes back with one return. */
const allBack = (sold: OrderState.State) => [
  new RequestReturn({
    commandId: commandId("r1"),
    returnId: "r1",
    lines: sold.draft!.lines.map(({ quantity, sku, variant }) => ({ sku, variant, quantity })),
    reason: "",
    disposition: "restock"
  }),
  new NoteReturnReceived({ commandId: commandId("rr"), returnId: "r1" })
]

describe("an order that takes goods back", () => {
  it("bounds the lines of all its returns together", () => {
    const sold = settle(
      send(
        settle(delivered, () => true),
        ...back("r1", tea, 1)
      ),
      () => true
    )
    const [first] = sold.returns
    const other = { ...first!.lines[0]!, sku: mug }
    const having = (lines: number) => ({
      ...sold,
      returns: [{ ...first!, lines: Array.from({ length: lines }, () => other) }]
    })
    const [ask] = back("r2", tea, 1)
    assert.isTrue(Result.isSuccess(OrderState.decide(having(returnLinesMax - 1), ask!, 9)))
    const refused = OrderState.decide(having(returnLinesMax), ask!, 9)
    assert.deepInclude(Result.isFailure(refused) ? refused.failure : {}, { bound: "lines", max: returnLinesMax })
  })

  it("takes one return after the other back though a refund of one is refused, and pays that in another way", () => {
    const sold = settle(delivered, () => true)
    const both = send(sold, ...back("r1", tea, 1), ...back("r2", mug, 1))
    const one = settle(both, ({ key }) => (key === "refund-r1" ? "deadly" : true))
    assert.deepStrictEqual(
      toView(one).returns.map(({ status }) => status),
      ["refund_refused", "refunded"]
    )
    assert.deepStrictEqual(
      toView(one).refused.map(({ step }) => step),
      ["refund-r1"]
    )
    const anew = send(one, operate({ act: "retry", step: "refund-r1" }))
    assert.deepInclude(OrderState.next(anew), { key: "refund-r1:2", amount: 495 })
    const elsewhere = send(one, operate({ act: "skip", step: "refund-r1" }))
    assert.deepStrictEqual(
      toView(elsewhere).returns.map(({ status }) => status),
      ["settled", "refunded"]
    )
    assert.isNull(OrderState.next(elsewhere))
  })

  it("pays back what a bank has left, and the rest once the dispute is won", () => {
    const sold = settle(delivered, () => true)
    const total = sold.captured
    let state = send(sold, note("charged_back"), ...allBack(sold))
    const record = (outcome: OrderState.Outcome) => recorded(OrderState.next(state)!.key, outcome)
    while (OrderState.next(state)!._tag !== "RefundReturn") state = send(state, record({ _tag: "Done" }))
    state = send(state, record({ _tag: "Refused", reason: "exceeds_captured", refundable: total - 1_000 }))
    assert.deepInclude(OrderState.next(state), { key: "refund-r1:2", amount: total - 1_000 })
    state = send(state, record({ _tag: "Done" }))
    assert.isNull(OrderState.next(state))
    const { payment, returns, status } = toView(state)
    assert.deepStrictEqual(payment, { authorised: total, captured: total, refunded: total - 1_000, disputed: 1_000 })
    assert.deepInclude(returns[0], { status: "refunded", amount: total, refunded: total - 1_000 })
    assert.strictEqual(status, "returned")
    state = send(state, note("won"))
    assert.deepInclude(OrderState.next(state), { key: "refund-r1:3", amount: 1_000 })
    state = send(state, record({ _tag: "Done" }))
    assert.deepInclude(toView(state).payment, { refunded: total, disputed: 0 })
    assert.deepInclude(toView(state).disputes[0], { reference: "d", amount: 1_000, status: "won" })
  })

  it("pays the rest also when the dispute is won while the answer to a refund is on its way", () => {
    const sold = settle(delivered, () => true)
    const total = sold.captured
    let begun = send(sold, note("charged_back"), ...allBack(sold))
    while (OrderState.next(begun)!._tag !== "RefundReturn") {
      begun = send(begun, recorded(OrderState.next(begun)!.key, { _tag: "Done" }))
    }
    const tooMuch = recorded("refund-r1", { _tag: "Refused", reason: "exceeds_captured", refundable: total - 1_000 })
    const less = recorded("refund-r1:2", { _tag: "Done" })
    for (const commands of [
      [note("won"), tooMuch, less],
      [tooMuch, note("won"), less]
    ]) {
      const state = send(begun, ...commands)
      assert.deepInclude(OrderState.next(state), { key: "refund-r1:3", amount: 1_000 })
      const paid = send(state, recorded("refund-r1:3", { _tag: "Done" }))
      assert.isNull(OrderState.next(paid))
      assert.deepInclude(toView(paid).payment, { refunded: total, disputed: 0 })
    }
  })

  it("tries a refund again by itself when it hears why there was too little", () => {
    const sold = settle(delivered, () => true)
    const requested = send(sold, ...back("r1", tea, 1))
    const refused: OrderState.Outcome = { _tag: "Refused", reason: "exceeds_captured", refundable: 495 }
    let state = requested
    while (OrderState.next(state)!._tag !== "RefundReturn") state = drive(state, true, 9).state
    state = send(state, { _tag: "Record", commandId: commandId("x"), answers: "refund-r1", outcome: refused })
    assert.deepStrictEqual(
      toView(state).refused.map(({ step }) => step),
      ["refund-r1"]
    )
    const retried = send(
      state,
      new NoteDispute({ commandId: commandId("n"), what: "charged_back", reference: "d", amount: 9 })
    )
    assert.deepInclude(OrderState.next(retried), { key: "refund-r1:2", amount: 495 })
    assert.deepStrictEqual(toView(retried).refused, [])
  })

  it("puts what a warehouse does not take on a list, pays it back all the same, and stocks only that anew", () => {
    const sold = settle(delivered, () => true)
    const full = settle(send(sold, ...back("r1", tea, 2)), ({ _tag }) => (_tag === "StockReturn" ? "refused" : true))
    assert.strictEqual(toView(full).returns[0]!.status, "refunded")
    assert.deepStrictEqual(
      toView(full).refused.map(({ step }) => step),
      ["stock-r1"]
    )
    const anew = OrderState.next(send(full, operate({ act: "retry", step: "stock-r1" })))
    assert.deepInclude(anew, { key: "stock-r1:2", parts: full.returns[0]!.unstocked })
  })
})
