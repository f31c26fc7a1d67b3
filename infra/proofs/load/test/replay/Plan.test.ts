import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Bucket } from "../../src/replay/Bucket.ts"
import * as Plan from "../../src/replay/Plan.ts"
import type { Row } from "../../src/replay/Row.ts"
import { row } from "./Fixture.ts"
import { refundOf } from "../../src/replay/Refund.ts"

const noLimit = Number.MAX_SAFE_INTEGER
const plan = (rows: ReadonlyArray<Row>, limit = noLimit): Plan.Plan => Plan.make({ rows, malformed: [] }, limit)

/** The buckets that hold rows. */
const bucketsOf = (made: Plan.Plan): Partial<Record<Bucket, number>> =>
  Object.fromEntries([...made.buckets].filter(([, count]) => count > 0))

const total = (amounts: Iterable<number>): number => [...amounts].reduce((sum, amount) => sum + amount, 0)

describe("Plan", () => {
  it("makes an order of goods and charges, to the penny", () => {
    const made = plan([
      row(),
      row({ code: "POST", quantity: 2, pence: 1800 }),
      row({ code: "D", quantity: -1, pence: 500 }),
      row({ code: "M", quantity: 1, pence: 1 }),
      row({ code: "BANK CHARGES", quantity: 1, pence: 1500 })
    ])
    assert.deepStrictEqual(bucketsOf(made), { ordered: 1, charged_shipping: 1, charged_discount: 1, charged_fee: 2 })
    assert.deepStrictEqual(made.sales[0]?.charges, [
      { code: "POST", kind: "shipping", pence: 3600 },
      { code: "D", kind: "discount", pence: -500 },
      { code: "M", kind: "fee", pence: 1 },
      { code: "BANK-CHARGES", kind: "fee", pence: 1500 }
    ])
    assert.strictEqual(made.sales[0]?.total, 1500 + 3600 - 500 + 1 + 1500)
  })

  it("merges a SKU at one price, and keeps a line of its own for each further price", () => {
    const made = plan([row({ quantity: 1 }), row({ quantity: 2, pence: 295 }), row({ quantity: 3 })])
    assert.deepStrictEqual(made.sales[0]?.lines, [
      { sku: "10001", variant: undefined, quantity: 4, pence: 250 },
      { sku: "10001", variant: "p295", quantity: 2, pence: 295 }
    ])
  })

  it.each([
    ["a bad debt", { invoice: "A1", code: "B", quantity: 1, pence: -1_106_206 }, "bad_debt"],
    ["a bookkeeping code", { code: "B" }, "bad_debt"],
    ["an invoice of an unknown kind", { invoice: "X1" }, "unknown_invoice_kind"],
    ["a stock count", { quantity: -3, pence: 0, description: "damages", customer: undefined }, "stock_adjustment"],
    ["a stock note", { pence: 0, description: "", customer: undefined }, "zero_price"],
    [
      "a price of a tenth of a penny",
      { code: "PADS", quantity: 1, pence: 0, rounding: "vanished" },
      "price_below_half_penny"
    ],
    ["goods at a negative price", { pence: -1 }, "negative_price"],
    ["goods without a usable code", { code: "1/2 DOZEN" }, "unusable_code"],
    ["postage alone", { code: "POST" }, "charges_without_goods"],
    ["a cancelled charge", { invoice: "C1", code: "POST", quantity: -1 }, "cancelled_charge"],
    ["a discount by credit note", { invoice: "C1", code: "D", quantity: -1 }, "cancelled_discount"],
    ["a cancellation of nobody", { invoice: "C1", quantity: -1, customer: undefined }, "return_without_customer"],
    ["a cancellation of nothing bought", { invoice: "C1", quantity: -1 }, "return_without_purchase"],
    ["a cancellation that takes nothing", { invoice: "C1", quantity: 1 }, "cancellation_not_negative"]
  ] as const)("%s alone is no order", (_, fields, bucket) => {
    const made = plan([row(fields)])
    assert.deepStrictEqual(bucketsOf(made), { [bucket]: 1 })
    assert.strictEqual(made.sales.length + made.returns.length, 0)
  })

  it("gives goods away only with paid ones", () => {
    const made = plan([row(), row({ code: "10002", pence: 0 })])
    assert.deepStrictEqual(bucketsOf(made), { ordered: 1, ordered_free: 1 })
    assert.strictEqual(made.sales[0]?.lines.length, 2)
    assert.strictEqual(made.sales[0]?.total, 1500)
  })

  it("does not order what a discount leaves nothing of", () => {
    const made = plan([row(), row({ code: "D", quantity: -1, pence: 1500 })])
    assert.deepStrictEqual(bucketsOf(made), { invoice_not_positive: 2 })
  })

  it("takes goods back from the latest purchases at that price", () => {
    const made = plan([
      row({ invoice: "100", at: "2011-01-04T10:00:00" }),
      row({ invoice: "101", at: "2011-01-05T10:00:00" }),
      row({ invoice: "102", at: "2011-01-06T10:00:00", pence: 295 }),
      row({ invoice: "C103", at: "2011-01-07T10:00:00", quantity: -8 }),
      row({ invoice: "C103", at: "2011-01-07T10:00:00", quantity: -8 }),
      row({ invoice: "C104", at: "2011-01-07T10:00:00", quantity: -1 }),
      row({ invoice: "C105", at: "2011-01-07T10:00:00", quantity: -1, customer: "2" }),
      row({ invoice: "103", at: "2011-01-08T10:00:00" })
    ])
    assert.deepStrictEqual(
      made.returns.map((back) => [back.cancellation, back.invoice, back.lines[0]?.quantity]),
      [
        ["C103", "101", 6],
        ["C103", "100", 6]
      ]
    )
    assert.deepStrictEqual(bucketsOf(made), {
      ordered: 4,
      returned: 1,
      returned_in_part: 1,
      return_at_other_price: 1,
      return_without_purchase: 1
    })
  })

  it("never refunds more than was paid", () => {
    const made = plan([
      row(),
      row({ code: "D", quantity: -1, pence: 600 }),
      row({ invoice: "C101", at: "2011-01-05T10:00:00", quantity: -6 })
    ])
    assert.strictEqual(refundOf(made.sales[0]!, made.returns), 900)
    assert.strictEqual(made.buckets.get("returned"), 1)
  })

  it("names an article as it is called most, prices it as it is sold most, and stocks all that is sold", () => {
    const made = plan([
      row({ invoice: "100", description: "" }),
      row({ invoice: "101", description: "WHISTLE", pence: 295 }),
      row({ invoice: "102" }),
      row({ invoice: "103" }),
      row({ invoice: "104", country: "Japan" })
    ])
    assert.deepStrictEqual(made.articles, [
      { region: "eu", sku: "10001", title: "TIN WHISTLE", pence: 250, stock: 24 },
      { region: "ap", sku: "10001", title: "TIN WHISTLE", pence: 250, stock: 6 }
    ])
  })

  it("counts what lies beyond the limit and what cannot be read", () => {
    const made = Plan.make(
      { rows: [row({ invoice: "100" }), row({ invoice: "101" })], malformed: [{ number: 3, reason: "columns" }] },
      1
    )
    assert.deepStrictEqual(bucketsOf(made), { ordered: 1, beyond_limit: 1, malformed: 1 })
    assert.strictEqual(made.invoices, 1)
  })
})

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Few invoices, codes, prices and customers, so that they meet. */
const common = {
  rounding: Schema.Literal("none"),
  hour: int(10, 15),
  customer: Schema.Literal("1"),
  country: Schema.Literal("USA")
}
const Bought = Schema.Struct({
  ...common,
  invoice: Schema.Literals(["1", "2", "3"]),
  code: Schema.Literals(["10001", "10002"]),
  quantity: int(1, 6),
  pence: int(1, 2)
})
const Cancelled = Schema.Struct({
  ...common,
  invoice: Schema.Literals(["C5", "C6", "C7"]),
  code: Schema.Literals(["10001", "10002"]),
  quantity: int(-6, -1),
  pence: int(1, 2),
  hour: int(12, 19)
})
const Charged = Schema.Struct({
  ...common,
  invoice: Schema.Literals(["1", "2", "3"]),
  code: Schema.Literals(["POST", "M", "D"]),
  quantity: int(-2, 3),
  pence: int(0, 3)
})
const Odd = Schema.Struct({
  invoice: Schema.Literals(["1", "2", "3", "4", "C5", "C6", "C7", "C8", "A9", "?"]),
  code: Schema.Literals(["10001", "15056n", "gift_0001_20", "POST", "D", "M", "m", "B", "NEWFEE", "1 2"]),
  quantity: int(-12, 12),
  pence: int(-1, 3),
  rounding: Schema.Literals(["none", "changed"]),
  hour: int(10, 19),
  customer: Schema.Literals(["1", "2", ""]),
  country: Schema.Literals(["United Kingdom", "USA", "Japan"])
})

