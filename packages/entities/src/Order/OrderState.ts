import type { Origin } from "@halles/shared/Command"
import type { CommandId } from "@halles/shared/Ids"
import { Result } from "effect"
import { AlreadyExists, NotFound } from "../EntityErrors.ts"
import {
  type Cancel,
  type NoteDelivered,
  type NoteDispatched,
  type NoteReturnReceived,
  NotOperable,
  NotShipped,
  type Operate,
  type OrderView,
  type Place,
  type RequestReturn,
  ReturnExceeds,
  type ReturnLine,
  returnsMax,
  TooLateToCancel,
  TooManyReturns
} from "../Order.ts"
import type { Failure } from "../Cart.ts"
import type { Shortage } from "../Sku.ts"
import type { Wake } from "../Wake.ts"
import {
  collectKey,
  type Draft,
  type Event,
  noteKey,
  reopenKey,
  type Return,
  type SkuAllocation,
  type State
} from "./OrderEvents.ts"
import { statusOf } from "./OrderAnswers.ts"
import { plan, returnables } from "./OrderReturns.ts"

export { type Draft, Event, evolve, initial, type SkuAllocation, State } from "./OrderEvents.ts"

export const type = "Order"
export const version = 1

/** What the order records of the answer to the message it owed; made by `OrderLive`. */
export interface Record {
  readonly _tag: "Record"
  readonly commandId: CommandId
  readonly origin?: Origin
  /** Of the owed message that was answered; an answer to what is owed no more changes nothing. */
  readonly answers: string
  readonly outcome: Outcome
}
export type Outcome =
  | { readonly _tag: "Done" }
  | { readonly _tag: "Reserved"; readonly stock: ReadonlyArray<SkuAllocation> }
  | { readonly _tag: "Booked"; readonly trackingNumbers: ReadonlyArray<string> }
  | { readonly _tag: "Labelled"; readonly label: string }
  /** Reserved, but for these. */
  | { readonly _tag: "Awaiting"; readonly awaiting: Awaiting }
  | { readonly _tag: "NoStock"; readonly missing: ReadonlyArray<Shortage> }
  | { readonly _tag: "Refused"; readonly reason: string }

export type Command =
  | Place
  | Cancel
  | RequestReturn
  | NoteDispatched
  | NoteDelivered
  | NoteReturnReceived
  | Operate
  | Wake
  | Record
export type Refusal =
  | AlreadyExists
  | NotFound
  | TooLateToCancel
  | NotOperable
  | NotShipped
  | ReturnExceeds
  | TooManyReturns

/** One message that the order owes; `key` is the step, and part of the command id that the receiver dedupes by. */
export type Owed =
  | {
      readonly _tag: "HoldStock" | "Authorise" | "ReserveStock" | "BookShipment" | "NoteCustomer"
      readonly key: string
      /** What it waits for may rightly take weeks. */
      readonly patient?: true
    }
  | { readonly _tag: "ReopenCart"; readonly key: string; readonly failure: Failure }
  | { readonly _tag: "Capture" | "ShipStock" | "RecallShipment" | "ReleaseStock" | "VoidPayment"; readonly key: string }
  | { readonly _tag: "CollectReturn" | "StockReturn" | "RefundReturn"; readonly key: string; readonly return: Return }

export const next = (state: State): Owed | null => {
  switch (state.phase) {
    case "none":
    case "cancelled":
      return null
    case "holding":
      return { _tag: "HoldStock", key: "hold" }
    case "authorising":
      return { _tag: "Authorise", key: "authorise" }
    case "reserving":
      return { _tag: "ReserveStock", key: "reserve" }
    case "awaitingStock":
      return { _tag: "ReserveStock", key: `await-${state.waits}`, patient: true }
    case "booking":
      return { _tag: "BookShipment", key: "book" }
    case "capturing":
      return { _tag: "Capture", key: "capture" }
    case "shippingStock":
      return { _tag: "ShipStock", key: "ship" }
    case "recalling":
      return { _tag: "RecallShipment", key: `recall-${state.recalls}` }
    case "releasing":
      return { _tag: "ReleaseStock", key: "release" }
    case "voiding":
      return { _tag: "VoidPayment", key: "void" }
    case "reopening":
      return { _tag: "ReopenCart", key: reopenKey, failure: failureOf(state) }
    case "confirmed":
    case "shipped":
    case "delivered":
      return nextReturn(state) ?? (state.noted ? null : { _tag: "NoteCustomer", key: noteKey })
  }
}

const failureOf = ({ cancellation }: State): Failure => {
  if (cancellation === null || cancellation.code === "requested") throw new Error("reopens after a failure only")
  return { ...cancellation, code: cancellation.code }
}

const nextReturn = (state: State): Owed | null => {
  for (const one of state.returns) {
    if (one.status === "requested") return { _tag: "CollectReturn", key: collectKey(one.returnId), return: one }
    if (one.status === "received") return { _tag: "StockReturn", key: `stock-${one.returnId}`, return: one }
    if (one.status === "stocked") return { _tag: "RefundReturn", key: `refund-${one.returnId}`, return: one }
  }
  return null
}

