import { SkuCode } from "@halles/shared/Ids"
import { Schema } from "effect"
import type { Event } from "./OrderEvents.ts"

/** A step that ended in a refusal which no other try would change; it waits for an operator, and the order for nothing. */
export const Refused = Schema.Struct({
  /** `capture`, `refund-<returnId>`: the key of its first try. */
  step: Schema.String,
  reason: Schema.String,
  at: Schema.Int,
  /** Of its tries, each of which has a key of its own, since receivers answer a repeat with their first answer. */
  attempt: Schema.Int,
  /** An operator has it sent again. */
  again: Schema.Boolean,
  /** Of a step that asks every SKU: those that refused. */
  skus: Schema.Array(SkuCode)
})
export type Refused = typeof Refused.Type

export const stockKey = (returnId: string): string => `stock-${returnId}`
export const refundKey = (returnId: string): string => `refund-${returnId}`
const isRefund = (step: string): boolean => step.startsWith("refund-")
export const exceedsCaptured = "exceeds_captured"

/** Steps that nothing undoes and nothing waits for. */
export const endSteps = ["note", "capture", "ship", "recall", "release", "void", "reopen", "stock", "refund"] as const
type EndStep = (typeof endSteps)[number]
const isEnd = (step: string): step is EndStep => endSteps.some((one) => one === step)

/** What is open of this kind after an event; the order and its read table go by the same. */
export const refusedAfter = (before: ReadonlyArray<Refused>, event: Event): ReadonlyArray<Refused> => {
  if (event._tag === "StepRefused") {
    const { at, reason, returnId, skus = [] } = event
    if (!isEnd(event.step)) return before
    const step = returnId === null ? event.step : `${event.step}-${returnId}`
    const attempt = before.find((one) => one.step === step)?.attempt ?? 1
    return [...without(before, step), { step, reason, at, attempt, again: false, skus }]
  }
  if (before.length === 0) return before
  switch (event._tag) {
    case "RetryRequested":
      // A refund has its tries counted by its return.
      return isRefund(event.step)
        ? without(before, event.step)
        : before.map((one) => (one.step === event.step ? { ...one, again: true, attempt: one.attempt + 1 } : one))
    case "StepSkipped":
      return without(before, event.step)
    case "PaymentCaptured":
      return without(before, "capture")
    case "StockShipped":
      return without(before, "ship")
    case "CancelRequested":
      return without(before, "recall")
    case "StockReleased":
      return without(before, "release")
    case "PaymentVoided":
      return without(before, "void")
    case "CartReopened":
      return without(before, "reopen")
    case "ReturnStocked":
      return without(before, stockKey(event.returnId))
    case "ChargedBack":
    case "DisputeWon":
      return before.filter(({ reason, step }) => !isRefund(step) || reason !== exceedsCaptured)
    default:
      return before
  }
}

const without = (refused: ReadonlyArray<Refused>, step: string): ReadonlyArray<Refused> =>
  refused.some((one) => one.step === step) ? refused.filter((one) => one.step !== step) : refused
