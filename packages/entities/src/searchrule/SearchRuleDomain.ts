import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import * as Domain from "../Domain.ts"
import { SearchRule, SearchRuleId } from "./SearchRule.ts"
import { SearchRuleApi } from "./SearchRuleApi.ts"
import * as SearchRuleState from "./SearchRuleState.ts"
import { SearchRuleTable } from "./SearchRuleTable.ts"

export const searchRule = Domain.make({
  contract: SearchRule,
  id: SearchRuleId,
  model: SearchRuleState,
  live: EventSourced.layer(SearchRule, SearchRuleState, {
    id: SearchRuleId,
    maxIdleTime: "1 minute",
    mailboxCapacity: 64
  }),
  table: SearchRuleTable,
  routes: SearchRuleApi,
  laws: null,
  retention: { archiveAfterDays: null, dropAfterDays: null, reason: "lives as long as searches may follow it" },
  notifies: {},
  anytime: ["PutSearchRule", "RemoveSearchRule"]
})
