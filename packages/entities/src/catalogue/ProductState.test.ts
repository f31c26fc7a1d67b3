import { assert, it } from "@effect/vitest"
import { CommandId, SkuCode, SkuId } from "@halles/shared/Ids"
import { Arbitrary, Effect, Result, Schema } from "effect"
import type { Details } from "./Details.ts"
import { DescribeProduct, ListProduct, Price, Title, Unlist } from "./Product.ts"
import * as ProductState from "./ProductState.ts"

const id = SkuId.make("eu_TEA")
const commandId = CommandId.make("c")

const command: Arbitrary.Arbitrary<ProductState.Command> = Arbitrary.map(
  Arbitrary.all({
    kind: Arbitrary.schema(Schema.Literals(["ListProduct", "Unlist"])),
    title: Arbitrary.schema(Title),
    price: Arbitrary.schema(Price)
  }),
  ({ kind, price, title }) => {
    if (kind === "Unlist") return new Unlist({ commandId })
    return new ListProduct({ commandId, sku: SkuCode.make("TEA"), title, description: "", price })
  }
)
const history = Arbitrary.array(command, { minLength: 3, maxLength: 20 })

const listing = { title: "Tea", price: { amount: 495, currency: "GBP", taxRate: 2_000 } } as const
const after = (state: ProductState.State, command: ProductState.Command): ProductState.State =>
  Result.getOrElse(ProductState.decide(state, command, 7), () => []).reduce(ProductState.evolve, state)

it.prop("deciding twice adds nothing", [history, command], ([history, command]) => {
  const state = after(history.reduce(after, ProductState.initial), command)
  const again = ProductState.decide(state, command, 8)
  assert.isTrue(Result.isFailure(again) || again.success.length === 0)
})

it.prop("a product is what was listed last, and off sale once it was unlisted", [history], ([history]) => {
  const state = history.reduce(after, ProductState.initial)
  const listed = history.findLast((command) => command._tag === "ListProduct")
  const last = history.at(-1)
  const view = ProductState.view(id, state, 1)
  if (listed === undefined) return assert.strictEqual(view, null)
  assert.deepInclude(view, { sku: SkuCode.make("TEA"), region: "eu", title: listed.title, price: listed.price })
  assert.strictEqual(view?.listed, last?._tag === "ListProduct")
})

it("what was never listed cannot be unlisted", () => {
  const refusal = Result.flip(ProductState.decide(ProductState.initial, new Unlist({ commandId }), 0))
  assert.strictEqual(Result.getOrThrow(refusal)._tag, "NotFound")
})

const long = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ code: `a${index}`, text: "x".repeat(4_000) }))
it("a description says what it is refused for, field by field, and stays when the product is listed anew", () => {
  const describe = (details: Details) => new DescribeProduct({ commandId, ...details })
  const list = new ListProduct({ ...listing, commandId, sku: SkuCode.make("TEA"), description: "" })
  const listed = after(ProductState.initial, list)
  const pointers = (details: Details) => {
    const refusal = Result.getOrThrow(Result.flip(ProductState.decide(listed, describe(details), 7)))
    return refusal._tag === "ContentRefused" ? refusal.errors.map(({ pointer }) => pointer) : []
  }
  assert.deepStrictEqual(pointers({ gtin: "4006381333930", attributes: long(9) }), ["/gtin", "/attributes"])
  for (const gtin of ["96385074", "036000291452", "4006381333931", "10012345000017"]) {
    const known = after(listed, describe({ gtin, attributes: long(8) }))
    assert.deepInclude(ProductState.view(id, after(known, new Unlist({ commandId })), 3), { gtin, listed: false })
    assert.deepInclude(ProductState.view(id, after(known, list), 3), { gtin, listed: true })
  }
})

it.effect("what Postgres could not store is no listing", () =>
  Effect.gen(function* () {
    const decode = Schema.decodeUnknownEffect(ListProduct)
    const price = { amount: 1, currency: "GBP", taxRate: 0 }
    const fields = { _tag: "ListProduct", commandId, sku: "TEA", description: "", price }
    yield* decode({ ...fields, title: "Tea 🍵" })
    for (const title of ["a\u0000", "\ud83c"]) assert.isDefined(yield* Effect.flip(decode({ ...fields, title })))
  })
)
