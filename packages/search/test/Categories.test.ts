import { viewOf } from "@halles/entities/catalogue/ProductTable"
import { stands } from "@halles/entities/category/CategoryRule"
import { CategoryCode, CategoryTreeId, PlaceCategory, TakeOutCategory } from "@halles/entities/category/CategoryTree"
import * as CategoryTreeState from "@halles/entities/category/CategoryTreeState"
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
    rule: Schema.NullOr(Schema.Struct({ category: Code, price: Schema.Literals([400, 500, 501]) }))
  })
).check(Schema.isMaxLength(10))
const Named = Schema.Array(Code).check(Schema.isMaxLength(3), Schema.isUnique())

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
  [Moves, Moves, Descriptions, Named],
  ([before, moves, descriptions, named]) => {
    const categories = new Categories()
    categories.putTree({ id: "eu_categories", seq: 1, ...treeOf(before) })
    const product = { ...productRow("A", "Tea"), details: { categories: named.map((code) => CategoryCode.make(code)) } }
    categories.of(product, [])
    const state = treeOf([...before, ...moves])
    assert.isTrue(categories.putTree({ id: "eu_categories", seq: 2, ...state }))
    const described = new Map(descriptions.map((one) => [one.category as string, one]))
    for (const [at, { category, removed, rule }] of descriptions.entries()) {
      const own =
        rule === null
          ? {}
          : {
              rule: {
                category: CategoryCode.make(rule.category),
                priceBelow: { amount: rule.price, currency: product.currency }
              }
            }
      const description = { title: category, description: "", ...own }
      categories.put({ id: `eu_${category}`, seq: at + 1, title: category, description, removed })
    }
    const subtree = (category: CategoryCode) =>
      Result.getOrThrow(
        CategoryTreeState.replies.Subtree(CategoryTreeId.make("eu_categories"), { state }, { category })
      )
    const wanted = codes.filter((code) => {
      const { removed = false, rule = null } = described.get(code) ?? {}
      if (removed) return false
      const within = rule === null ? null : CategoryCode.make(rule.category)
      return stands(viewOf(product, "eu"), {
        categories: subtree(code),
        rule:
          rule === null || within === null
            ? null
            : {
                rule: { category: within, priceBelow: { amount: rule.price, currency: product.currency } },
                within: subtree(within)
              }
      })
    })
    assert.sameMembers([...categories.of(product, [])], wanted)
  }
)
