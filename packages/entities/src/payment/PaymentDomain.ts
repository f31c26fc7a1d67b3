import { OrderId } from "@halles/shared/Ids"
import * as Domain from "../Domain.ts"
import { Payment } from "./Payment.ts"
import * as PaymentState from "./PaymentState.ts"
import { PaymentLive } from "./PaymentLive.ts"
import { payments } from "./PaymentLaws.ts"

export const payment = Domain.make({
  contract: Payment,
  id: OrderId,
  model: PaymentState,
  live: PaymentLive,
  table: null,
  routes: null,
  laws: payments,
  retention: { archiveAfterDays: 400, dropAfterDays: null, reason: "as its order, and goes with it" },
  notifies: {
    Authorised: "payment.authorised",
    Declined: "payment.declined",
    Captured: "payment.captured",
    Voided: "payment.voided",
    Refunded: "payment.refunded",
    ChargedBack: "payment.charged_back",
    DisputeWon: "payment.dispute_won"
  },
  anytime: []
})
