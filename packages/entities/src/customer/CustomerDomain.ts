import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import { CustomerId } from "@halles/shared/Ids"
import * as Domain from "../Domain.ts"
import { CustomerApi } from "./CustomerApi.ts"
import { Customer } from "./Customer.ts"
import * as CustomerState from "./CustomerState.ts"
import { customers } from "./CustomerLaws.ts"

export const customer = Domain.make({
  contract: Customer,
  id: CustomerId,
  model: CustomerState,
  live: EventSourced.layer(Customer, CustomerState, { id: CustomerId, maxIdleTime: "5 minutes", mailboxCapacity: 256 }),
  table: null,
  routes: CustomerApi,
  laws: customers,
  retention: { archiveAfterDays: null, dropAfterDays: null, reason: "lives as long as the account" },
  notifies: {},
  anytime: ["Register", "ChangeCustomer", "Forget", "MovePoints"]
})
