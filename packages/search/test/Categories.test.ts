import { viewOf } from "@halles/entities/catalogue/ProductTable"
import { stands } from "@halles/entities/category/CategoryRule"
import { CategoryCode, CategoryTreeId, PlaceCategory, TakeOutCategory } from "@halles/entities/category/CategoryTree"
import * as CategoryTreeState from "@halles/entities/category/CategoryTreeState"
import type { Attributes } from "@halles/entities/producttype/Attributes"
import { ProductTypeCode } from "@halles/entities/producttype/ProductType"
import { assert, it } from "@effect/vitest"
import { Categories } from "@halles/search/process/Categories"
import { CommandId } from "@halles/shared/Ids"
import { Result, Schema } from "effect"
import { productRow } from "./Sample.ts"

const Code = Schema.Literals(["a", "b", "c", "d", "e"])
const codes = Code.literals.map((code) => CategoryCode.make(code))
const Move = Schema.Struct({ category: Code, parent: Schema.NullOr(Code), isTakenOut: Schema.Boolean })
const Moves = Schema.Array(Move).check(Schema.isMinLength(4), Schema.isMaxLength(30))
const Descriptions = Schema.Array(
  Schema.Struct({
    category: Code,
    removed: Schema.Boolean,
    rule: Schema.NullOr(
      Schema.Struct({
        category: Schema.NullOr(Code),
        price: Schema.Literals([400, 500, 501]),
        type: Schema.NullOr(Schema.Literals(["tea", "pot"])),
        attributes: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 }))).check(
          Schema.isMaxLength(2)
        )
      })
    )
  })
).check(Schema.isMaxLength(10))
const Named = Schema.Array(Code).check(Schema.isMaxLength(3), Schema.isUnique())

/** Some of them contain others. */
const attributes: Attributes = [
  { code: "leaf", options: ["whole", "green"] },
  { code: "leaf", options: ["green"] },
  { code: "leaf", options: [] },
  { code: "leaf", text: "green" },
  { code: "grams", number: 5 },
  { code: "organic", flag: false },
  { code: "note", texts: [{ language: "en", text: "malty" }] }
]
const Has = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 }))).check(Schema.isMaxLength(3))
const some = (places: ReadonlyArray<number>): Attributes => places.map((at) => attributes[at]!)

const ruleOf = ({ attributes, category, price, type }: NonNullable<(typeof Descriptions.Type)[number]["rule"]>) => ({
  ...(category === null ? {} : { category: CategoryCode.make(category) }),
  ...(type === null ? {} : { productType: ProductTypeCode.make(type) }),
  ...(attributes.length === 0 ? {} : { attributes: some(attributes) }),
  priceBelow: { amount: price, currency: productRow("A", "Tea").currency }
})

const treeOf = (moves: typeof Moves.Type): CategoryTreeState.State => {
  const commandId = CommandId.make("c")
  return moves.reduce((state, { isTakenOut, ...move }) => {
    const category = CategoryCode.make(move.category)
    const parent = move.parent === null ? null : CategoryCode.make(move.parent)
    const command = isTakenOut
      ? new TakeOutCategory({ commandId, category })
      : new PlaceCategory({ commandId, category, parent })
    const events = Result.getOrElse(CategoryTreeState.decide(state, command, 1), () => [])
    return events.reduce(CategoryTreeState.evolve, state)
  }, CategoryTreeState.initial)
}

it.prop(
  "a product stands for searches where listCategoryProducts lists it, but in no removed category",
  [Moves, Moves, Descriptions, Named, Has],
  ([before, moves, descriptions, named, has]) => {
    const categories = new Categories()
    categories.putTree({ id: "eu_categories", seq: 1, ...treeOf(before) })
    const productType = { code: ProductTypeCode.make("tea"), version: 1 }
    const details = { categories: named.map((code) => CategoryCode.make(code)), productType, attributes: some(has) }
    const product = { ...productRow("A", "Tea"), details }
    categories.of(product, details.attributes)
    const state = treeOf([...before, ...moves])
    assert.isTrue(categories.putTree({ id: "eu_categories", seq: 2, ...state }))
    const described = new Map(descriptions.map((one) => [one.category as string, one]))
    for (const [at, { category, removed, rule }] of descriptions.entries()) {
      const description = { title: category, description: "", ...(rule === null ? {} : { rule: ruleOf(rule) }) }
      categories.put({ id: `eu_${category}`, seq: at + 1, title: category, description, removed })
    }
    const subtree = (category: CategoryCode) =>
      Result.getOrThrow(
        CategoryTreeState.replies.Subtree(CategoryTreeId.make("eu_categories"), { state }, { category })
      )
    const wanted = codes.filter((code) => {
      const { removed = false, rule = null } = described.get(code) ?? {}
      const within = rule === null || rule.category === null ? [] : subtree(CategoryCode.make(rule.category))
      const asked = { categories: subtree(code), rule: rule === null ? null : { rule: ruleOf(rule), within } }
      return !removed && stands(viewOf(product, "eu"), asked)
    })
    assert.sameMembers([...categories.of(product, details.attributes)], wanted)
  }
)

it("a collection has the products for which its rule holds, whatever their attributes say", () => {
  const all = attributes.flatMap((one) => [[one], ...attributes.map((other) => [one, other])])
  let held = 0
  for (const wanted of all) {
    const categories = new Categories()
    const rule = { attributes: wanted }
    const description = { title: "Green", description: "", rule }
    categories.put({ id: "eu_green", seq: 1, title: "Green", description, removed: false })
    for (const said of all) {
      const product = { ...productRow("A", "Tea"), details: { attributes: said } }
      const isHeld = stands(viewOf(product, "eu"), { categories: [], rule: { rule, within: [] } })
      assert.deepStrictEqual(categories.of(product, said), isHeld ? ["green"] : [], JSON.stringify([wanted, said]))
      if (isHeld) held += 1
    }
  }
  assert.isAbove(held, all.length)
})
