import { assert, describe, it } from "@effect/vitest"
import { BasketModel } from "@halles/search/recommend/BasketModel"
import { learn } from "@halles/search/recommend/Lessons"

const times = (count: number, basket: ReadonlyArray<string>) => Array.from({ length: count }, () => basket)

describe("BasketModel", () => {
  const model = new BasketModel(
    learn([...times(20, ["tea", "pot"]), ...times(5, ["tea", "cup"]), ...times(10, ["pen", "paper"])])
  )

  it("recommends what was bought together, and says why", () => {
    const [first] = model.for(["tea"], 5)
    assert.strictEqual(first?.item, "pot")
    assert.strictEqual(first?.because, "tea")
    assert.strictEqual(first?.together, 20)
  })

  it("neither recommends what is in the basket nor what nobody bought with it", () => {
    assert.deepStrictEqual(model.for(["pen", "paper"], 5), [])
    assert.deepStrictEqual(model.for(["unknown"], 5), [])
    assert.strictEqual(model.popular[0]?.[0], "tea")
  })
})
