import { assert, describe, it } from "@effect/vitest"
import type { Currency } from "@halles/shared/Money"
import { ProductModelCode } from "@halles/entities/productmodel/ProductModel"
import { ProductTypeCode } from "@halles/entities/producttype/ProductType"
import { Catalogue } from "@halles/search/process/Catalogue"
import { Effect, Fiber } from "effect"
import { SkuCode } from "@halles/shared/Ids"
import { found, productRow, query } from "./Sample.ts"

const turn = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

const costing = (sku: string, amount: number, seq = 1, currency: Currency = "GBP") => ({
  id: `eu_${sku}`,
  seq,
  cost: { amount, currency },
  removed: false
})

const box = (seq: number, parts: Readonly<Record<string, number>>) => ({
  ...productRow("BOX", "Box"),
  seq,
  details: { parts: Object.entries(parts).map(([sku, quantity]) => ({ sku: SkuCode.make(sku), quantity })) }
})

const declared = (seq: number, facetable: boolean) => ({
  id: "eu_mug",
  seq,
  title: "Mug",
  removed: false,
  attributes: ["size", "note"].map((code) => ({
    kind: "text" as const,
    code,
    title: code,
    facetable: facetable && code === "size"
  }))
})

const model = (seq: number, colours: Readonly<Record<string, string>>, removed = false) => ({
  id: "eu_mug",
  seq,
  title: "Mug",
  removed,
  model: {
    title: "Mug",
    description: "",
    productType: { code: ProductTypeCode.make("mug"), version: 1 },
    attributes: [{ code: "material", text: "clay" }],
    axes: ["colour"],
    variants: Object.entries(colours).map(([sku, colour]) => ({
      sku: SkuCode.make(sku),
      attributes: [{ code: "colour", options: [colour] }]
    }))
  }
})

describe("Catalogue", () => {
  it.effect("knows what is left of a price, whichever of price and cost comes first", () =>
    Effect.gen(function* () {
      const catalogue = new Catalogue()
      const margin = (sku: string) => catalogue.index.get(`eu_${sku}`)?.margin
      catalogue.putCost(costing("A", 200))
      catalogue.put(productRow("A", "Tea"))
      catalogue.put(productRow("B", "Tea"))
      assert.deepStrictEqual([margin("A"), margin("B")], [0.6, null])
      assert.isTrue(catalogue.putCost(costing("B", 100)))
      assert.isFalse(catalogue.putCost(costing("B", 400)))
      assert.strictEqual(margin("B"), 0.8)
      assert.strictEqual(catalogue.index.search(query("tea")).hits[0]?.document.id, "eu_B")
      catalogue.put({ ...productRow("B", "Tea"), seq: 2, price_amount: 100 })
      assert.strictEqual(margin("B"), 0)
      yield* catalogue.build
      assert.deepStrictEqual([margin("A"), margin("B")], [0.6, 0])
      catalogue.putCost(costing("A", 200, 2, "EUR"))
      catalogue.putCost({ ...costing("B", 50, 2), removed: true })
      assert.deepStrictEqual([margin("A"), margin("B")], [null, null])
    })
  )

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

  it("gives variants what their model says, whichever comes first, until it says so no more", () => {
    const catalogue = new Catalogue()
    const texts = [{ language: "en", text: "potter" }]
    const details = { model: ProductModelCode.make("mug"), attributes: [{ code: "constructor", texts }] }
    catalogue.put({ ...productRow("A", "Mug"), details })
    assert.isTrue(catalogue.putModel(model(1, { B: "red" })))
    catalogue.put(productRow("B", "Mug"))
    const shown = () => {
      const { facets, hits } = catalogue.index.search(
        query("", { facets: ["colour", "material", "constructor", "type"] })
      )
      assert.lengthOf(hits, 2)
      return [...facets.values()].map(({ values }) => values.map(({ count, value }) => `${value} ${count}`).join(", "))
    }
    assert.deepStrictEqual(shown(), ["red 1", "clay 2", "potter 1", "mug 2"])
    assert.deepStrictEqual(found(catalogue.index, "red"), ["eu_B"])
    assert.isFalse(catalogue.putModel(model(1, {})))
    catalogue.putModel(model(2, { A: "blue" }))
    assert.deepStrictEqual(shown(), ["blue 1", "clay 1", "potter 1", "mug 1"])
    assert.deepStrictEqual(found(catalogue.index, "red"), [])
    catalogue.putModel(model(3, { A: "blue" }, true))
    assert.deepStrictEqual(shown(), ["", "", "potter 1", ""])
  })

  it.effect("counts the attributes that a product type declares as facets, and no others", () =>
    Effect.gen(function* () {
      const catalogue = new Catalogue()
      const attributes = ["size", "note", "old"].map((code) => ({ code, text: "x" }))
      const details = { productType: { code: ProductTypeCode.make("mug"), version: 1 }, attributes }
      catalogue.put({ ...productRow("A", "Mug"), details })
      const counted = () =>
        [...catalogue.index.search(query("", { facets: ["size", "note", "old"] })).facets.values()].map(
          ({ values }) => values.length
        )
      assert.deepStrictEqual(counted(), [1, 1, 1])
      catalogue.types.put(declared(1, true))
      yield* catalogue.restand
      assert.deepStrictEqual(counted(), [1, 0, 0])
      assert.deepStrictEqual(found(catalogue.index, "", { filters: new Map([["note", ["x"]]]) }), ["eu_A"])
      catalogue.types.put(declared(2, false))
      yield* catalogue.restand
      assert.deepStrictEqual(counted(), [0, 0, 0])
    })
  )
})
