import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import * as HistoryLive from "../history/HistoryLive.ts"
import * as Domain from "../Domain.ts"
import { Category, CategoryId } from "./Category.ts"
import { EditedCategoryJson } from "./CategoryJson.ts"
import { CategoryApi } from "./CategoryApi.ts"
import { shows } from "./CategoryLaws.ts"
import * as CategoryState from "./CategoryState.ts"
import { CategoryTable } from "./CategoryTable.ts"

export const category = Domain.make({
  contract: Category,
  id: CategoryId,
  model: CategoryState,
  live: HistoryLive.layer(
    { model: CategoryState, edited: CategoryState.edited, json: EditedCategoryJson },
    (handlers) =>
      EventSourced.layer(Category, CategoryState, {
        id: CategoryId,
        maxIdleTime: "5 minutes",
        mailboxCapacity: 256,
        handlers
      })
  ),
  table: CategoryTable,
  routes: CategoryApi,
  laws: shows,
  retention: { archiveAfterDays: null, dropAfterDays: null, reason: "lives as long as products may name it" },
  notifies: { CategoryPut: "category.put", CategoryRemoved: "category.removed" },
  anytime: ["PutCategory", "RemoveCategory"]
})
