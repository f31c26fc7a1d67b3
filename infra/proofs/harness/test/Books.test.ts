import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { audit, lineEffect, oversold, type Row, soldEffect, type Acknowledged } from "../src/Books.ts"

const row = (type: string, id: string, seq: number, commandId: string, event: { readonly _tag: string }): Row => ({
  type,
  id,
  seq,
  commandId,
  events: [event],
  epoch: 1,
  at: 0
})

/** A cart that was opened and filled, as the journal has it and as its client was told. */
const shopping = (lines: number) => {
  const id = "eu_cart"
  const journal: Array<Row> = [row("Cart", id, 1, "open:k", { _tag: "CartOpened" })]
  const acknowledged: Array<Acknowledged> = [{ type: "Cart", id, commandId: "open:k", effect: "CartOpened" }]
  for (let n = 1; n <= lines; n++) {
    const commandId = `put:k-${n}`
    const event = { _tag: "LinePut", line: { sku: "TEA", quantity: n } }
    journal.push(row("Cart", id, n + 1, commandId, event))
    acknowledged.push({ type: "Cart", id, commandId, effect: lineEffect("TEA", n) })
  }
  return { journal, acknowledged }
}
const found = (acknowledged: ReadonlyArray<Acknowledged>, journal: ReadonlyArray<Row>) => {
  const { duplicated, lost } = audit(acknowledged, journal, { uniqueLines: true })
  return { lost: lost.length, duplicated: duplicated.length }
}
/** A journal of which nobody was told anything. */
const seen = (...journal: ReadonlyArray<Row>) => audit([], journal, { uniqueLines: false })
const stock = (seq: number, commandId: string, event: { readonly _tag: string }) =>
  row("Sku", "eu_A", seq, commandId, event)
const sale = (order: string): Acknowledged => ({
  type: "Sku",
  id: "eu_TEA",
  commandId: null,
  effect: soldEffect(order)
})
const lines = fc.integer({ min: 1, max: 30 })

describe("Books", () => {
  it("balance when every answer is in the journal once, whatever else is there", () => {
    fc.assert(
      fc.property(lines, fc.nat(), (count, unanswered) => {
        const { journal, acknowledged } = shopping(count)
        const heard = acknowledged.filter((_, n) => n !== unanswered % acknowledged.length)
        assert.deepStrictEqual(found(heard, journal), { lost: 0, duplicated: 0 })
      })
    )
  })

  it("an answer that the journal knows nothing of is lost", () => {
    fc.assert(
      fc.property(lines, fc.nat(), (count, which) => {
        const { journal, acknowledged } = shopping(count)
        const without = journal.filter((_, n) => n !== which % journal.length)
        assert.deepStrictEqual(found(acknowledged, without), { lost: 1, duplicated: 0 })
      })
    )
  })

  it("a row that did something else than was told is a loss", () => {
    const { journal, acknowledged } = shopping(3)
    const other = { ...journal[2]!, events: [{ _tag: "LinePut", line: { sku: "TEA", quantity: 77 } }] }
    assert.deepStrictEqual(found(acknowledged, journal.with(2, other)), { lost: 1, duplicated: 0 })
  })

  it("a command that was done again under another id is seen", () => {
    fc.assert(
      fc.property(lines, fc.nat(), (count, which) => {
        const { journal, acknowledged } = shopping(count)
        const again = { ...journal[which % journal.length]!, commandId: "other" }
        assert.deepStrictEqual(found(acknowledged, [...journal, again]), { lost: 0, duplicated: 1 })
      })
    )
  })

  it("two rows of one command are seen, and so is an answer that came twice", () => {
    const { journal, acknowledged } = shopping(2)
    assert.deepStrictEqual(found(acknowledged, [...journal, { ...journal[1]!, events: [] }]).duplicated, 1)
    assert.deepStrictEqual(found([...acknowledged, acknowledged[1]!], journal), { lost: 0, duplicated: 1 })
  })

  it("more buyers than units is oversold by the difference", () => {
    const acknowledged = ["eu_1", "eu_2", "eu_3"].map(sale)
    assert.strictEqual(
      oversold(acknowledged, () => 3),
      0
    )
    assert.strictEqual(
      oversold(acknowledged, () => 1),
      2
    )
  })

  it("a command with two rows, and units sold twice to one order, are seen where nobody was told", () => {
    const received = { _tag: "Received" }
    assert.deepStrictEqual(seen(stock(1, "a", received), stock(2, "a", received)).duplicated, [
      "Sku/eu_A: two rows of a"
    ])
    const shipped = (seq: number, orderId: string) => stock(seq, `${seq}`, { _tag: "Shipped", orderId } as never)
    assert.deepStrictEqual(seen(shipped(1, "eu_1"), shipped(2, "eu_2")).duplicated, [])
    assert.deepStrictEqual(seen(shipped(1, "eu_1"), shipped(2, "eu_1")).duplicated.length, 1)
  })

  it("the same line and quantity twice is a fault only where every line has a quantity of its own", () => {
    const { journal } = shopping(2)
    const again = [...journal, { ...journal[1]!, commandId: "other" }]
    assert.deepStrictEqual(audit([], again, { uniqueLines: false }).duplicated, [])
    assert.deepStrictEqual(audit([], again, { uniqueLines: true }).duplicated.length, 1)
  })

  it("what was acknowledged and is not in the journal is lost, also of an entity that is not there", () => {
    const acknowledged = ["a", "b"].map((commandId): Acknowledged => ({
      type: "Sku",
      id: "eu_A",
      commandId,
      effect: null
    }))
    const of = (...journal: ReadonlyArray<Row>) => audit(acknowledged, journal, { uniqueLines: false }).lost
    assert.deepStrictEqual(of(row("Sku", "eu_A", 1, "a", { _tag: "Received" })), ["Sku/eu_A b"])
    assert.deepStrictEqual(of().length, 2)
  })
})
