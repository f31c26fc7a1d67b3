import { CartId, orderIdOf } from "@halles/shared/Ids"
import type { Row } from "./Histories.ts"

/** The cart of the order whose rows these are, or `null`. */
export const cartIdIn = (rows: ReadonlyArray<Row>): string | null => {
  for (const { events, type } of rows) {
    const placed = type === "Order" ? events.find(({ _tag }) => _tag === "Placed") : undefined
    const draft = placed !== undefined && "draft" in placed ? placed.draft : null
    if (typeof draft === "object" && draft !== null && "cartId" in draft) return String(draft.cartId)
  }
  return null
}

/** The orders of all checkouts of the cart whose rows these are. */
export const orderIdsIn = (rows: ReadonlyArray<Row>): ReadonlyArray<string> =>
  rows
    .filter(({ type }) => type === "Cart")
    .flatMap(({ events, id }) =>
      events.flatMap((event) =>
        event._tag === "CheckedOut" && "attempt" in event && typeof event.attempt === "number"
          ? [orderIdOf(CartId.make(id, { disableChecks: true }), event.attempt)]
          : []
      )
    )
