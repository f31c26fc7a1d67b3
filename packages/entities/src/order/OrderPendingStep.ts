import type { SkuCode } from "@halles/shared/Ids"
import { captureKey } from "../payment/Payment.ts"
import type { Failure } from "../sale/Sale.ts"
import { collectKey, noteKey, reopenKey, type Return, type SkuAllocation, type State } from "./OrderEvents.ts"
import { refundKey, type Refused, stockKey } from "./OrderRefusals.ts"

/** A message that the order has to send until it is answered; `key` is the step, and part of the command id that the receiver dedupes by. */
export type PendingStep =
  | {
      readonly _tag: "HoldStock" | "Authorise" | "AwaitStock" | "BookShipment" | "NoteCustomer"
      readonly key: string
      /** What it waits for may rightly take weeks. */
      readonly patient?: true
    }
  | { readonly _tag: "ReopenCart"; readonly key: string; readonly failure: Failure }
  | { readonly _tag: "Capture" | "RecallShipment" | "VoidPayment"; readonly key: string }
  /** To these SKUs, or to all of the order. */
  | { readonly _tag: "ShipStock" | "ReleaseStock"; readonly key: string; readonly skus: ReadonlyArray<SkuCode> | null }
  | { readonly _tag: "CollectReturn"; readonly key: string; readonly return: Return }
  | {
      readonly _tag: "StockReturn"
      readonly key: string
      readonly return: Return
      readonly parts: ReadonlyArray<SkuAllocation>
    }
  | { readonly _tag: "RefundReturn"; readonly key: string; readonly return: Return; readonly amount: number }

/** All pending steps: the one step of the order's own way first; what follows does not wait for it, nor one for another. */
export const pendingSteps = (state: State): ReadonlyArray<PendingStep> => {
  const step = stepOf(state)
  const again = state.refused.filter(({ again }) => again).flatMap((one) => repeated(state, one) ?? [])
  // Nothing is paid back while it is not known whether it was taken.
  const isCapturing = again.some(({ _tag }) => _tag === "Capture")
  if (step !== null) return [step, ...again]
  switch (state.phase) {
    case "confirmed":
    case "shipped":
    case "delivered":
      return [
        ...state.returns
          .flatMap((one) => returnStep(one) ?? [])
          .filter(({ _tag }) => !isCapturing || _tag !== "RefundReturn"),
        ...again,
        ...(state.noted ? [] : [{ _tag: "NoteCustomer", key: noteKey } as const])
      ]
    default:
      return again
  }
}

const stepOf = (state: State): PendingStep | null => {
  switch (state.phase) {
    case "holding":
      return { _tag: "HoldStock", key: "hold" }
    case "authorising":
      return { _tag: "Authorise", key: "authorise" }
    case "reserving":
      return { _tag: "AwaitStock", key: "await" }
    case "awaitingStock":
      return { _tag: "AwaitStock", key: `await-${state.waits}`, patient: true }
    case "booking":
      return { _tag: "BookShipment", key: "book" }
    case "capturing":
      return { _tag: "Capture", key: captureKey }
    case "shippingStock":
      return { _tag: "ShipStock", key: "ship", skus: null }
    case "recalling":
      return { _tag: "RecallShipment", key: `recall-${state.recalls}` }
    case "releasing":
      return { _tag: "ReleaseStock", key: "release", skus: null }
    case "voiding":
      return { _tag: "VoidPayment", key: "void" }
    case "reopening":
      return { _tag: "ReopenCart", key: reopenKey, failure: failureOf(state) }
    case "none":
    case "confirmed":
    case "shipped":
    case "delivered":
    case "cancelled":
      return null
  }
}

const failureOf = ({ cancellation }: State): Failure => {
  if (cancellation === null || cancellation.code === "requested") throw new Error("reopens after a failure only")
  return { ...cancellation, code: cancellation.code }
}

const returnStep = (one: Return): PendingStep | null => {
  switch (one.status) {
    case "requested":
      return { _tag: "CollectReturn", key: collectKey(one.returnId), return: one }
    case "received":
      return { _tag: "StockReturn", key: stockKey(one.returnId), return: one, parts: one.origins }
    case "stocked": {
      const amount = one.limit ?? one.amount - one.refunded
      return { _tag: "RefundReturn", key: keyOf(refundKey(one.returnId), one.attempt), return: one, amount }
    }
    case "labelled":
    case "refunded":
    case "refund_refused":
    case "settled":
    case "refused":
      return null
  }
}

/** No return has a colon in its id, so that `refund-a:2` is no first try of another. */
const keyOf = (step: string, attempt: number): string => (attempt === 1 ? step : `${step}:${attempt}`)

/** A step that was refused, once more. */
const repeated = (state: State, { attempt, skus, step }: Refused): PendingStep | null => {
  const key = keyOf(step, attempt)
  switch (step) {
    case "capture":
      return { _tag: "Capture", key }
    case "ship":
      return { _tag: "ShipStock", key, skus }
    case "release":
      return { _tag: "ReleaseStock", key, skus }
    case "void":
      return { _tag: "VoidPayment", key }
    case "reopen":
      return { _tag: "ReopenCart", key, failure: failureOf(state) }
    default: {
      const one = state.returns.find(({ returnId }) => stockKey(returnId) === step)
      return one === undefined ? null : { _tag: "StockReturn", key, return: one, parts: one.unstocked }
    }
  }
}

/** What was refused and may be sent again: what a shipment refused is asked for anew by giving the order up once more. */
export const isRepeatable = ({ again, step }: Refused): boolean => !again && step !== "recall" && step !== "note"
