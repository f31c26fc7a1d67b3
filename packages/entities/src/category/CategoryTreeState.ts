import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { viewReply } from "@halles/engine/eventsourced/Replies"
import { regionOf } from "@halles/shared/Region"
import { Result, Schema } from "effect"
import { ContentRefused } from "../routes/ContentRefused.ts"
import {
  categoriesMax,
  CategoryCode,
  CategoryCycle,
  CategoryHasChildren,
  CategoryTreeFull,
  type CategoryTreeId,
  CategoryTreeView,
  depthMax,
  pageMax,
  type PlaceCategory,
  type TakeOutCategory
} from "./CategoryTree.ts"

export const type = "CategoryTree"
export const version = 1

export type Command = PlaceCategory | TakeOutCategory
export type Refusal = NotFound | ContentRefused | CategoryCycle | CategoryTreeFull | CategoryHasChildren

const at = Schema.Int
const parent = Schema.NullOr(CategoryCode)

export const Event = Schema.Union([
  /** All categories below it moved with it. `before` is the sibling that follows it. */
  Schema.TaggedStruct("CategoryPlaced", { category: CategoryCode, parent, before: parent, at }),
  Schema.TaggedStruct("CategoryTakenOut", { category: CategoryCode, at })
])
export type Event = typeof Event.Type

/** Nodes that have the same parent are in the order of the siblings. */
export const State = Schema.Struct({ nodes: Schema.Array(Schema.Struct({ category: CategoryCode, parent })) })
export type State = typeof State.Type
type Nodes = State["nodes"]

export const initial: State = { nodes: [] }

/** From the category up to its root. This ends, since `decide` refuses every move that would make a cycle. */
const upwards = (parents: ReadonlyMap<CategoryCode, CategoryCode | null>, category: CategoryCode) => {
  const path: Array<CategoryCode> = []
  for (let here: CategoryCode | null | undefined = category; here; here = parents.get(here)) path.push(here)
  return path
}

interface Index {
  readonly parents: ReadonlyMap<CategoryCode, CategoryCode | null>
  readonly children: ReadonlyMap<CategoryCode | null, ReadonlyArray<CategoryCode>>
}
const indices = new WeakMap<Nodes, Index>()
/** Made once for each state: a tree is asked far more often than it changes. */
const indexOf = (nodes: Nodes): Index => {
  const known = indices.get(nodes)
  if (known !== undefined) return known
  const parents = new Map<CategoryCode, CategoryCode | null>()
  const children = new Map<CategoryCode | null, Array<CategoryCode>>()
  for (const { category, parent } of nodes) {
    parents.set(category, parent)
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [category])
    else siblings.push(category)
  }
  const index = { parents, children }
  indices.set(nodes, index)
  return index
}
const parentsOf = (nodes: Nodes) => indexOf(nodes).parents
const childrenOf = (nodes: Nodes, of: CategoryCode | null): ReadonlyArray<CategoryCode> =>
  indexOf(nodes).children.get(of) ?? []

/** The category, then the categories directly below it, then those below them, level by level. */
const levelsBelow = (nodes: Nodes, category: CategoryCode): ReadonlyArray<ReadonlyArray<CategoryCode>> => {
  const { children } = indexOf(nodes)
  const levels: Array<ReadonlyArray<CategoryCode>> = []
  for (let level: ReadonlyArray<CategoryCode> = [category]; level.length > 0;) {
    levels.push(level)
    level = level.flatMap((one) => children.get(one) ?? [])
  }
  return levels
}

/** The sibling that follows the category; `null` for the last one. */
const nextOf = (nodes: Nodes, category: CategoryCode, parent: CategoryCode | null): CategoryCode | null => {
  const siblings = childrenOf(nodes, parent)
  return siblings[siblings.indexOf(category) + 1] ?? null
}

const refused = (pointer: string, detail: string) => Result.fail(ContentRefused.at(pointer, detail))

