import * as Domain from "../Domain.ts"
import { CategoryTree, CategoryTreeId } from "./CategoryTree.ts"
import { CategoryTreeLive } from "./CategoryTreeLive.ts"
import { categoryTrees } from "./CategoryTreeLaws.ts"
import * as CategoryTreeState from "./CategoryTreeState.ts"
import { CategoryTreeTable } from "./CategoryTreeTable.ts"

export const categoryTree = Domain.make({
  contract: CategoryTree,
  id: CategoryTreeId,
  model: CategoryTreeState,
  live: CategoryTreeLive,
  table: CategoryTreeTable,
  routes: null,
  laws: categoryTrees,
  retention: { archiveAfterDays: null, dropAfterDays: null, reason: "lives as long as the shop" },
  notifies: { CategoryPlaced: "category.placed", CategoryTakenOut: "category.taken_out" },
  anytime: ["PlaceCategory", "TakeOutCategory"]
})