const AnyRows = Schema.Array(Schema.Union([Bought, Bought, Cancelled, Charged, Odd])).check(
  Schema.isMinLength(5),
  Schema.isMaxLength(40)
)
const often = { arbitrary: { runs: 400, size: 40 } }

const rowsOf = (many: typeof AnyRows.Type): ReadonlyArray<Row> =>
  many.map(({ customer, hour, ...fields }, index) =>
    row({
      ...fields,
      number: index + 1,
      at: `2011-01-04T${hour}:00:00`,
      customer: customer === "" ? undefined : customer,
      description: fields.pence === 0 ? "" : "ANYTHING"
    })
  )

/** What the goods and charges of an invoice come to, counted from its rows and nothing else. */
const invoiced = (rows: ReadonlyArray<Row>, invoice: string): number =>
  total(
    rows
      .filter((each) => each.invoice === invoice && each.code !== "B" && each.code !== "1 2")
      .filter((each) => (/\d/.test(each.code) ? each.quantity > 0 && each.pence > 0 : true))
      .map((each) => each.quantity * each.pence)
  )

describe("Any plan", () => {
  it.prop(
    "puts every row into exactly one bucket",
    [AnyRows, int(1, 8)],
    ([many, limit]) => {
      const rows = rowsOf(many)
      const made = plan(rows, limit)
      assert.strictEqual(total(made.buckets.values()), rows.length)
      assert.isAtMost(made.invoices, limit)
    },
    often
  )

  it.prop(
    "orders each invoice to the penny",
    [AnyRows],
    ([many]) => {
      const rows = rowsOf(many)
      for (const sale of plan(rows).sales) {
        const lines = total(sale.lines.map((line) => line.quantity * line.pence))
        const charges = total(sale.charges.map((charge) => charge.pence))
        assert.strictEqual(lines + charges, sale.total, `invoice ${sale.invoice}`)
        assert.strictEqual(sale.total, invoiced(rows, sale.invoice), `invoice ${sale.invoice}`)
        assert.isAbove(sale.total, 0)
      }
    },
    often
  )

  it.prop(
    "has one line a SKU and variant, and one charge a code and kind",
    [AnyRows],
    ([many]) => {
      for (const sale of plan(rowsOf(many)).sales) {
        const keys = sale.lines.map((line) => `${line.sku} ${line.variant ?? ""}`)
        const charges = sale.charges.map((charge) => `${charge.code} ${charge.kind}`)
        assert.strictEqual(new Set(keys).size, keys.length)
        assert.strictEqual(new Set(charges).size, charges.length)
        assert.isTrue(sale.charges.every((charge) => charge.pence < 0 === (charge.kind === "discount")))
      }
    },
    often
  )

  it.prop(
    "returns no more than was bought, of the same customer's earlier orders",
    [AnyRows],
    ([many]) => {
      const rows = rowsOf(many)
      const made = plan(rows)
      const sales = new Map(made.sales.map((sale) => [sale.invoice, sale]))
      const returned = new Map<string, number>()
      for (const back of made.returns) {
        const sale = sales.get(back.invoice)
        const cancellation = rows.find((each) => each.invoice === back.cancellation)
        assert.isTrue(sale !== undefined && cancellation !== undefined && sale.at <= cancellation.at)
        for (const line of back.lines) {
          const key = `${back.invoice} ${line.sku} ${line.variant ?? ""}`
          returned.set(key, (returned.get(key) ?? 0) + line.quantity)
          const bought = sale?.lines.find((each) => each.sku === line.sku && each.variant === line.variant)
          assert.strictEqual(bought?.pence, line.pence)
          assert.isAtMost(returned.get(key) ?? 0, bought?.quantity ?? 0, key)
        }
      }
      for (const [invoice, sale] of sales) {
        const returns = made.returns.filter((back) => back.invoice === invoice)
        assert.isAtMost(refundOf(sale, returns), sale.total)
      }
    },
    often
  )

  it.prop(
    "brings the stock that it sells, so that only what comes back is left",
    [AnyRows],
    ([many]) => {
      for (const { received, restocked, sold } of Plan.leftover(plan(rowsOf(many))).values()) {
        assert.strictEqual(received, sold)
        assert.isAtMost(restocked, sold)
      }
    },
    often
  )

  it.prop(
    "is the same plan again",
    [AnyRows],
    ([many]) => {
      const rows = rowsOf(many)
      assert.deepStrictEqual(plan(rows), plan(rows))
    },
    often
  )
})
