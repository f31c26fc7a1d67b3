import { assert, it } from "@effect/vitest"
import * as AttributeRules from "./AttributeRules.ts"
import type { Declaration } from "./Declaration.ts"

const declarations: ReadonlyArray<Declaration> = [
  { kind: "text", code: "brand", title: "Brand" },
  { kind: "text", code: "colour", title: "Colour", perVariant: true },
  { kind: "text", code: "article", title: "Article number", unique: true }
]
const pointers = (faults: ReadonlyArray<{ readonly pointer?: string }>) => faults.map(({ pointer }) => pointer)

it("a unique value belongs to each variant: no model says it for all, and it is no axis", () => {
  const variants = [{ attributes: { colour: "red" } }]
  const model = { axes: ["colour"], variants }
  assert.deepStrictEqual(AttributeRules.modelFaults(declarations, { ...model, attributes: { brand: "A" } }), [])
  const shared = AttributeRules.modelFaults(declarations, { ...model, attributes: { article: "1" } })
  assert.deepStrictEqual(pointers(shared), ["/attributes/article"])
  const axis = AttributeRules.modelFaults(declarations, { axes: ["article"], variants: [], attributes: {} })
  assert.deepStrictEqual(pointers(axis), ["/axes/0"])
  assert.deepStrictEqual(AttributeRules.variantFaults(declarations, ["colour"], { article: "1" }), [])
  const said = AttributeRules.variantFaults(declarations, ["colour"], { brand: "A", colour: "red" })
  assert.deepStrictEqual(pointers(said), ["/attributes/brand", "/attributes/colour"])
})
