import type { Shortage } from "../inventory/Sku.ts"
import type { Step } from "./Order.ts"
import {
  collectKey,
  type Event,
  noteKey,
  reopenKey,
  type Return,
  type SkuAllocation,
  type State
} from "./OrderEvents.ts"
import { refusedAfter, refundKey } from "./OrderRefusals.ts"

/** From where an order that is given up goes on undoing: what is there to undo depends on how far it came. */
const undo = (state: State): State["phase"] =>
  state.unsure !== null || state.phase === "booking" || state.phase === "confirmed" ? "recalling" : "releasing"
/** On its way; where it does not know how far it came, it undoes all that it may have asked for. */
const givingUp = (state: State) => ({
  phase: undo(state),
  payable: state.payable || state.unsure !== null,
  recalls: state.recalls + (state.unsure === null ? 0 : 1)
})
const onward = ({ unsure }: State, phase: State["phase"]) => ({ phase, unsure: unsure === null ? null : phase })
/** It cannot be given up any more, and goes on. */
const kept = (state: State): Pick<State, "phase" | "cancellation"> => ({
  phase: state.unsure ?? "confirmed",
  cancellation: null
})
const afterDispatch = (state: State): State["phase"] => {
  if (state.phase === "booking") return "booking"
  return state.unsure ?? "capturing"
}

const inReturn = (state: State, returnId: string, change: Partial<Return>): ReadonlyArray<Return> =>
  state.returns.map((one) => (one.returnId === returnId ? { ...one, ...change } : one))
const setReturn = (state: State, returnId: string, status: Return["status"]): ReadonlyArray<Return> =>
  inReturn(state, returnId, { status })

/** Its cart is to hear of it, unless it was given up on purpose: those goods may be ordered anew. */
const afterUndoing = ({ cancellation }: State): State["phase"] =>
  cancellation === null || cancellation.code === "requested" ? "cancelled" : "reopening"

const listedMax = 5
/** For people; the view has all of them. */
const listed = (texts: ReadonlyArray<string>): string => {
  const more = texts.length > listedMax ? [`and ${texts.length - listedMax} more`] : []
  return [...texts.slice(0, listedMax), ...more].join("; ")
}
/** `TEA: 1 of 3; MUG`. */
const shortageText = (missing: ReadonlyArray<Shortage>): string =>
  listed(missing.map(({ available, sku, wanted }) => (available === null ? sku : `${sku}: ${available} of ${wanted}`)))

