import { assert, it } from "@effect/vitest"
import { evolved } from "@halles/engine/eventsourced/Model"
import { CommandId, SkuId } from "@halles/shared/Ids"
import { Currency } from "@halles/shared/Money"
import { Result } from "effect"
import { PutUnitCost, RemoveUnitCost } from "./UnitCost.ts"
import * as UnitCostState from "./UnitCostState.ts"

const commandId = CommandId.make("c")
const put = (amount: number) => new PutUnitCost({ commandId, cost: { amount, currency: Currency.make("GBP") } })
const remove = new RemoveUnitCost({ commandId })
const decided = (state: UnitCostState.State, command: UnitCostState.Command) => UnitCostState.decide(state, command, 7)
const after = (state: UnitCostState.State, command: UnitCostState.Command): UnitCostState.State =>
  evolved(
    UnitCostState,
    state,
    Result.getOrElse(decided(state, command), () => []),
    1
  )

it("a product costs what was said last, until that is removed", () => {
  const known = [put(100), put(210)].reduce(after, UnitCostState.initial)
  const id = SkuId.make("eu_TEA-01")
  assert.deepInclude(UnitCostState.view(id, known, 2), { region: "eu", removed: false })
  assert.strictEqual(UnitCostState.view(id, known, 2)?.cost.amount, 210)
  assert.deepStrictEqual(Result.getOrThrow(decided(known, put(210))), [])
  assert.isTrue(UnitCostState.view(id, after(known, remove), 3)?.removed)
  assert.strictEqual(Result.getOrThrow(Result.flip(decided(UnitCostState.initial, remove)))._tag, "NotFound")
})
