import { assert, describe, it } from "@effect/vitest"
import * as Reconciliation from "../../src/replay/Reconciliation.ts"
import * as EdgeSchema from "../../src/replay/EdgeSchema.ts"
import * as Plan from "../../src/replay/Plan.ts"
import * as Report from "../../src/replay/Report.ts"
import { row } from "./Fixture.ts"

const plan = Plan.make(
  {
    rows: [
      row(),
      row({ code: "POST", quantity: 1, pence: 1800 }),
      row({ invoice: "C101", at: "2011-01-05T10:00:00", quantity: -2 })
    ],
    malformed: []
  },
  Number.MAX_SAFE_INTEGER
)
const [sale] = plan.sales
const money = EdgeSchema.money

const order: EdgeSchema.Order = {
  id: "eu_1",
  status: "partially_returned",
  lines: [{ sku: "10001", quantity: 6, unitPrice: money(250) }],
  totals: { goods: money(1500), charges: money(1800), tax: money(0), total: money(3300) },
  payment: { authorised: money(3300), captured: money(3300), refunded: money(500) },
  returns: [{ returnId: "r1", status: "refunded", refunded: money(500) }]
}

const compared = (found: EdgeSchema.Order): Reconciliation.Entry => {
  if (sale === undefined) throw new Error("no sale")
  return Reconciliation.compareOrder(sale, plan.returns, found)
}

describe("Books", () => {
  it("finds nothing to say about an order that matches", () => {
    const entry = compared(order)
    assert.deepStrictEqual([...entry.total, ...entry.money], [])
  })

  it("finds a penny too much, a line that differs, money not captured and a refund that did not come", () => {
    const { payment, totals } = order
    assert.deepStrictEqual(compared({ ...order, totals: { ...totals, tax: money(1), total: money(3301) } }).total, [
      "total should be 3300, is 3301"
    ])
    assert.deepStrictEqual(
      compared({ ...order, lines: [{ sku: "10001", quantity: 5, unitPrice: money(300) }] }).total,
      ["the lines differ"]
    )
    assert.deepStrictEqual(compared({ ...order, payment: { ...payment, captured: money(0) } }).money, [
      "captured should be 3300, is 0"
    ])
    assert.deepStrictEqual(compared({ ...order, payment: { ...payment, refunded: money(0) }, returns: [] }).money, [
      "refunded should be 500, is 0",
      "returns should be 1, is 0",
      "refunded by returns should be 500, is 0"
    ])
  })

  it("sums up in one line that counts every mismatch", () => {
    const outcome = {
      placed: new Map([["100", { orderId: "eu_1", latencyMs: 12 }]]),
      returned: 1,
      failures: [],
      seconds: 0.5,
      latenessMsMax: 0
    }
    const wrong = compared({ ...order, payment: { ...order.payment, captured: money(0) } })
    assert.deepStrictEqual(Report.summary(plan, outcome, [wrong], ["eu_10001: on hand should be 2, is 1"]), {
      invoices: 2,
      orders: 1,
      returns: 1,
      excluded: {},
      totalsMismatched: 0,
      stockMismatched: 1,
      moneyMismatched: 1,
      ordersPerSecond: 2,
      p50ms: 12,
      p99ms: 12
    })
  })

  it("takes percentiles by nearest rank", () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index)
    assert.strictEqual(Report.percentile(values, 50), 100)
    assert.strictEqual(Report.percentile(values, 99), 198)
    assert.strictEqual(Report.percentile([7], 99), 7)
    assert.strictEqual(Report.percentile([], 99), 0)
  })
})