export const evolve = (was: State, event: Event): State => {
  const before = { ...was, refused: refusedAfter(was.refused, event) }
  // Operators' doings are no steps that a customer sees.
  if (event._tag === "RetryRequested") return retried(before, event.step)
  if (event._tag === "StepSkipped") return skipped(before, event.step)
  if (event._tag === "Resumed") return { ...before, unsure: before.phase }
  const step: Step = { seq: before.steps.length + 1, step: stepName(event), at: event.at, detail: detailOf(event) }
  const state = isStep(before, event) ? { ...before, steps: [...before.steps, step] } : before
  switch (event._tag) {
    case "Placed":
      return { ...state, phase: "holding", draft: event.draft, noted: event.draft.customerId === null, since: event.at }
    case "StockHeld":
      return { ...state, ...onward(state, "authorising"), payable: true, stock: event.stock }
    case "StockUnavailable":
      return { ...state, ...lost("no_stock", event.missing) }
    case "PaymentAuthorised":
      return { ...state, ...onward(state, "reserving"), authorised: event.amount }
    case "PaymentDeclined":
      return {
        ...state,
        phase: "releasing",
        payable: false,
        cancellation: { code: "card_declined", detail: event.reason, missing: [] }
      }
    case "StockAwaited":
      return {
        ...state,
        phase: "awaitingStock",
        unsure: null,
        awaiting: event.awaiting,
        waits: state.waits + 1,
        since: event.at
      }
    case "StockReserved":
      return { ...state, phase: "booking", unsure: null, stock: event.stock ?? state.stock }
    case "HoldLost":
      return { ...state, ...lost("hold_expired", event.missing), ...givingUp(state), since: event.at }
    case "ShipmentBooked":
      return { ...state, phase: state.dispatched ? "capturing" : "confirmed", trackingNumbers: event.trackingNumbers }
    case "ShipmentRefused":
      return {
        ...state,
        phase: "releasing",
        cancellation: { code: "no_carrier", detail: event.reason, missing: [] }
      }
    case "CustomerNoted":
      return { ...state, noted: true }
    case "Dispatched":
      return {
        ...state,
        dispatched: true,
        phase: afterDispatch(state),
        cancellation: null,
        since: event.at
      }
    case "PaymentCaptured":
      return refundedAgain({ ...afterCapture(state), captured: event.amount }, isShort)
    case "StockShipped":
      return afterShipping(state)
    case "Delivered":
      return { ...state, delivered: true, phase: state.phase === "shipped" ? "delivered" : state.phase }
    case "CancelRequested":
      return {
        ...state,
        phase: undo(before),
        payable: state.payable || state.unsure !== null,
        cancellation: { code: "requested", detail: event.reason, missing: [] },
        recalls: state.recalls + 1,
        since: event.at
      }
    case "RecallRefused":
      return { ...state, ...kept(state) }
    case "ShipmentRecalled":
      return { ...state, phase: "releasing" }
    case "StockReleased":
      return { ...afterRelease(state), stock: [] }
    case "PaymentVoided":
      return afterVoid(state)
    case "CartReopened":
      return { ...state, phase: "cancelled", cartReopened: true }
    case "ReturnRequested": {
      const { amount, disposition, lines, origins, outbound, returnId } = event
      const planned = { returnId, disposition, lines, outbound, amount, origins }
      const begun = { status: "requested", refunded: 0, attempt: 1, limit: null, wonMeanwhile: false } as const
      const added: Return = { ...planned, ...begun, unstocked: [] }
      return { ...state, returns: [...state.returns, added], since: event.at }
    }
    case "ReturnLabelled":
      return { ...state, returns: setReturn(state, event.returnId, "labelled") }
    case "ReturnRefused":
      return { ...state, returns: setReturn(state, event.returnId, "refused") }
    case "ReturnReceived":
      return { ...state, returns: setReturn(state, event.returnId, "received"), since: event.at }
    case "ReturnStocked":
      return stocked(state, event.returnId, [])
    case "RefundReduced":
      return {
        ...state,
        returns: state.returns.map((one) =>
          one.returnId === event.returnId ? { ...one, limit: event.to, attempt: one.attempt + 1 } : one
        )
      }
    case "ReturnRefunded": {
      const one = state.returns.find((one) => one.returnId === event.returnId)
      const refunded = (one?.refunded ?? 0) + event.amount
      const after = {
        ...state,
        returns: inReturn(state, event.returnId, { status: "refunded", refunded, limit: null, wonMeanwhile: false }),
        refunded: state.refunded + event.amount
      }
      const goesOn = (other: Return) => other.returnId === event.returnId && isShort(other)
      return one?.wonMeanwhile === true ? refundedAgain(after, goesOn) : after
    }
    case "StepRefused":
      return refusedStep(state, event)
    case "ChargedBack":
      return refundedAgain({ ...state, disputes: disputesAfter(state.disputes, event) }, isExceeding)
    case "DisputeWon": {
      // A refund that is under way is asked for as it was: its answer may be older than this.
      const returns = state.returns.map((one) => (one.status === "stocked" ? { ...one, wonMeanwhile: true } : one))
      return refundedAgain(
        { ...state, returns, disputes: disputesAfter(state.disputes, event) },
        (one, after) => isExceeding(one, after) || isShort(one)
      )
    }
  }
}

const lost = (code: "no_stock" | "hold_expired", missing: ReadonlyArray<Shortage>) =>
  ({ phase: "releasing", cancellation: { code, detail: shortageText(missing), missing } }) as const

const afterCapture = (state: State): State =>
  state.phase === "capturing" ? { ...state, phase: "shippingStock" } : state
const afterShipping = (state: State): State =>
  state.phase === "shippingStock" ? { ...state, phase: state.delivered ? "delivered" : "shipped" } : state
const afterRelease = (state: State): State =>
  state.phase === "releasing" ? { ...state, phase: state.payable ? "voiding" : afterUndoing(state) } : state

/** A void that is sent again comes late. */
const afterVoid = (state: State): State =>
  state.phase === "voiding" ? { ...state, phase: afterUndoing(state) } : state

const stocked = (state: State, returnId: string, unstocked: ReadonlyArray<SkuAllocation>): State => ({
  ...state,
  returns: state.returns.map((one) =>
    one.returnId === returnId ? { ...one, unstocked, status: one.status === "received" ? "stocked" : one.status } : one
  )
})

