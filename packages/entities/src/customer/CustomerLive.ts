import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import { CustomerId } from "@halles/shared/Ids"
import { Customer } from "./Customer.ts"
import * as CustomerState from "./CustomerState.ts"

export const CustomerLive = EventSourced.layer(Customer, CustomerState, {
  id: CustomerId,
  maxIdleTime: "5 minutes",
  mailboxCapacity: 256
})
