import { evolved } from "@halles/engine/eventsourced/Model"
import { assert, it } from "@effect/vitest"
import { CommandId, SkuCode } from "@halles/shared/Ids"
import { Result } from "effect"
import { attributesOf } from "../producttype/Attributes.ts"
import { ProductTypeCode } from "../producttype/ProductType.ts"
import { ProductModelId, PutProductModel, RemoveProductModel } from "./ProductModel.ts"
import * as ProductModelState from "./ProductModelState.ts"

const commandId = CommandId.make("c")
const id = ProductModelId.make("eu_pot")
type Variant = readonly [sku: string, values: Readonly<Record<string, string>>]
const put = (axes: ReadonlyArray<string>, ...variants: ReadonlyArray<Variant>) =>
  new PutProductModel({
    commandId,
    title: "Pot",
    description: "",
    productType: { code: ProductTypeCode.make("pot"), version: 1 },
    attributes: [],
    axes,
    variants: variants.map(([sku, values]) => ({ sku: SkuCode.make(sku), attributes: attributesOf(values) }))
  })
const decide = (state: ProductModelState.State, command: ProductModelState.Command) =>
  ProductModelState.decide(state, command, 7)
const after = (state: ProductModelState.State, command: ProductModelState.Command): ProductModelState.State =>
  evolved(
    ProductModelState,
    state,
    Result.getOrElse(decide(state, command), () => []),
    1
  )
const pointers = (command: ProductModelState.Command) => {
  const refusal = Result.getOrThrow(Result.flip(decide(ProductModelState.initial, command)))
  return refusal._tag === "ContentRefused" ? refusal.errors.map(({ pointer }) => pointer) : []
}

it("each variant has values for all axes, which no other one has, and stands once", () => {
  const red = { colour: "red", size: "l" }
  const wrong = put(
    ["colour", "size"],
    ["A", red],
    ["A", { colour: "blue", size: "l" }],
    ["B", red],
    ["C", { size: "l" }]
  )
  assert.deepStrictEqual(pointers(wrong), ["/variants/1/sku", "/variants/2/attributes", "/variants/3/attributes"])
  // In whatever order they are sent.
  assert.deepStrictEqual(pointers(put(["colour", "size"], ["A", red], ["B", { size: "l", colour: "red" }])), [
    "/variants/1/attributes"
  ])
  assert.deepStrictEqual(pointers(put([], ["A", {}], ["B", {}])), ["/variants/1/attributes"])
})

it("a model is what was said last, until it is removed", () => {
  const one = put(["size"], ["A", { size: "l" }])
  const known = [put([]), one].reduce(after, ProductModelState.initial)
  assert.deepStrictEqual(Result.getOrThrow(decide(known, one)), [])
  assert.deepInclude(ProductModelState.view(id, known, 2), { axes: ["size"], removed: false })
  const removed = after(known, new RemoveProductModel({ commandId }))
  assert.deepInclude(ProductModelState.view(id, removed, 3), { axes: ["size"], removed: true })
  assert.deepInclude(ProductModelState.view(id, after(removed, one), 4), { removed: false })
})
