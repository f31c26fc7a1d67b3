import type { OrderId } from "@halles/shared/Ids"
import { portion } from "@halles/shared/Money"
import { spread } from "../Cart/CartTotals.ts"
import { OrderView, type ReturnLine, type Status } from "../Order.ts"
import type { State } from "./OrderEvents.ts"

type Line = typeof ReturnLine.Type

const returned = (state: State, sku: string, variant: string): number =>
  state.returns
    .filter(({ status }) => status !== "refused")
    .flatMap(({ lines }) => lines)
    .filter((line) => line.sku === sku && line.variant === variant)
    .reduce((sum, { quantity }) => sum + quantity, 0)

const bought = (state: State, sku: string, variant: string) =>
  state.draft?.lines.findIndex((line) => line.sku === sku && line.variant === variant) ?? -1

/** How many of a line may still come back. */
export const returnable = (state: State, { sku, variant }: Line): number =>
  (state.draft?.lines[bought(state, sku, variant)]?.quantity ?? 0) - returned(state, sku, variant)

/**
 * What the customer paid for these units, discount and tax included. Units of one line are paid back by the running
 * total, `floor(paid * k / n)`, so that all of a line comes to exactly what was paid for it in whatever portions.
 */
export const refundOf = (state: State, lines: ReadonlyArray<Line>): number => {
  const { discount, lines: boughtLines } = state.draft!
  const goods = boughtLines.map(({ quantity, unitPrice }) => unitPrice * quantity)
  const shares = spread(discount, goods)
  const net = goods.map((amount, index) => amount - shares[index]!)
  const paid = net.map((amount, index) => amount + portion(amount, boughtLines[index]!.taxRate))
  return lines.reduce((sum, { quantity, sku, variant }) => {
    const index = bought(state, sku, variant)
    const before = returned(state, sku, variant)
    const upTo = (units: number) =>
      Number((BigInt(paid[index]!) * BigInt(units)) / BigInt(boughtLines[index]!.quantity))
    return sum + upTo(before + quantity) - upTo(before)
  }, 0)
}

export const statusOf = (state: State): Status => {
  switch (state.phase) {
    case "none":
    case "holding":
      return "created"
    case "authorising":
      return "payment"
    case "reserving":
      return "reserving"
    case "booking":
      return "shipping"
    case "confirmed":
    case "capturing":
    case "shippingStock":
      return "confirmed"
    case "recalling":
    case "releasing":
    case "voiding":
      return "cancelling"
    case "cancelled":
      return "cancelled"
    case "shipped":
    case "delivered": {
      if (!state.returns.some(({ status }) => status === "refunded")) return state.phase
      const all = state.draft!.lines.every((line) => returnable(state, line) === 0)
      return all && state.returns.every(({ status }) => status === "refunded" || status === "refused")
        ? "returned"
        : "partially_returned"
    }
  }
}

const shownReturn = {
  requested: "requested",
  labelled: "requested",
  received: "received",
  stocked: "received",
  refunded: "refunded",
  refused: "refused"
} as const

export const view = (id: OrderId, state: State, seq: number): OrderView | null => {
  const { draft } = state
  if (draft === null) return null
  return new OrderView({
    id,
    status: statusOf(state),
    customerId: draft.customerId,
    currency: draft.currency,
    lines: draft.lines,
    charges: draft.charges,
    discount: draft.discount,
    totals: draft.totals,
    payment: { authorised: state.authorised, captured: state.captured, refunded: state.refunded },
    trackingNumbers: state.trackingNumbers,
    returns: state.returns.map(({ amount, disposition, lines, returnId, status }) => ({
      returnId,
      disposition,
      lines,
      status: shownReturn[status],
      refunded: status === "refunded" ? amount : 0
    })),
    cancelled: state.phase === "cancelled" ? state.cancellation : null,
    steps: state.steps,
    seq
  })
}
