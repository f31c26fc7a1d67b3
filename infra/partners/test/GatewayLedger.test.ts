import { assert, describe, it } from "@effect/vitest"
import { Array, Schema } from "effect"
import * as GatewayLedger from "../src/GatewayLedger.ts"

const tokens = [
  "tok_ok",
  "tok_slow",
  "tok_declined",
  "tok_insufficient_funds",
  "tok_unheard_of",
  "tok_capture_refused_once",
  "tok_void_refused",
  "tok_refund_refused_once"
] as const
const Step = Schema.Struct({
  tag: Schema.Literals(["Capture", "Void", "Refund", "Chargeback", "WinDispute"]),
  amount: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 120 }))
})
const Steps = Schema.Array(Step)
const Token = Schema.Literals(tokens)
const chance = (n: number) => ({ authorisationId: "auth_1", eventId: `evt_${n}`, at: n })

const run = (token: string, steps: ReadonlyArray<typeof Step.Type>) => {
  const open = { reference: "r", orderId: "eu_1", amount: 100, currency: "EUR", token }
  const first = GatewayLedger.decide(null, { _tag: "Authorise", ...open }, chance(0))
  assert.notStrictEqual(first._tag, "Refused")
  const states = [GatewayLedger.evolve(undefined, first as GatewayLedger.Change)]
  const entries: Array<GatewayLedger.Answered> = [first]
  for (const [index, { amount, tag }] of steps.entries()) {
    const state = states.at(-1)!
    const common = { reference: `r${index}`, authorisationId: "auth_1" }
    const operation: GatewayLedger.Operation =
      tag === "Void"
        ? { _tag: tag, ...common }
        : tag === "WinDispute"
          ? { _tag: tag, ...common, chargeback: `r${amount % Math.max(1, index)}` }
          : { _tag: tag, ...common, amount }
    const entry = GatewayLedger.decide(state, operation, chance(index + 1))
    entries.push(entry)
    states.push(GatewayLedger.evolve(state, entry))
  }
  return { states, entries }
}

const codes = (...steps: ReadonlyArray<typeof Step.Type>) =>
  Array.map(run("tok_ok", steps).entries, (entry) => (entry._tag === "Refused" ? entry.code : entry._tag)).slice(1)

describe("GatewayLedger", () => {
  it.prop("money never comes from nowhere, whatever is asked in whatever order", [Token, Steps], ([token, steps]) => {
    for (const state of run(token, steps).states) {
      assert.isAtMost(state.captured + state.voided, state.authorised)
      assert.isAtMost(state.refunded + state.chargedBack, state.captured)
      assert.isTrue(state.voided === 0 || state.captured === 0)
      assert.strictEqual(state.status === "voided", state.voided > 0)
      if (state.status === "declined") assert.strictEqual(state.authorised, 0)
    }
  })

  it.prop("totals are the sums of the ledger", [Token, Steps], ([token, steps]) => {
    const state = run(token, steps).states.at(-1)!
    const sum = (tag: GatewayLedger.Change["_tag"]) =>
      state.changes.reduce((total, change) => total + (change._tag === tag ? change.amount : 0), 0)
    assert.strictEqual(state.captured, sum("Captured"))
    assert.strictEqual(state.refunded, sum("Refunded"))
    assert.strictEqual(state.chargedBack, sum("ChargedBack") - sum("DisputeWon"))
    assert.isAtLeast(state.chargedBack, 0)
    assert.strictEqual(state.voided, sum("Voided"))
  })

  it.prop("entries survive the file", [Token, Steps], ([token, steps]) => {
    const codec = Schema.fromJsonString(GatewayLedger.Entry)
    for (const entry of run(token, steps).entries) {
      assert.deepStrictEqual(Schema.decodeUnknownSync(codec)(Schema.encodeSync(codec)(entry)), entry)
    }
  })

  it("refuses what the shop must never do", () => {
    assert.deepStrictEqual(codes({ tag: "Capture", amount: 101 }), ["exceeds_authorised"])
    assert.deepStrictEqual(codes({ tag: "Capture", amount: 60 }, { tag: "Capture", amount: 41 }), [
      "Captured",
      "exceeds_authorised"
    ])
    assert.deepStrictEqual(codes({ tag: "Capture", amount: 60 }, { tag: "Refund", amount: 61 }), [
      "Captured",
      "exceeds_captured"
    ])
    assert.deepStrictEqual(codes({ tag: "Capture", amount: 1 }, { tag: "Void", amount: 0 }), ["Captured", "captured"])
    assert.deepStrictEqual(codes({ tag: "Void", amount: 0 }, { tag: "Capture", amount: 1 }), ["Voided", "voided"])
  })
})
