import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import * as Domain from "../Domain.ts"
import { UniqueValue, UniqueValueId } from "./UniqueValue.ts"
import * as UniqueValueState from "./UniqueValueState.ts"

export const uniqueValue = Domain.make({
  contract: UniqueValue,
  id: UniqueValueId,
  model: UniqueValueState,
  live: EventSourced.layer(UniqueValue, UniqueValueState, {
    id: UniqueValueId,
    maxIdleTime: "1 minute",
    mailboxCapacity: 64
  }),
  table: null,
  routes: null,
  laws: null,
  retention: { archiveAfterDays: null, dropAfterDays: null, reason: "lives as long as a product may have the value" },
  notifies: {},
  anytime: []
})
