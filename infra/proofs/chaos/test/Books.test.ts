import { assert, describe, it } from "@effect/vitest"
import { Receive } from "@halles/entities/inventory/Sku"
import { CommandId, WarehouseId } from "@halles/shared/Ids"
import { acknowledged, duplicated, lost } from "../src/Books.ts"
import type { Answer, Call } from "../src/Call.ts"
import type { Row } from "../src/Histories.ts"

const receive = (name: string) =>
  new Receive({ commandId: CommandId.make(name), warehouse: WarehouseId.make("eu-main"), quantity: 1 })
const call = (name: string, answer: Answer, writes = true): Call => ({
  session: "s",
  type: "Sku",
  id: "eu_A",
  via: "direct",
  command: receive(name),
  writes,
  intendedAt: 0,
  invokedAt: 0,
  completedAt: 1,
  answer
})
const row = (seq: number, commandId: string, tag: string, fields: object = {}): Row => ({
  type: "Sku",
  id: "eu_A",
  seq,
  commandId,
  events: [{ _tag: tag, ...fields }],
  epoch: 1,
  at: 0
})
const shipped = (seq: number, orderId: string) => row(seq, `${seq}`, "Shipped", { orderId })
const histories = (...rows: ReadonlyArray<Row>) => new Map([["Sku/eu_A", rows]])
const reply: Answer = { _tag: "Replied", reply: null }

describe("Books", () => {
  it("hold as acknowledged only a success that means a row, once", () => {
    const calls = [
      call("a", reply),
      call("a", reply),
      call("b", { _tag: "Unknown", reason: "deadline" }),
      call("c", { _tag: "Refused", code: "stock_bound", detail: {} }),
      call("d", reply, false)
    ]
    assert.deepStrictEqual(acknowledged(calls), [{ type: "Sku", id: "eu_A", commandId: "a" }])
  })

  it("find what was acknowledged and is not in the journal", () => {
    const some = acknowledged([call("a", reply), call("b", reply)])
    assert.deepStrictEqual(lost(some, histories(row(1, "a", "Received"))), ["Sku/eu_A b"])
    assert.deepStrictEqual(lost(some, new Map()).length, 2)
  })

  it("find a command with two rows", () => {
    const found = duplicated(histories(row(1, "a", "Received"), row(2, "a", "Received")))
    assert.deepStrictEqual(found, ["Sku/eu_A: two rows of a"])
  })

  it("find units that were sold twice to one order", () => {
    assert.deepStrictEqual(duplicated(histories(shipped(1, "eu_1"), shipped(2, "eu_2"))), [])
    assert.deepStrictEqual(duplicated(histories(shipped(1, "eu_1"), shipped(2, "eu_1"))).length, 1)
  })
})
