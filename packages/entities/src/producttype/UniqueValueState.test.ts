import { assert, it } from "@effect/vitest"
import { CommandId, SkuCode } from "@halles/shared/Ids"
import { Result } from "effect"
import { ClaimValue } from "./UniqueValue.ts"
import * as UniqueValueState from "./UniqueValueState.ts"

const claim = (sku: string, from?: string) =>
  new ClaimValue({
    commandId: CommandId.make("c"),
    sku: SkuCode.make(sku),
    ...(from === undefined ? {} : { from: SkuCode.make(from) })
  })
const holderAfter = (...claims: ReadonlyArray<readonly [ClaimValue, at: number]>): string | null => {
  const state = claims.reduce<UniqueValueState.State>(
    (state, [command, at]) =>
      Result.getOrElse(UniqueValueState.decide(state, command, at), () => []).reduce(UniqueValueState.evolve, state),
    UniqueValueState.initial
  )
  return state._tag === "None" ? null : state.sku
}

it("a value is one product's, until that one was asked and has had the time to say it", () => {
  assert.strictEqual(holderAfter([claim("A"), 0], [claim("B"), 100_000]), "A")
  assert.strictEqual(holderAfter([claim("A"), 0], [claim("B", "A"), 29_999]), "A")
  assert.strictEqual(holderAfter([claim("A"), 0], [claim("B", "A"), 30_000]), "B")
  assert.strictEqual(holderAfter([claim("A"), 0], [claim("B", "C"), 100_000]), "A")
  // Who claims it anew is about to say it.
  assert.strictEqual(holderAfter([claim("A"), 0], [claim("A"), 20_000], [claim("B", "A"), 40_000]), "A")
})
