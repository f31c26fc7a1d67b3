import { assert, describe, it } from "@effect/vitest"
import { Catalogue } from "@halles/search/process/Catalogue"
import { Effect, Fiber } from "effect"
import { SkuCode } from "@halles/shared/Ids"
import { productRow } from "./Sample.ts"

const turn = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

const box = (seq: number, parts: Readonly<Record<string, number>>) => ({
  ...productRow("BOX", "Box"),
  seq,
  details: { parts: Object.entries(parts).map(([sku, quantity]) => ({ sku: SkuCode.make(sku), quantity })) }
})

describe("Catalogue", () => {
  it.effect("has what came while its index was made anew, also by two at once", () =>
    Effect.gen(function* () {
      const catalogue = new Catalogue()
      catalogue.fill(Array.from({ length: 4_000 }, (_, at) => productRow(`A${at}`, `Tea ${at}`)))
      const later = Effect.andThen(Effect.repeat(turn, { times: 2 }), catalogue.build)
      const builds = yield* Effect.forkChild(Effect.all([catalogue.build, later], { concurrency: 2 }))
      let sold = 0
      catalogue.noteUnits([["eu_A0", 5]])
      while (builds.pollUnsafe() === undefined) {
        sold += 1
        catalogue.put(productRow(`B${sold}`, `Pot ${sold}`))
        catalogue.noteSales(new Map([["A0", sold]]))
        yield* turn
      }
      yield* Fiber.join(builds)
      assert.strictEqual(catalogue.index.size, catalogue.rows.size)
      assert.isAbove(catalogue.rows.size, 4_001)
      assert.deepInclude(catalogue.index.get("eu_A0"), { sold, available: true })
    })
  )

  it("knows a bundle as available while each of its parts suffices for one, whichever comes first", () => {
    const catalogue = new Catalogue()
    const available = () => catalogue.index.get("eu_BOX")?.available
    catalogue.noteUnits([["eu_TEA", 3]])
    catalogue.put(box(1, { TEA: 2, MUG: 1 }))
    assert.isNull(available())
    catalogue.noteUnits([["eu_MUG", Infinity]])
    assert.isTrue(available())
    catalogue.noteUnits([["eu_TEA", 1]])
    assert.isFalse(available())
    catalogue.put(box(2, { TEA: 1 }))
    assert.isTrue(available())
    // Its own stock is never sold, and what is no part any more counts for nothing.
    catalogue.noteUnits([
      ["eu_BOX", 0],
      ["eu_MUG", 0]
    ])
    assert.isTrue(available())
    catalogue.put({ ...productRow("BOX", "Box"), seq: 3 })
    assert.isFalse(available())
  })
})
