import { assert, describe, it } from "@effect/vitest"
import { Receive } from "@halles/entities/inventory/Sku"
import { CommandId, WarehouseId } from "@halles/shared/Ids"
import { acknowledged, type Answer, type Call, doneByType } from "../src/Call.ts"

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
const replied: Answer = { _tag: "Replied", reply: null }

describe("Call", () => {
  it("counts as acknowledged only a success that means a row, once", () => {
    const calls = [
      call("a", replied),
      call("a", replied),
      call("b", { _tag: "Unknown", reason: "deadline" }),
      call("c", { _tag: "Refused", code: "stock_bound", detail: {} }),
      call("d", replied, false)
    ]
    assert.deepStrictEqual(acknowledged(calls), [{ type: "Sku", id: "eu_A", commandId: "a" }])
    assert.deepStrictEqual(doneByType(calls), { Sku: 2 })
  })
})