/** After so long without an answer the timer wakes the order, on whatever runner its shard then is. */
const redriveAfterMs = 5_000
export const dueAt = (state: State): number | null => (next(state) === null ? null : state.since + redriveAfterMs)

const cancellable = ["holding", "authorising", "reserving", "awaitingStock", "booking", "confirmed"]
const shippedPhases = ["shipped", "delivered"]

export const decide = (state: State, command: Command, now: number): Result.Result<ReadonlyArray<Event>, Refusal> => {
  if (command._tag === "Wake") return Result.succeed([])
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
      return Result.succeed(
        !state.dispatched && ["booking", "confirmed", "recalling"].includes(state.phase)
          ? [{ _tag: "Dispatched", at: now }]
          : []
      )
    case "NoteDelivered":
      return Result.succeed(state.delivered || !state.dispatched ? [] : [{ _tag: "Delivered", at: now }])
    case "NoteReturnReceived": {
      const one = state.returns.find(({ returnId }) => returnId === command.returnId)
      const waits = one?.status === "requested" || one?.status === "labelled"
      return Result.succeed(waits ? [{ _tag: "ReturnReceived", returnId: command.returnId, at: now }] : [])
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
const maySkip = (owed: Owed | null): boolean =>
  owed?._tag === "NoteCustomer" || owed?._tag === "ReopenCart" || owed?._tag === "CollectReturn"

const operate = (state: State, { act, note }: Operate, at: number): Result.Result<ReadonlyArray<Event>, Refusal> => {
  if (act === "compensate") return cancel(state, { reason: "operator", note, at })
  const owed = next(state)
  if (owed === null || (act === "skip" && !maySkip(owed))) {
    return Result.fail(new NotOperable({ status: statusOf(state), owes: owed?.key ?? null }))
  }
  return Result.succeed([{ _tag: act === "retry" ? "RetryRequested" : "StepSkipped", step: owed.key, note, at }])
}

const decideReturn = (
  state: State,
  command: RequestReturn,
  now: number
): Result.Result<ReadonlyArray<Event>, Refusal> => {
  if (!shippedPhases.includes(state.phase)) return Result.fail(new NotShipped({ status: statusOf(state) }))
  if (state.returns.some(({ returnId }) => returnId === command.returnId)) return Result.succeed([])
  if (state.returns.length >= returnsMax) return Result.fail(new TooManyReturns({ max: returnsMax }))
  const wanted = mergeLines(command.lines)
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

type Awaiting = OrderView["awaiting"]
const sameAwaited = (a: Awaiting, b: Awaiting): boolean =>
  a.length === b.length &&
  a.every(({ quantity, sku }, index) => b[index]?.sku === sku && b[index].quantity === quantity)

const recorded = (state: State, { answers, outcome }: Record, at: number): ReadonlyArray<Event> => {
  const owed = next(state)
  if (owed === null || owed.key !== answers) return []
  const refused = outcome._tag === "Refused" ? outcome.reason : null
  switch (owed._tag) {
    case "HoldStock":
      return outcome._tag === "NoStock"
        ? [{ _tag: "StockUnavailable", missing: outcome.missing, at }]
        : [{ _tag: "StockHeld", at }]
    case "Authorise":
      return refused === null
        ? [{ _tag: "PaymentAuthorised", amount: state.draft!.totals.total, at }]
        : [{ _tag: "PaymentDeclined", reason: refused, at }]
    case "ReserveStock":
      if (outcome._tag === "NoStock") return [{ _tag: "HoldLost", missing: outcome.missing, at }]
      if (outcome._tag === "Awaiting") {
        const { awaiting } = outcome
        return sameAwaited(state.awaiting, awaiting) ? [] : [{ _tag: "StockAwaited", awaiting, at }]
      }
      return outcome._tag === "Reserved" ? [{ _tag: "StockReserved", stock: outcome.stock, at }] : []
    case "BookShipment":
      if (refused !== null) return [{ _tag: "ShipmentRefused", reason: refused, at }]
      return outcome._tag === "Booked" ? [{ _tag: "ShipmentBooked", trackingNumbers: outcome.trackingNumbers, at }] : []
    case "NoteCustomer":
      return [{ _tag: "CustomerNoted", at }]
    case "Capture":
      return [{ _tag: "PaymentCaptured", amount: state.authorised, at }]
    case "ShipStock":
      return [{ _tag: "StockShipped", at }]
    case "RecallShipment":
      return [refused === null ? { _tag: "ShipmentRecalled", at } : { _tag: "RecallRefused", at }]
    case "ReleaseStock":
      return [{ _tag: "StockReleased", at }]
    case "VoidPayment":
      return [{ _tag: "PaymentVoided", at }]
    case "ReopenCart":
      return [{ _tag: "CartReopened", at }]
    case "CollectReturn": {
      const { returnId } = owed.return
      if (refused !== null) return [{ _tag: "ReturnRefused", returnId, reason: refused, at }]
      return outcome._tag === "Labelled" ? [{ _tag: "ReturnLabelled", returnId, label: outcome.label, at }] : []
    }
    case "StockReturn":
      return [{ _tag: "ReturnStocked", returnId: owed.return.returnId, at }]
    case "RefundReturn":
      return [{ _tag: "ReturnRefunded", returnId: owed.return.returnId, amount: owed.return.amount, at }]
  }
}
