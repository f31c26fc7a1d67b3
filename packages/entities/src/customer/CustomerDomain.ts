import { CustomerId } from "@halles/shared/Ids"
import * as Domain from "../Domain.ts"
import { Customer } from "./Customer.ts"
import * as CustomerState from "./CustomerState.ts"
import { CustomerLive } from "./CustomerLive.ts"
import { customers } from "./CustomerLaws.ts"

export const customer = Domain.make({
  contract: Customer,
  id: CustomerId,
  model: CustomerState,
  live: CustomerLive,
  table: null,
  laws: customers,
  retention: { archiveAfterDays: null, dropAfterDays: null, reason: "lives as long as the account" },
  notifies: {}
})
