import type { Laws } from "../laws/Rows.ts"
import { depthMax, type CategoryCode } from "./CategoryTree.ts"
import type { Event, State } from "./CategoryTreeState.ts"

/** I13: a category stands in one place, never below itself, and never deeper than it may. */
export const categoryTrees: Laws<State, Event> = ({ findings }) => ({
  history: (id) => {
    const parents = new Map<CategoryCode, CategoryCode | null>()
    const children = new Map<CategoryCode | null, Set<CategoryCode>>()
    /** Categories from this one up to its root, both counted; `depthMax + 1` where the way up is longer or meets a category that is not in the tree. */
    const depthOf = (category: CategoryCode): number => {
      let depth = 0
      for (let here: CategoryCode | null | undefined = category; here !== null; here = parents.get(here)) {
        depth += 1
        if (here === undefined || depth > depthMax) return depthMax + 1
      }
      return depth
    }
    /** Levels of the subtree, that of the category counted; `depthMax + 1` where there are more. */
    const levelsOf = (category: CategoryCode): number => {
      let levels = 0
      for (let level = [category]; level.length > 0 && levels <= depthMax; levels += 1)
        level = level.flatMap((one) => [...(children.get(one) ?? [])])
      return levels
    }
    return {
      event: (event, { seq }) => {
        findings.checked("I13")
        const { category } = event
        children.get(parents.get(category) ?? null)?.delete(category)
        if (event._tag === "CategoryTakenOut") return void parents.delete(category)
        parents.set(category, event.parent)
        children.set(event.parent, (children.get(event.parent) ?? new Set()).add(category))
        const depth = depthOf(category)
        if (depth > depthMax) {
          const detail = `${category} below ${event.parent} leads to no root within ${depthMax} steps`
          findings.violation("I13", "CategoryTree", id, seq, detail)
        } else if (depth + levelsOf(category) - 1 > depthMax) {
          const detail = `the move of ${category} below ${event.parent} leaves categories deeper than ${depthMax}`
          findings.violation("I13", "CategoryTree", id, seq, detail)
        }
      },
      end: ({ nodes }) => {
        findings.checked("I13")
        const isSame = nodes.length === parents.size && nodes.every((one) => parents.get(one.category) === one.parent)
        const deep = nodes.find(({ category }) => depthOf(category) > depthMax)
        if (deep !== undefined)
          findings.violation("I13", "CategoryTree", id, null, `${deep.category} is deeper than ${depthMax}`)
        if (!isSame) findings.violation("I13", "CategoryTree", id, null, "the tree is not what its history says")
      }
    }
  }
})
