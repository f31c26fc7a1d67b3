import type { Origin } from "@halles/shared/Command"
import type { CommandId, SkuCode } from "@halles/shared/Ids"
import { Result } from "effect"
import { AlreadyExists, NotFound } from "@halles/engine/eventsourced/EntityErrors"
import {
  type Cancel,
  type NoteDelivered,
  type NoteDispatched,
  type NoteDispute,
  type NoteReturnReceived,
  NotOperable,
  NotShipped,
  type Operate,
  type Place,
  type RequestReturn,
  ReturnExceeds,
  type ReturnLine,
  returnLinesMax,
  returnsMax,
  TooLateToCancel,
  TooManyReturns
} from "./Order.ts"
import { holdTtlMs, type Shortage } from "../inventory/Sku.ts"
import type { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import type { Draft, Event, SkuAllocation, State } from "./OrderEvents.ts"
import { isRepeatable, type PendingStep, pendingSteps } from "./OrderPendingStep.ts"
import { exceedsCaptured } from "./OrderRefusals.ts"
import { statusOf } from "./OrderAnswers.ts"
import { type Awaiting, awaitingOf, quantities } from "./OrderStock.ts"
import { plan, returnables } from "./OrderReturns.ts"

export { type Draft, Event, initial, type SkuAllocation, State } from "./OrderEvents.ts"
export { evolve } from "./OrderEvolve.ts"
export { replies } from "./OrderAnswers.ts"
export type { PendingStep } from "./OrderPendingStep.ts"

export const type = "Order"
export const version = 1
export const creates = ["Place"] as const

/** What the order records of the answer to a pending step; made by `OrderLive`. */
export interface Record {
  readonly _tag: "Record"
  readonly commandId: CommandId
  readonly origin?: Origin
  /** Of the step that was answered; an answer to one that is not pending any more changes nothing. */
  readonly answers: string
  readonly outcome: Outcome
}
export type Outcome =
  | { readonly _tag: "Done" }
  | { readonly _tag: "Held"; readonly stock: ReadonlyArray<SkuAllocation> }
  | { readonly _tag: "Booked"; readonly trackingNumbers: ReadonlyArray<string> }
  | { readonly _tag: "Labelled"; readonly label: string }
  | { readonly _tag: "NoStock"; readonly missing: ReadonlyArray<Shortage> }
  | ({ readonly _tag: "Refused"; readonly reason: string; readonly refundable?: number } & Refusers)
  /** The receiver does nothing but die of the message. */
  | ({ readonly _tag: "Faulted"; readonly reason: string } & Refusers)
/** Of a step that asks several: who refused, or what of a return was not taken. */
interface Refusers {
  readonly skus?: ReadonlyArray<SkuCode>
  readonly parts?: ReadonlyArray<SkuAllocation>
}

export type Command =
  | Place
  | Cancel
  | RequestReturn
  | NoteDispatched
  | NoteDelivered
  | NoteReturnReceived
  | NoteDispute
  | Operate
  | TimerFired
  | Record
export type Refusal =
  | AlreadyExists
  | NotFound
  | TooLateToCancel
  | NotOperable
  | NotShipped
  | ReturnExceeds
  | TooManyReturns

export const next = (state: State): PendingStep | null => pendingSteps(state)[0] ?? null
export const others = (state: State): ReadonlyArray<PendingStep> => pendingSteps(state).slice(1)

/** After so long without an answer the order gets `TimerFired`, on whatever runner its shard then is. */
const redriveAfterMs = 5_000
export const dueAt = (state: State): number | null => (next(state) === null ? null : state.since + redriveAfterMs)

/** Where an order that is read back may have come further than it has written. */
const forward = ["holding", "authorising", "reserving"]
export const resumed = (state: State): ReadonlyArray<Event> =>
  forward.includes(state.phase) && state.unsure === null ? [{ _tag: "Resumed" }] : []

/** Answers that the journals of those who gave them give again; where the order is given up or waits, it writes. */
const answers = ["StockHeld", "PaymentAuthorised", "StockReserved", "PaymentCaptured", "StockReleased", "PaymentVoided"]
export const isDeferred = ({ phase }: State, events: ReadonlyArray<Event>): boolean =>
  phase !== "awaitingStock" && events.every(({ _tag }) => answers.includes(_tag))

const cancellable = ["holding", "authorising", "reserving", "awaitingStock", "booking", "confirmed"]
const mayBeBooked = ({ phase, unsure }: State): boolean =>
  ["booking", "confirmed", "recalling"].includes(phase) || (unsure !== null && forward.includes(phase))
const shippedPhases = ["shipped", "delivered"]

export const decide = (state: State, command: Command, now: number): Result.Result<ReadonlyArray<Event>, Refusal> => {
  if (command._tag === "TimerFired") return Result.succeed(isOverdue(state, now) ? [holdLost(state, now)] : [])
  if (command._tag === "Place") {
    if (state.draft !== null) return Result.fail(new AlreadyExists({ entity: type, id: command.cartId }))
    return Result.succeed([{ _tag: "Placed", draft: draftOf(command), at: now }])
  }
  if (state.draft === null) return Result.fail(new NotFound({ entity: type, id: "" }))
  switch (command._tag) {
    case "Record":
      return Result.succeed(recorded(state, command, now))
    case "Cancel":
      return cancel(state, { reason: command.reason, at: now })
    case "Operate":
      return operate(state, command, now)
    case "NoteDispatched":
      return Result.succeed(!state.dispatched && mayBeBooked(state) ? [{ _tag: "Dispatched", at: now }] : [])
    case "NoteDelivered":
      return Result.succeed(state.delivered || !state.dispatched ? [] : [{ _tag: "Delivered", at: now }])
    case "NoteReturnReceived": {
      const one = state.returns.find(({ returnId }) => returnId === command.returnId)
      const waits = one?.status === "requested" || one?.status === "labelled"
      return Result.succeed(waits ? [{ _tag: "ReturnReceived", returnId: command.returnId, at: now }] : [])
    }
    case "NoteDispute": {
      const { amount, reference, what } = command
      return Result.succeed([{ _tag: what === "won" ? "DisputeWon" : "ChargedBack", reference, amount, at: now }])
    }
    case "RequestReturn":
      return decideReturn(state, command, now)
  }
}

const cancel = (
  state: State,
  request: { readonly reason: string; readonly note?: string; readonly at: number }
): Result.Result<ReadonlyArray<Event>, Refusal> => {
  if (state.phase === "cancelled" || state.cancellation !== null) return Result.succeed([])
  if (!mayCancel(state)) return Result.fail(new TooLateToCancel({ status: statusOf(state) }))
  return Result.succeed([{ _tag: "CancelRequested", ...request }])
}

/** Whether what was done can still be undone. */
const mayCancel = (state: State): boolean => cancellable.includes(state.phase) && state.cancellation === null
/**
 * Nothing depends on telling the customer's profile, on the cart that could be bought again, or on the label of a return:
 * goods may come back without.
 */
const maySkip = (pendingStep: PendingStep): boolean =>
  pendingStep._tag === "NoteCustomer" || pendingStep._tag === "ReopenCart" || pendingStep._tag === "CollectReturn"
const isOf = (key: string, step: string): boolean => key === step || key.startsWith(`${step}:`)

/**
 * A pending step is sent again at once, what was refused is sent anew, under a new key. A step is skipped where nothing depends
 * on it, and one that was refused when an operator has looked after it.
 */
const operate = (
  state: State,
  { act, note, step }: Operate,
  at: number
): Result.Result<ReadonlyArray<Event>, Refusal> => {
  if (act === "compensate") return cancel(state, { reason: "operator", note, at })
  const pending = pendingSteps(state)
  const mayDo = pending.filter((one) => act === "retry" || maySkip(one)).map(({ key }) => key)
  const refused = state.refused
    .filter((one) => (act === "skip" ? !one.again : isRepeatable(one)))
    .map((one) => one.step)
  const found = [...mayDo, ...refused].find((key) => step === undefined || isOf(key, step))
  if (found === undefined) {
    const open = state.refused.map((one) => one.step)
    return Result.fail(
      new NotOperable({ status: statusOf(state), pendingStep: pending[0]?.key ?? null, refused: open })
    )
  }
  return Result.succeed([{ _tag: act === "retry" ? "RetryRequested" : "StepSkipped", step: found, note, at }])
}

const decideReturn = (
  state: State,
  command: RequestReturn,
  now: number
): Result.Result<ReadonlyArray<Event>, Refusal> => {
  if (!shippedPhases.includes(state.phase)) return Result.fail(new NotShipped({ status: statusOf(state) }))
  if (state.returns.some(({ returnId }) => returnId === command.returnId)) return Result.succeed([])
  if (state.returns.length >= returnsMax) return Result.fail(new TooManyReturns({ bound: "returns", max: returnsMax }))
  const wanted = mergeLines(command.lines)
  const lines = state.returns.reduce((sum, one) => sum + one.lines.length, wanted.length)
  if (lines > returnLinesMax) return Result.fail(new TooManyReturns({ bound: "lines", max: returnLinesMax }))
  const returnable = returnables(state)
  for (const line of wanted) {
    const left = returnable(line)
    if (line.quantity > left) return Result.fail(new ReturnExceeds({ sku: line.sku, returnable: left }))
  }
  return Result.succeed([
    {
      _tag: "ReturnRequested",
      returnId: command.returnId,
      ...plan(state, wanted),
      reason: command.reason,
      disposition: command.disposition,
      at: now
    }
  ])
}

const mergeLines = (lines: ReadonlyArray<typeof ReturnLine.Type>): ReadonlyArray<typeof ReturnLine.Type> =>
  [...Map.groupBy(lines, ({ sku, variant }) => `${sku}/${variant}`).values()].map((same) => ({
    ...same[0]!,
    quantity: same.reduce((sum, { quantity }) => sum + quantity, 0)
  }))

const draftOf = ({ _tag, commandId: _id, origin: _origin, ...draft }: Place): Draft => draft

/**
 * It has waited too long to be paid for. Where the goods have left, or may have, it goes on all the same; so does one that is paid
 * for and waits for goods to come in.
 */
const isOverdue = (state: State, now: number): boolean =>
  forward.includes(state.phase) && !state.dispatched && state.cancellation === null && now >= state.since + holdTtlMs
const holdLost = ({ draft }: State, at: number): Event => ({
  _tag: "HoldLost",
  missing: quantities(draft!).map(({ quantity, sku }) => ({ sku, wanted: quantity, available: null })),
  at
})

/** Of an order that is paid for: it has all of its stock, or waits for some. */
const reserved = (state: State, stock: ReadonlyArray<SkuAllocation>, at: number): ReadonlyArray<Event> => {
  const awaiting = awaitingOf(state.draft!, stock)
  if (awaiting.length > 0) return sameAwaited(state.awaiting, awaiting) ? [] : [{ _tag: "StockAwaited", awaiting, at }]
  return [{ _tag: "StockReserved", ...(stock === state.stock ? {} : { stock }), at }]
}
const sameAwaited = (a: Awaiting, b: Awaiting): boolean =>
  a.length === b.length &&
  a.every(({ quantity, sku }, index) => b[index]?.sku === sku && b[index].quantity === quantity)

const recorded = (state: State, { answers, outcome }: Record, at: number): ReadonlyArray<Event> => {
  const pendingStep = pendingSteps(state).find(({ key }) => key === answers)
  if (pendingStep === undefined) return []
  return outcome._tag === "Faulted"
    ? faulted(state, pendingStep, outcome, at)
    : answered(state, pendingStep, outcome, at)
}

const stepNames = {
  HoldStock: "hold",
  Authorise: "authorise",
  AwaitStock: "await",
  BookShipment: "book",
  NoteCustomer: "note",
  Capture: "capture",
  ShipStock: "ship",
  RecallShipment: "recall",
  ReleaseStock: "release",
  VoidPayment: "void",
  ReopenCart: "reopen",
  StockReturn: "stock",
  RefundReturn: "refund"
} as const

const faulted = (
  { cancellation }: State,
  pendingStep: PendingStep,
  outcome: Extract<Outcome, { _tag: "Faulted" }>,
  at: number
): ReadonlyArray<Event> => {
  if (pendingStep._tag === "CollectReturn") {
    return [{ _tag: "ReturnRefused", returnId: pendingStep.return.returnId, reason: outcome.reason, at }]
  }
  // Of a shipment that was booked in vain nothing more can be learned: the rest of the order is undone.
  const isGivenUp = pendingStep._tag === "RecallShipment" && cancellation?.code === "fault"
  return [{ ...refusal(pendingStep, outcome, at), ...(isGivenUp ? { givenUp: true } : {}) }]
}

const refusal = (
  pendingStep: Exclude<PendingStep, { readonly _tag: "CollectReturn" }>,
  { parts, reason, skus }: Extract<Outcome, { readonly reason: string }>,
  at: number
): Extract<Event, { readonly _tag: "StepRefused" }> => ({
  _tag: "StepRefused",
  step: stepNames[pendingStep._tag],
  reason,
  returnId: "return" in pendingStep ? pendingStep.return.returnId : null,
  ...(skus === undefined ? {} : { skus }),
  ...(parts === undefined ? {} : { parts }),
  at
})

const answered = (
  state: State,
  pendingStep: PendingStep,
  outcome: Exclude<Outcome, { _tag: "Faulted" }>,
  at: number
): ReadonlyArray<Event> => {
  const refused = outcome._tag === "Refused" ? outcome : null
  switch (pendingStep._tag) {
    case "HoldStock":
      if (outcome._tag === "NoStock") return [{ _tag: "StockUnavailable", missing: outcome.missing, at }]
      return outcome._tag === "Held" ? [{ _tag: "StockHeld", stock: outcome.stock, at }] : []
    case "Authorise": {
      if (refused !== null) return [{ _tag: "PaymentDeclined", reason: refused.reason, at }]
      const authorised: Event = { _tag: "PaymentAuthorised", amount: state.draft!.totals.total, at }
      return [authorised, ...(isOverdue(state, at) ? [holdLost(state, at)] : reserved(state, state.stock, at))]
    }
    case "AwaitStock":
      if (outcome._tag === "NoStock") return [holdLost(state, at)]
      return outcome._tag === "Held" ? reserved(state, outcome.stock, at) : []
    case "BookShipment":
      if (refused !== null) return [{ _tag: "ShipmentRefused", reason: refused.reason, at }]
      return outcome._tag === "Booked" ? [{ _tag: "ShipmentBooked", trackingNumbers: outcome.trackingNumbers, at }] : []
    case "NoteCustomer":
      return [{ _tag: "CustomerNoted", at }]
    case "Capture":
      return [
        refused === null ? { _tag: "PaymentCaptured", amount: state.authorised, at } : refusal(pendingStep, refused, at)
      ]
    case "ShipStock":
      return [refused === null ? { _tag: "StockShipped", at } : refusal(pendingStep, refused, at)]
    case "RecallShipment":
      if (refused === null) return [{ _tag: "ShipmentRecalled", at }]
      return [refused.reason === alreadyDispatched ? { _tag: "RecallRefused", at } : refusal(pendingStep, refused, at)]
    case "ReleaseStock":
      return [{ _tag: "StockReleased", at }]
    case "VoidPayment":
      return [refused === null ? { _tag: "PaymentVoided", at } : refusal(pendingStep, refused, at)]
    case "ReopenCart":
      return [{ _tag: "CartReopened", at }]
    case "CollectReturn": {
      const { returnId } = pendingStep.return
      if (refused !== null) return [{ _tag: "ReturnRefused", returnId, reason: refused.reason, at }]
      return outcome._tag === "Labelled" ? [{ _tag: "ReturnLabelled", returnId, label: outcome.label, at }] : []
    }
    case "StockReturn":
      return [
        refused === null
          ? { _tag: "ReturnStocked", returnId: pendingStep.return.returnId, at }
          : refusal(pendingStep, refused, at)
      ]
    case "RefundReturn": {
      const { returnId } = pendingStep.return
      if (refused === null) return [{ _tag: "ReturnRefunded", returnId, amount: pendingStep.amount, at }]
      const { reason, refundable = pendingStep.amount } = refused
      return reason === exceedsCaptured && refundable < pendingStep.amount
        ? [{ _tag: "RefundReduced", returnId, to: refundable, at }]
        : [refusal(pendingStep, refused, at)]
    }
  }
}

/** The goods have left: that is no fault. */
export const alreadyDispatched = "AlreadyDispatched"
