import { CommandReused, type NotFound } from "@halles/engine/eventsourced/EntityErrors"
import type { Handled } from "@halles/engine/eventsourced/Kind"
import { done, viewReply } from "@halles/engine/eventsourced/Replies"
import { CartId, type OrderId, orderIdOf } from "@halles/shared/Ids"
import { Result } from "effect"
import { BundleChanged, CartView, type CheckOut, type HandedOver, type PutLines, TotalChanged } from "./Cart.ts"
import { type Event, type State, statuses } from "./CartEvents.ts"
import { bill } from "./CartTotals.ts"

const unreported = { lastFailure: null, notices: [] } as const

/** `null` when nothing was ever put under the id. The state was checked when it came in, so the view is not again. */
export const view = (id: string, state: State, seq: number): CartView | null => {
  if (state._tag === "None") return null
  const { checkouts, coupon, currency, customerId, lines, pricing } = state
  const { charges, totals } = state._tag === "CheckedOut" ? state : bill(state)
  const status = state._tag === "Open" ? "open" : statuses[state._tag]
  const cartId = CartId.make(id)
  const orderId = checkouts === 0 ? null : orderIdOf(cartId, checkouts)
  const mergedInto = state._tag === "Merged" ? state.into : null
  const { lastFailure, notices } = state._tag === "Open" ? state : unreported
  const cart = { id: cartId, status, currency, pricing, customerId, lines, charges, coupon } as const
  const outcome = { orderId, mergedInto, lastFailure, notices } as const
  return new CartView({ ...cart, ...outcome, totals, seq }, { disableChecks: true })
}

type Now = Handled<State, Event>
type Checked = Result.Result<
  { readonly orderId: OrderId; readonly cart: CartView },
  CommandReused | TotalChanged | BundleChanged | NotFound
>
const toView = viewReply("Cart", view)

export const replies = {
  OpenCart: toView,
  PutLine: toView,
  AddLine: toView,
  RemoveLine: toView,
  PutLines: (_id: CartId, { events, seq }: Now, _message: PutLines) =>
    Result.succeed({ seq, refused: events.find((event) => event._tag === "LinesRefused")?.refused ?? [] }),
  PutCharge: toView,
  ApplyCoupon: toView,
  RemoveCoupon: toView,
  Reprice: toView,
  /** From the journal, so that a repeat hears what was said first; a cart that handed over changes no more. */
  HandOver: (_id: CartId, { events, state }: Now): Result.Result<HandedOver> => {
    const [event] = events
    if (event?._tag === "HandedOver" && state._tag === "Merged") {
      const { charges, coupon, customerId, lines } = state
      return Result.succeed({ _tag: "Lines", lines, charges, coupon, customerId })
    }
    return Result.succeed({ _tag: "Refused", reason: event?._tag === "HandOverRefused" ? event.reason : "closed" })
  },
  CheckOut: (id: CartId, now: Now, { commandId, fingerprint }: CheckOut): Checked => {
    const first = now.events.find((event) => event._tag === "CheckedOut" || event._tag === "CheckOutRefused")
    if (first?.fingerprint !== fingerprint) return Result.fail(new CommandReused({ commandId }))
    if (first._tag === "CheckOutRefused") {
      const { actual, bundles, expected } = first
      return Result.fail(
        bundles === undefined ? new TotalChanged({ expected, actual }) : new BundleChanged({ skus: bundles })
      )
    }
    const { attempt } = first
    return Result.map(toView(id, now), (cart) => ({ orderId: orderIdOf(id, attempt), cart }))
  },
  Reopen: done,
  View: toView
}