const place = ({ nodes }: State, { before, category, parent }: PlaceCategory, now: number) => {
  const parents = parentsOf(nodes)
  if (parent !== null && !parents.has(parent)) return refused("/parent", "It does not stand in the tree")
  if (before !== undefined && before !== null && (before === category || parents.get(before) !== parent))
    return refused("/before", "It does not stand directly below the same parent")
  const above = parent === null ? [] : upwards(parents, parent)
  if (parent !== null && above.includes(category)) return Result.fail(new CategoryCycle({ category, parent }))
  const isThere = parents.has(category)
  if (!isThere && nodes.length >= categoriesMax)
    return Result.fail(new CategoryTreeFull({ bound: "categories", max: categoriesMax }))
  if (above.length + (isThere ? levelsBelow(nodes, category).length : 1) > depthMax)
    return Result.fail(new CategoryTreeFull({ bound: "depth", max: depthMax }))
  const stays = isThere && parents.get(category) === parent
  if (stays && (before === undefined || nextOf(nodes, category, parent) === before)) return Result.succeed([])
  const placed: Event = { _tag: "CategoryPlaced", category, parent, before: before ?? null, at: now }
  return Result.succeed([placed])
}

export const decide = (state: State, command: Command, now: number): Result.Result<ReadonlyArray<Event>, Refusal> => {
  switch (command._tag) {
    case "PlaceCategory":
      return place(state, command, now)
    case "TakeOutCategory": {
      const { category } = command
      const children = childrenOf(state.nodes, category).length
      if (children > 0) return Result.fail(new CategoryHasChildren({ children }))
      if (!parentsOf(state.nodes).has(category)) return Result.fail(new NotFound({ entity: "Category", id: category }))
      return Result.succeed([{ _tag: "CategoryTakenOut", category, at: now }])
    }
  }
}

export const evolve = (state: State, event: Event): State => {
  const others = state.nodes.filter(({ category }) => category !== event.category)
  switch (event._tag) {
    case "CategoryPlaced": {
      const { before, category, parent } = event
      const at = before === null ? -1 : others.findIndex((node) => node.category === before)
      return { nodes: others.toSpliced(at === -1 ? others.length : at, 0, { category, parent }) }
    }
    case "CategoryTakenOut":
      return { nodes: others }
  }
}

/** `null` until the first category is placed. */
export const view = (id: CategoryTreeId, { nodes }: State, seq: number): CategoryTreeView | null =>
  seq === 0 ? null : new CategoryTreeView({ region: regionOf(id), count: nodes.length, seq }, { disableChecks: true })

interface Now {
  readonly state: State
}
const toView = viewReply(type, view)
export const replies = {
  PlaceCategory: toView,
  TakeOutCategory: toView,
  View: toView,
  Path: (_id: CategoryTreeId, { state: { nodes } }: Now, { category }: { readonly category: CategoryCode }) => {
    const parents = parentsOf(nodes)
    const path = parents.has(category) ? upwards(parents, category).toReversed() : []
    return Result.succeed({ path, children: childrenOf(nodes, category).length })
  },
  Children: (
    _id: CategoryTreeId,
    { state: { nodes } }: Now,
    asked: { readonly parent: CategoryCode | null; readonly after: CategoryCode | null; readonly limit: number }
  ) => {
    const all = childrenOf(nodes, asked.parent)
    const from = asked.after === null ? 0 : all.indexOf(asked.after) + 1
    const here = all.slice(from, from + Math.min(Math.max(1, asked.limit), pageMax))
    const items = here.map((code) => ({ code, children: childrenOf(nodes, code).length }))
    return Result.succeed({ items, more: from + here.length < all.length })
  },
  Subtree: (_id: CategoryTreeId, { state: { nodes } }: Now, { category }: { readonly category: CategoryCode }) =>
    Result.succeed(parentsOf(nodes).has(category) ? levelsBelow(nodes, category).flat() : []),
  Missing: (
    _id: CategoryTreeId,
    { state: { nodes } }: Now,
    { categories }: { readonly categories: ReadonlyArray<CategoryCode> }
  ) => {
    const known = parentsOf(nodes)
    return Result.succeed(categories.filter((category) => !known.has(category)))
  }
}
