import { assert, it } from "@effect/vitest"
import { CommandId } from "@halles/shared/Ids"
import { Arbitrary, Result, Schema } from "effect"
import { Facts } from "../laws/Facts.ts"
import { Findings } from "../laws/Findings.ts"
import {
  categoriesMax,
  CategoryCode,
  CategoryTreeId,
  depthMax,
  PlaceCategory,
  TakeOutCategory
} from "./CategoryTree.ts"
import { categoryTrees } from "./CategoryTreeLaws.ts"
import * as CategoryTreeState from "./CategoryTreeState.ts"

const id = CategoryTreeId.make("eu_categories")
const commandId = CommandId.make("c")
const code = (text: string) => CategoryCode.make(text)
const place = (category: string, parent: string | null, before?: string | null) =>
  new PlaceCategory({
    commandId,
    category: code(category),
    parent: parent === null ? null : code(parent),
    ...(before === undefined ? {} : { before: before === null ? null : code(before) })
  })
const takeOut = (category: string) => new TakeOutCategory({ commandId, category: code(category) })
const after = (state: CategoryTreeState.State, command: CategoryTreeState.Command): CategoryTreeState.State =>
  Result.getOrElse(CategoryTreeState.decide(state, command, 7), () => []).reduce(CategoryTreeState.evolve, state)
const refused = (state: CategoryTreeState.State, command: CategoryTreeState.Command) =>
  Result.getOrThrow(Result.flip(CategoryTreeState.decide(state, command, 7)))
const treeOf = (...commands: ReadonlyArray<CategoryTreeState.Command>) =>
  commands.reduce(after, CategoryTreeState.initial)

const below = (state: CategoryTreeState.State, parent: string | null) => {
  const asked = { parent: parent === null ? null : code(parent), after: null, limit: 200 }
  return Result.getOrThrow(CategoryTreeState.replies.Children(id, { state }, asked)).items.map((one) =>
    String(one.code)
  )
}
const pathOf = (state: CategoryTreeState.State, category: string) =>
  Result.getOrThrow(CategoryTreeState.replies.Path(id, { state }, { category: code(category) })).path
const subtreeOf = (state: CategoryTreeState.State, category: string) =>
  Result.getOrThrow(CategoryTreeState.replies.Subtree(id, { state }, { category: code(category) }))

/** Few, so that they meet. */
const names = ["a", "b", "c", "d", "e"]
const name = Arbitrary.schema(Schema.Literals(names))
const command: Arbitrary.Arbitrary<CategoryTreeState.Command> = Arbitrary.map(
  Arbitrary.all({
    what: Arbitrary.schema(Schema.Literals(["place", "place", "first", "take out"])),
    category: name,
    parent: Arbitrary.schema(Schema.NullOr(Schema.Literals(names))),
    before: name
  }),
  ({ before, category, parent, what }) => {
    if (what === "take out") return takeOut(category)
    return what === "first" ? place(category, parent, before) : place(category, parent)
  }
)
const history = Arbitrary.array(command, { minLength: 5, maxLength: 60 })

it.prop("a category stands in one place, and never below itself, whatever is asked", [history], ([history]) => {
  const findings = new Findings()
  const reader = categoryTrees({ findings, facts: new Facts(), now: 0, graceMs: 0 }).history(id)
  let state = CategoryTreeState.initial
  for (const [index, command] of history.entries()) {
    for (const event of Result.getOrElse(CategoryTreeState.decide(state, command, 7), () => [])) {
      const before = state
      state = CategoryTreeState.evolve(state, event)
      const row = { entityId: id, seq: index + 1, commandId: "c", events: [event], shard: 0, epoch: 1, at: 7 }
      reader.event!(event, row, before, state)
    }
    const codes = state.nodes.map(({ category }) => category)
    assert.strictEqual(new Set(codes).size, codes.length)
    // From the roots down everything is met once.
    const met = below(state, null).flatMap((root) => [...subtreeOf(state, root)])
    assert.sameMembers(met, codes)
    const again = CategoryTreeState.decide(state, command, 8)
    assert.isTrue(Result.isFailure(again) || again.success.length === 0)
  }
  reader.end!(state)
  assert.deepStrictEqual(findings.kept, [])
})

it.prop("what is below a category moves with it, in its order", [history, name, name], ([history, moved, to]) => {
  const state = history.reduce(after, CategoryTreeState.initial)
  const next = after(state, place(moved, to))
  if (next === state) return
  assert.deepStrictEqual(subtreeOf(next, moved).slice(1), subtreeOf(state, moved).slice(1))
  assert.deepStrictEqual(pathOf(next, moved).slice(-2), [code(to), code(moved)])
})

it("siblings stand in the order that was asked for", () => {
  const tree = treeOf(place("a", null), place("b", null), place("c", null))
  assert.deepStrictEqual(below(tree, null), ["a", "b", "c"])
  assert.deepStrictEqual(below(after(tree, place("c", null, "a")), null), ["c", "a", "b"])
  assert.deepStrictEqual(below(after(tree, place("a", null, null)), null), ["b", "c", "a"])
  // Where nothing is said, it stays.
  assert.strictEqual(after(tree, place("a", null)), tree)
  const moved = treeOf(place("a", null), place("b", null), place("x", "a"), place("y", "a"), place("x", "b"))
  assert.deepStrictEqual([below(moved, "a"), below(moved, "b")], [["y"], ["x"]])
})

it("says why a category cannot stand where it is asked to", () => {
  const tree = treeOf(place("a", null), place("b", "a"), place("c", "b"))
  assert.deepInclude(refused(tree, place("a", "c")), { _tag: "CategoryCycle", parent: code("c") })
  assert.deepInclude(refused(tree, place("a", "a")), { _tag: "CategoryCycle" })
  assert.deepInclude(refused(tree, place("x", "nowhere")), {
    errors: [{ pointer: "/parent", detail: "It does not stand in the tree" }]
  })
  assert.strictEqual(refused(tree, place("x", "a", "c"))._tag, "ContentRefused")
  assert.deepInclude(refused(tree, takeOut("a")), { _tag: "CategoryHasChildren", children: 1 })
  assert.deepInclude(refused(tree, takeOut("nowhere")), { _tag: "NotFound", id: "nowhere" })
})

it("is as deep and as large as it may be, also where a whole subtree moves", () => {
  const chain = Array.from({ length: depthMax }, (_, at) => place(`n${at}`, at === 0 ? null : `n${at - 1}`))
  const deep = treeOf(...chain)
  assert.deepInclude(refused(deep, place("x", `n${depthMax - 1}`)), { bound: "depth", max: depthMax })
  const two = [place("x", null), place("y", "x")].reduce(after, deep)
  assert.deepInclude(refused(two, place("x", `n${depthMax - 2}`)), { bound: "depth" })
  assert.lengthOf(pathOf(after(two, place("x", `n${depthMax - 3}`)), "y"), depthMax)
  const nodes = Array.from({ length: categoriesMax }, (_, at) => ({ category: code(`c${at}`), parent: null }))
  assert.deepInclude(refused({ nodes }, place("x", null)), { bound: "categories", max: categoriesMax })
  assert.lengthOf(after({ nodes }, place("c7", "c8")).nodes, categoriesMax)
})
