import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { done, viewReply } from "@halles/engine/eventsourced/Replies"
import type { OrderId } from "@halles/shared/Ids"
import { Result } from "effect"
import { OrderView, type Status } from "./Order.ts"
import type { State } from "./OrderEvents.ts"
import { disputedOf } from "./OrderEvolve.ts"
import { returnables } from "./OrderReturns.ts"

export const statusOf = (state: State): Status => {
  switch (state.phase) {
    case "none":
    case "holding":
      return "created"
    case "authorising":
      return "payment"
    case "reserving":
      return "reserving"
    case "awaitingStock":
      return "awaiting_stock"
    case "booking":
      return "shipping"
    case "confirmed":
    case "capturing":
    case "shippingStock":
      return "confirmed"
    case "recalling":
    case "releasing":
    case "voiding":
    case "reopening":
      return "cancelling"
    case "cancelled":
      return "cancelled"
    case "shipped":
    case "delivered": {
      if (!state.returns.some(isBack)) return state.phase
      const returnable = returnables(state)
      const all = state.draft!.lines.every((line) => returnable(line) === 0)
      return all && state.returns.every((one) => isBack(one) || one.status === "refused")
        ? "returned"
        : "partially_returned"
    }
  }
}

/** Its money is back. */
const isBack = ({ status }: State["returns"][number]): boolean => status === "refunded" || status === "settled"

const returnStatuses = {
  requested: "requested",
  labelled: "requested",
  received: "received",
  stocked: "received",
  refunded: "refunded",
  refund_refused: "refund_refused",
  settled: "settled",
  refused: "refused"
} as const

export const view = (id: OrderId, state: State, seq: number): OrderView | null => {
  const { draft } = state
  if (draft === null) return null
  return new OrderView({
    id,
    cartId: draft.cartId,
    status: statusOf(state),
    customerId: draft.customerId,
    currency: draft.currency,
    lines: draft.lines,
    charges: draft.charges,
    discount: draft.discount,
    totals: draft.totals,
    payment: {
      authorised: state.authorised,
      captured: state.captured,
      refunded: state.refunded,
      disputed: disputedOf(state)
    },
    disputes: state.disputes.map(({ amount, at, reference, status, won }) => ({
      reference,
      amount: Math.max(amount, won),
      status,
      at
    })),
    awaiting: state.phase === "awaitingStock" ? state.awaiting : [],
    trackingNumbers: state.trackingNumbers,
    returns: state.returns.map(({ amount, disposition, lines, outbound, refunded, returnId, status }) => ({
      returnId,
      disposition,
      lines,
      outbound,
      amount,
      status: returnStatuses[status],
      refunded
    })),
    cancelled:
      state.phase === "cancelled" && state.cancellation !== null
        ? { ...state.cancellation, cartReopened: state.cartReopened }
        : null,
    steps: state.steps,
    refused: state.refused.filter(({ again }) => !again).map(({ at, reason, step }) => ({ step, reason, at })),
    seq
  })
}

/**
 * Whether the order needs what SKUs hold for it: until its goods have left or it is given up. After they have left, a SKU that
 * refused to take them out of its books keeps them until that is settled.
 */
export const needsStock = ({ phase, refused }: State): boolean => {
  switch (phase) {
    case "holding":
    case "authorising":
    case "reserving":
    case "awaitingStock":
    case "booking":
    case "confirmed":
    case "capturing":
    case "shippingStock":
    case "recalling":
      return true
    case "shipped":
    case "delivered":
      return refused.some(({ step }) => step === "ship")
    case "none":
    case "releasing":
    case "voiding":
    case "reopening":
    case "cancelled":
      return false
  }
}

const toView = viewReply("Order", view)
export const replies = {
  Place: done,
  Cancel: toView,
  RequestReturn: toView,
  Operate: toView,
  NoteDispatched: done,
  NoteDelivered: done,
  NoteDispute: done,
  NoteReturnReceived: done,
  NeedsStock: (id: OrderId, { state }: { readonly state: State }): Result.Result<boolean, NotFound> =>
    state.draft === null ? Result.fail(new NotFound({ entity: "Order", id })) : Result.succeed(needsStock(state)),
  View: toView
}
