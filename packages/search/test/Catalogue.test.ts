import { assert, describe, it } from "@effect/vitest"
import { Catalogue } from "@halles/search/process/Catalogue"
import { Effect, Fiber } from "effect"
import { productRow } from "./Sample.ts"

const turn = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

describe("Catalogue", () => {
  it.effect("has what came while its index was made anew, also by two at once", () =>
    Effect.gen(function* () {
      const catalogue = new Catalogue()
      catalogue.fill(Array.from({ length: 4_000 }, (_, at) => productRow(`A${at}`, `Tea ${at}`)))
      const later = Effect.andThen(Effect.repeat(turn, { times: 2 }), catalogue.build)
      const builds = yield* Effect.forkChild(Effect.all([catalogue.build, later], { concurrency: 2 }))
      let sold = 0
      while (builds.pollUnsafe() === undefined) {
        sold += 1
        catalogue.put(productRow(`B${sold}`, `Pot ${sold}`))
        catalogue.noteSales(new Map([["A0", sold]]))
        yield* turn
      }
      yield* Fiber.join(builds)
      assert.strictEqual(catalogue.index.size, catalogue.rows.size)
      assert.isAbove(catalogue.rows.size, 4_001)
      assert.strictEqual(catalogue.index.get("eu_A0")?.sold, sold)
    })
  )
})
