import { evolved } from "@halles/engine/eventsourced/Model"
import { assert, it } from "@effect/vitest"
import { CommandId } from "@halles/shared/Ids"
import { Result } from "effect"
import type { ContentRefused } from "../routes/ContentRefused.ts"
import * as Attributes from "./Attributes.ts"
import type { Declaration } from "./Declaration.ts"
import { everDeclaredMax, ProductTypeId, PutProductType, RemoveProductType } from "./ProductType.ts"
import * as ProductTypeState from "./ProductTypeState.ts"

const commandId = CommandId.make("c")
const text = (code: string) => ({ kind: "text" as const, code, title: code })
const number = (code: string) => ({ kind: "number" as const, code, title: code })
const put = (...attributes: ReadonlyArray<Declaration>) => new PutProductType({ commandId, title: "Tea", attributes })
const remove = new RemoveProductType({ commandId })
const after = (state: ProductTypeState.State, command: ProductTypeState.Command): ProductTypeState.State =>
  evolved(
    ProductTypeState,
    state,
    Result.getOrElse(ProductTypeState.decide(state, command, 7), () => []),
    1
  )
const refused = (state: ProductTypeState.State, command: ProductTypeState.Command) =>
  Result.getOrThrow(Result.flip(ProductTypeState.decide(state, command, 7)))

it("a product type declares what was said last, until it is removed", () => {
  const known = [put(text("a")), put(text("a"), number("constructor"))].reduce(after, ProductTypeState.initial)
  const id = ProductTypeId.make("eu_tea")
  const attributes = [text("a"), number("constructor")]
  assert.deepInclude(ProductTypeState.view(id, known, 2), { region: "eu", attributes, removed: false })
  assert.deepInclude(ProductTypeState.view(id, after(known, remove), 3), { attributes, removed: true })
  assert.strictEqual(refused(ProductTypeState.initial, remove)._tag, "NotFound")
  assert.deepStrictEqual(Result.getOrThrow(ProductTypeState.decide(known, put(...attributes), 8)), [])
})

it("an attribute keeps its kind, though it was not declared for a while", () => {
  const known = [put(text("a")), put(), remove].reduce(after, ProductTypeState.initial)
  assert.deepInclude(refused(known, put(number("a"))), { _tag: "AttributeKindFixed", attribute: "a", kind: "text" })
})

const page = (from: number) => put(...Array.from({ length: 100 }, (_, index) => text(`a${from + index}`)))
it("the codes that a type has used are bounded", () => {
  let state = ProductTypeState.initial
  for (let from = 0; from < everDeclaredMax; from += 100) state = after(state, page(from))
  assert.deepInclude(refused(state, page(everDeclaredMax)), { _tag: "AttributesUsedUp" })
  assert.notStrictEqual(after(state, page(0)), state)
})

it("codes stand once, among attributes and among options", () => {
  const option = { code: "o", title: "O" }
  const choice = { kind: "choice" as const, code: "b", title: "B", options: [option, option] }
  const { errors } = refused(ProductTypeState.initial, put(text("a"), choice, number("a"))) as ContentRefused
  assert.deepStrictEqual(
    errors.map(({ pointer }) => pointer),
    ["/attributes/2/code", "/attributes/1/options/1/code"]
  )
})

it.prop(
  "attributes that are of their kinds have no faults, and each that is not has one",
  [Attributes.AttributesJson],
  ([attributes]) => {
    const kinds = Object.entries(attributes).map(([code, value]): Declaration => {
      if (typeof value === "string") return text(code)
      if (typeof value === "number") return number(code)
      if (typeof value === "boolean") return { kind: "boolean", code, title: code }
      if (!Array.isArray(value)) return { kind: "localised_text", code, title: code }
      return { kind: "choices", code, title: code, options: value.map((one) => ({ code: one, title: one })) }
    })
    assert.deepStrictEqual(Attributes.faultsOf(kinds, attributes), [])
    assert.deepStrictEqual(
      Attributes.jsonOf(Attributes.attributesOf(attributes)),
      JSON.parse(JSON.stringify(attributes))
    )
    const swapped = kinds.map((one) => (one.kind === "text" ? number(one.code) : text(one.code)))
    assert.lengthOf(Attributes.faultsOf(swapped, attributes), kinds.length)
    const required = kinds.map((one) => ({ ...one, required: true }))
    assert.lengthOf(Attributes.faultsOf(required, {}), kinds.length)
  }
)
