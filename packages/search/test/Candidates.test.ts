import { assert, it } from "@effect/vitest"
import { SkuCode } from "@halles/shared/Ids"
import { Recommend } from "@halles/search/contract/SearchMessages"
import { BasketModel } from "@halles/search/recommend/BasketModel"
import { candidatesOf } from "@halles/search/recommend/Candidates"
import { learn } from "@halles/search/recommend/Lessons"

const model = new BasketModel(learn(Array.from({ length: 9 }, () => ["tea", "pot"])))
const like = new Map([
  ["tea", ["mate", "cocoa"]],
  ["cup", ["mug", "tea"]]
])
const after = (...skus: ReadonlyArray<string>) =>
  candidatesOf(
    new Recommend({
      region: "eu",
      kind: "seen",
      skus: skus.map((sku) => SkuCode.make(sku)),
      language: "en",
      category: null,
      limit: 10
    }),
    model,
    (sku) => like.get(sku) ?? []
  )

it("what was seen gives what is like it and what goes with it, the last one first, and none of itself", () => {
  assert.deepStrictEqual(
    after("cup", "tea").map(([sku]) => sku),
    ["mug", "pot", "mate", "cocoa"]
  )
  assert.deepStrictEqual(after("tea")[0], ["pot", "tea", 9])
  assert.deepStrictEqual(after("unknown"), [])
  assert.deepStrictEqual(after(), [])
})
