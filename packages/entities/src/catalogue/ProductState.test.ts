import { assert, it } from "@effect/vitest"
import { CommandId, SkuCode, SkuId } from "@halles/shared/Ids"
import { Arbitrary, Effect, Result, Schema } from "effect"
import { ListProduct, Price, Title, Unlist } from "./Product.ts"
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

it.effect("what Postgres could not store is no listing", () =>
  Effect.gen(function* () {
    const decode = Schema.decodeUnknownEffect(ListProduct)
    const price = { amount: 1, currency: "GBP", taxRate: 0 }
    const fields = { _tag: "ListProduct", commandId, sku: "TEA", description: "", price }
    yield* decode({ ...fields, title: "Tea 🍵" })
    for (const title of ["a\u0000", "\ud83c"]) assert.isDefined(yield* Effect.flip(decode({ ...fields, title })))
  })
)