type StepRefused = Extract<Event, { readonly _tag: "StepRefused" }>

const refusedStep = (state: State, { givenUp, parts = [], reason, returnId, step }: StepRefused): State => {
  switch (step) {
    case "hold":
    case "authorise":
    case "await":
    case "book":
      return { ...state, ...givingUp(state), cancellation: { code: "fault", detail: reason, missing: [] } }
    case "note":
      return { ...state, noted: true }
    case "capture":
      return afterCapture(state)
    case "ship":
      return afterShipping(state)
    case "recall":
      return givenUp === true ? { ...state, phase: "releasing" } : { ...state, ...kept(state) }
    case "release":
      return afterRelease(state)
    case "void":
      return afterVoid(state)
    case "reopen":
      return { ...state, phase: "cancelled" }
    case "stock":
      return stocked(state, returnId ?? "", parts)
    case "refund":
      return { ...state, returns: setReturn(state, returnId ?? "", "refund_refused") }
  }
}

/** By reference; what was given again before we heard that it was taken counts as won. */
export const disputesAfter = (
  disputes: State["disputes"],
  { _tag, amount, at, reference }: Extract<Event, { readonly _tag: "ChargedBack" | "DisputeWon" }>
): State["disputes"] => {
  const known = disputes.find((one) => one.reference === reference)
  const taken = (known?.amount ?? 0) + (_tag === "ChargedBack" ? amount : 0)
  const won = (known?.won ?? 0) + (_tag === "DisputeWon" ? amount : 0)
  const next = { reference, amount: taken, won, status: won >= taken ? "won" : "charged_back", at } as const
  return known === undefined ? [...disputes, next] : disputes.map((one) => (one === known ? next : one))
}
/** What banks took back and did not give again. */
export const disputedOf = ({ disputes }: Pick<State, "disputes">): number =>
  disputes.reduce((sum, { amount, won }) => sum + Math.max(0, amount - won), 0)

/** More could be paid back than before. */
const refundedAgain = (state: State, which: (one: Return, state: State) => boolean): State =>
  state.returns.some((one) => which(one, state))
    ? {
        ...state,
        returns: state.returns.map((one) =>
          which(one, state) ? { ...one, status: "stocked", attempt: one.attempt + 1, limit: null } : one
        )
      }
    : state
const isShort = ({ amount, refunded, status }: Return): boolean => status === "refunded" && refunded < amount
/** Its refusal has gone from the list of those that wait for an operator. */
const isExceeding = ({ returnId, status }: Return, { refused }: State): boolean =>
  status === "refund_refused" && !refused.some(({ step }) => step === refundKey(returnId))

const retried = (state: State, step: string): State => ({
  ...state,
  returns: state.returns.map((one) =>
    one.status === "refund_refused" && refundKey(one.returnId) === step
      ? { ...one, status: "stocked", attempt: one.attempt + 1, limit: null }
      : one
  )
})

const skipped = (state: State, step: string): State => {
  if (step === noteKey) return { ...state, noted: true }
  if (step === reopenKey) return { ...state, phase: "cancelled" }
  return {
    ...state,
    returns: state.returns.map((one) => {
      if (step === collectKey(one.returnId) && one.status === "requested") return { ...one, status: "labelled" }
      return step === refundKey(one.returnId) && one.status === "refund_refused" ? { ...one, status: "settled" } : one
    })
  }
}

/** That less is waited for than before is no step. */
const isStep = ({ phase }: State, { _tag }: Event): boolean => _tag !== "StockAwaited" || phase !== "awaitingStock"

/** `StockHeld` is shown to people as `stock_held`, and a step that was refused by its name. */
const stepName = (event: Event): string =>
  event._tag === "StepRefused" ? `${event.step}_refused` : event._tag.replace(/(?!^)([A-Z])/g, "_$1").toLowerCase()

const detailOf = (event: Event): string | null => {
  if (event._tag === "StepRefused" && event.returnId !== null) return `${event.returnId}: ${event.reason}`
  if ("reason" in event) return event.reason
  if ("missing" in event) return shortageText(event.missing)
  if ("awaiting" in event) return listed(event.awaiting.map(({ quantity, sku }) => `${sku}: ${quantity}`))
  return "returnId" in event ? event.returnId : null
}
