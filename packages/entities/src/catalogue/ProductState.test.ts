import { evolved } from "@halles/engine/eventsourced/Model"
import { assert, it } from "@effect/vitest"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import { CommandId, SkuCode, SkuId } from "@halles/shared/Ids"
import { Arbitrary, Effect, Result, Schema } from "effect"
import type { Details } from "./Details.ts"
import {
  aheadMsMax,
  DescribeProduct,
  ListProduct,
  Price,
  ScheduleChange,
  scheduledMax,
  Title,
  Unlist,
  WithdrawChange
} from "./Product.ts"
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
  evolved(
    ProductState,
    state,
    Result.getOrElse(ProductState.decide(state, command, 7), () => []),
    1
  )

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

const sold = after(
  ProductState.initial,
  new ListProduct({ ...listing, commandId, sku: SkuCode.make("TEA"), description: "" })
)
const viewOf = (state: ProductState.State) => ProductState.view(id, state, 1)!

it("a draft is not on sale until it is listed, and what was on sale is archived", () => {
  const draft = new ListProduct({ ...listing, commandId, sku: SkuCode.make("TEA"), description: "", draft: true })
  const drafted = after(ProductState.initial, draft)
  assert.deepInclude(viewOf(drafted), { listed: false, status: "draft" })
  assert.strictEqual(after(drafted, new Unlist({ commandId })), drafted)
  assert.deepInclude(viewOf(after(sold, draft)), { listed: false, status: "draft" })
  assert.deepInclude(viewOf(sold), { listed: true, status: "active" })
  assert.deepInclude(viewOf(after(sold, new Unlist({ commandId }))), { listed: false, status: "archived" })
  const waiting = after(drafted, new ScheduleChange({ commandId, changeId: "go", dueAt: 100, listed: true }))
  assert.deepInclude(viewOf(waiting), { listed: false, status: "scheduled" })
  assert.deepInclude(viewOf(fires(waiting, 100)), { listed: true, status: "active" })
})

const fires = (state: ProductState.State, now: number): ProductState.State =>
  evolved(ProductState, state, Result.getOrThrow(ProductState.decide(state, new TimerFired({ commandId }), now)), 1)

it("an import leaves alone what it does not say: the description, and that a draft is one", () => {
  const fields = { title: "Other", price: listing.price, commandId, sku: SkuCode.make("TEA"), keepsDraft: true }
  const row = new ListProduct(fields)
  const told = new ListProduct({ ...listing, commandId, sku: SkuCode.make("TEA"), description: "Green", draft: true })
  const drafted = after(ProductState.initial, told)
  assert.deepInclude(viewOf(after(drafted, row)), { title: "Other", description: "Green", status: "draft" })
  assert.deepInclude(viewOf(after(sold, row)), { title: "Other", description: "", status: "active" })
  assert.deepInclude(viewOf(after(after(sold, new Unlist({ commandId })), row)), { status: "active" })
  assert.deepInclude(viewOf(after(ProductState.initial, row)), { description: "", status: "active" })
})

it("says why a change cannot wait for its time", () => {
  const pointer = (change: object, state = sold) => {
    const command = new ScheduleChange({ commandId, changeId: "a", dueAt: 100, ...change })
    const refusal = Result.getOrThrow(Result.flip(ProductState.decide(state, command, 7)))
    return refusal._tag === "ContentRefused" ? refusal.errors[0]?.pointer : refusal._tag
  }
  assert.strictEqual(pointer({}), "/price")
  assert.strictEqual(pointer({ listed: true, dueAt: 7 }), "/at")
  assert.strictEqual(pointer({ listed: true, dueAt: 8 + aheadMsMax }), "/at")
  const many = Array.from({ length: scheduledMax }, (_, index) => `c${index}`)
  const full = many.reduce(
    (state, changeId) => after(state, new ScheduleChange({ commandId, changeId, dueAt: 100, listed: false })),
    sold
  )
  assert.strictEqual(pointer({ listed: true }, full), "TooManyChanges")
  assert.notStrictEqual(after(full, new ScheduleChange({ commandId, changeId: "c1", dueAt: 200, listed: true })), full)
})

const changes = Arbitrary.array(
  Arbitrary.all({
    changeId: Arbitrary.schema(Schema.Literals(["a", "b", "c"])),
    dueAt: Arbitrary.schema(Schema.Literals([8, 10, 20, 30])),
    amount: Arbitrary.schema(Schema.NullOr(Schema.Literals([100, 200]))),
    listed: Arbitrary.schema(Schema.NullOr(Schema.Boolean)),
    isWithdrawn: Arbitrary.schema(Schema.Literals([true, false, false]))
  }),
  { minLength: 1, maxLength: 12 }
)
it.prop(
  "what waits happens at its time, in its order, unless it was withdrawn or stated anew",
  [changes],
  ([changes]) => {
    let state = sold
    const waiting = new Map<string, (typeof changes)[number]>()
    for (const change of changes) {
      const { amount, changeId, dueAt, isWithdrawn, listed } = change
      const price = amount === null ? {} : { price: { ...listing.price, amount } }
      const said = { ...price, ...(listed === null ? {} : { listed }) }
      const before = state
      state = isWithdrawn
        ? after(state, new WithdrawChange({ commandId, changeId }))
        : after(state, new ScheduleChange({ commandId, changeId, dueAt, ...said }))
      if (isWithdrawn) waiting.delete(changeId)
      else if (state !== before) {
        waiting.delete(changeId)
        waiting.set(changeId, change)
      }
    }
    const expected: { amount: number; listed: boolean } = { amount: listing.price.amount, listed: true }
    for (const now of [8, 10, 20, 30]) {
      for (const { amount, dueAt, listed } of waiting.values()) {
        if (dueAt !== now) continue
        expected.amount = amount ?? expected.amount
        expected.listed = listed ?? expected.listed
      }
      const next = [...waiting.values()].map(({ dueAt }) => dueAt).filter((dueAt) => dueAt >= now)
      assert.strictEqual(ProductState.dueAt(state), next.length === 0 ? null : Math.min(...next))
      state = fires(state, now)
      assert.deepInclude(viewOf(state), {
        listed: expected.listed,
        price: { ...listing.price, amount: expected.amount }
      })
      assert.deepStrictEqual(fires(state, now), state)
    }
    assert.strictEqual(ProductState.dueAt(state), null)
  }
)

it.effect("what Postgres could not store is no listing", () =>
  Effect.gen(function* () {
    const decode = Schema.decodeUnknownEffect(ListProduct)
    const price = { amount: 1, currency: "GBP", taxRate: 0 }
    const fields = { _tag: "ListProduct", commandId, sku: "TEA", description: "", price }
    yield* decode({ ...fields, title: "Tea 🍵" })
    for (const title of ["a\u0000", "\ud83c"]) assert.isDefined(yield* Effect.flip(decode({ ...fields, title })))
  })
)
