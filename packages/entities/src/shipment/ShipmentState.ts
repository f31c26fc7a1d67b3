import type { Address } from "@halles/shared/Address"
import type { Origin } from "@halles/shared/Command"
import type { CommandId, OrderId } from "@halles/shared/Ids"
import { Result } from "effect"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import type { Handled } from "@halles/engine/eventsourced/Kind"
import { done, viewReply } from "@halles/engine/eventsourced/Replies"
import {
  type CancelResult,
  type CancelShipment,
  type CarrierNotice,
  type Collect,
  type CollectResult,
  type Create,
  type CreateResult,
  type Parcel,
  type ParcelLine,
  ShipmentView
} from "./Shipment.ts"
import type { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import type { Event, Message, Return, State } from "./ShipmentEvents.ts"

export { Event, evolve, initial, State } from "./ShipmentEvents.ts"

export const type = "Shipment"
export const version = 1
export const creates = ["Create"] as const

/** Returns of one shipment; the next one is refused. An order allows as many. */
export const returnsMax = 100
/** A step that is still pending after this is sent again, on whatever runner the shard then is. */
const redriveMs = 5_000

interface Internal {
  readonly commandId: CommandId
  readonly origin?: Origin
}
/** What the carrier answered, and that the order took a message; made by `ShipmentLive`. */
export interface RecordBooking extends Internal {
  readonly _tag: "RecordBooking"
  readonly answer:
    | { readonly _tag: "Booked"; readonly shipmentId: string; readonly trackingNumbers: ReadonlyArray<string> }
    | { readonly _tag: "Refused"; readonly reason: string }
}
export interface RecordCancel extends Internal {
  readonly _tag: "RecordCancel"
  readonly answer:
    | { readonly _tag: "Cancelled" }
    | { readonly _tag: "AlreadyDispatched" }
    | { readonly _tag: "Refused"; readonly reason: string }
}
export interface RecordLabel extends Internal {
  readonly _tag: "RecordLabel"
  readonly returnId: string
  readonly answer:
    | { readonly _tag: "Labelled"; readonly label: string }
    | { readonly _tag: "Refused"; readonly reason: string }
}
export interface NoteTold extends Internal {
  readonly _tag: "NoteTold"
  readonly key: string
}

export type Command =
  | Create
  | CancelShipment
  | Collect
  | CarrierNotice
  | RecordBooking
  | RecordCancel
  | RecordLabel
  | NoteTold
  | TimerFired
export type Refusal = NotFound

/** A request to the carrier, under `key` as its reference, or a message to the order. */
export type PendingStep =
  | {
      readonly _tag: "Book"
      readonly key: string
      readonly orderId: OrderId
      readonly parcels: ReadonlyArray<Parcel>
      readonly address: Address
    }
  | { readonly _tag: "Cancel"; readonly key: string; readonly shipmentId: string }
  | {
      readonly _tag: "Label"
      readonly key: string
      readonly orderId: OrderId
      readonly returnId: string
      readonly lines: ReadonlyArray<typeof ParcelLine.Type>
    }
  | ({ readonly _tag: "TellOrder"; readonly orderId: OrderId } & Omit<Message, "at">)

export const decide = (state: State, command: Command, now: number): Result.Result<ReadonlyArray<Event>, Refusal> => {
  switch (command._tag) {
    case "Create":
      return Result.succeed(create(state, command, now))
    case "CancelShipment":
      return Result.succeed(cancel(state, now))
    case "Collect":
      return isUnknown(state) ? notFound() : Result.succeed(collect(state, command, now))
    case "CarrierNotice":
      if (isUnknown(state)) return notFound()
      return Result.succeed(state.notices.includes(command.eventId) ? [] : noticed(state, command, now))
    case "RecordBooking":
      return Result.succeed(state.booking === "asked" ? booked(state, command, now) : [])
    case "RecordCancel":
      return Result.succeed(cancelAnswered(state, command, now))
    case "RecordLabel":
      return Result.succeed(labelAnswered(state, command, now))
    case "NoteTold": {
      const { key } = command
      return Result.succeed(state.messages.some((one) => one.key === key) ? [{ _tag: "OrderTold", key, at: now }] : [])
    }
    case "TimerFired":
      return Result.succeed([])
  }
}

const notFound = () => Result.fail(new NotFound({ entity: type, id: "" }))
const isUnknown = (state: State): boolean => state.request === null && state.cancel === "none"

const create = (state: State, { address, orderId, parcels }: Create, at: number): ReadonlyArray<Event> => {
  if (state.request !== null) return []
  if (state.cancel === "done") return [{ _tag: "CreateRefused", orderId, reason: "cancelled", at }]
  return [{ _tag: "Requested", orderId, parcels, address, at }]
}

/** One that was never booked is cancelled at once; one that is being booked, as soon as the carrier has answered. */
const cancel = (state: State, at: number): ReadonlyArray<Event> => {
  if (state.cancel !== "none" && state.cancel !== "refused") return []
  if (state.dispatched) return [{ _tag: "CancelTooLate", at }]
  const isBooked = state.booking === "asked" || state.booking === "booked"
  return [{ _tag: isBooked ? "CancelRequested" : "Cancelled", at }]
}

const collect = (state: State, { lines, returnId }: Collect, at: number): ReadonlyArray<Event> => {
  if (state.returns.some((one) => one.returnId === returnId)) return []
  if (state.returns.length >= returnsMax) return [{ _tag: "CollectRefused", returnId, reason: tooManyReturns, at }]
  const requested: Event = { _tag: "CollectRequested", returnId, lines, at }
  return state.dispatched
    ? [requested]
    : [requested, { _tag: "CollectRefused", returnId, reason: "not_dispatched", at }]
}
const tooManyReturns = "too_many_returns"

const booked = (state: State, { answer }: RecordBooking, at: number): ReadonlyArray<Event> => {
  if (answer._tag === "Booked") {
    return [{ _tag: "Booked", shipmentId: answer.shipmentId, trackingNumbers: answer.trackingNumbers, at }]
  }
  const refused: Event = { _tag: "BookingRefused", reason: answer.reason, at }
  return state.cancel === "asked" ? [refused, { _tag: "Cancelled", at }] : [refused]
}

/** A notice of dispatch may have decided it before; an answer that says otherwise is for operators. */
const cancelAnswered = (state: State, { answer }: RecordCancel, at: number): ReadonlyArray<Event> => {
  if (state.cancel === "asked") {
    if (answer._tag === "Refused") return [{ _tag: "CancelRefused", reason: answer.reason, at }]
    return [{ _tag: answer._tag === "Cancelled" ? "Cancelled" : "CancelTooLate", at }]
  }
  const eventId = "answer:cancel"
  const agrees = state.cancel !== "too_late" || answer._tag !== "Cancelled"
  if (agrees || state.notices.includes(eventId)) return []
  return [{ _tag: "NoticeContradicts", eventId, type: answer._tag, returnId: null, at }]
}

const labelAnswered = (state: State, { answer, returnId }: RecordLabel, at: number): ReadonlyArray<Event> => {
  if (!state.returns.some((one) => one.returnId === returnId && isUnanswered(one))) return []
  return answer._tag === "Labelled"
    ? [{ _tag: "Labelled", returnId, label: answer.label, at }]
    : [{ _tag: "CollectRefused", returnId, reason: answer.reason, at }]
}
const isUnanswered = ({ label, reason }: Return): boolean => label === null && reason === null

/** Each movement has one effect, in whatever order the notices come: what was delivered was dispatched. */
const noticed = (state: State, notice: CarrierNotice, at: number): ReadonlyArray<Event> => {
  const returnId = notice.returnId ?? null
  const contradiction: Event = { _tag: "NoticeContradicts", eventId: notice.eventId, type: notice.type, returnId, at }
  if (notice.type === "return.received") {
    const one = state.returns.find((one) => one.returnId === returnId)
    if (one === undefined || one.reason !== null) return [contradiction]
    return one.received ? [] : [{ _tag: "ReturnReceived", returnId: one.returnId, at }]
  }
  const isDelivery = notice.type === "shipment.delivered"
  if (isDelivery ? state.delivered : state.dispatched) return []
  if (state.cancel === "done" || state.booking === "refused") return [contradiction]
  const events: Array<Event> = []
  if (!state.dispatched) events.push({ _tag: "Dispatched", at })
  if (state.cancel === "asked") events.push({ _tag: "CancelTooLate", at })
  if (isDelivery) events.push({ _tag: "Delivered", at })
  return events
}

/**
 * The pending steps, with the time since when. Messages to the order come first, since the order is ours, and in their order;
 * the booking, its cancellation and the labels of returns do not wait for them, nor one label for another.
 */
const pendingSteps = (state: State): ReadonlyArray<readonly [step: PendingStep, since: number]> => {
  if (state.request === null) return []
  const { address, at, orderId, parcels } = state.request
  const all: Array<readonly [PendingStep, number]> = []
  for (const { at, ...message } of state.messages.slice(0, 1))
    all.push([{ _tag: "TellOrder", orderId, ...message }, at])
  if (state.booking === "asked") {
    all.push([{ _tag: "Book", key: `${orderId}:ship`, orderId, parcels, address }, at])
  } else if (state.cancel === "asked" && state.shipmentId !== null) {
    const key = state.cancels > 1 ? `${orderId}:cancel:${state.cancels}` : `${orderId}:cancel`
    all.push([{ _tag: "Cancel", key, shipmentId: state.shipmentId }, state.cancelAt])
  }
  for (const { at, lines, returnId } of state.returns.filter(isUnanswered)) {
    all.push([{ _tag: "Label", key: `${orderId}:return:${returnId}`, orderId, returnId, lines }, at])
  }
  return all
}

/** The order has the id of its shipment, and so its shard. */
export const isJoint = ({ _tag }: PendingStep): boolean => _tag === "TellOrder"

export const next = (state: State): PendingStep | null => pendingSteps(state)[0]?.[0] ?? null
export const others = (state: State): ReadonlyArray<PendingStep> =>
  pendingSteps(state)
    .slice(1)
    .map(([step]) => step)

export const dueAt = (state: State): number | null => {
  const first = pendingSteps(state)[0]
  return first === undefined ? null : first[1] + redriveMs
}

export const createResult = (state: State): CreateResult => {
  if (state.cancel === "done") return { _tag: "Refused", reason: state.reason ?? "cancelled" }
  switch (state.booking) {
    case "none":
    case "asked":
      return { _tag: "Pending" }
    case "booked":
      return { _tag: "Booked", trackingNumbers: state.trackingNumbers }
    case "refused":
      return { _tag: "Refused", reason: state.reason ?? "refused" }
  }
}

export const cancelResult = (state: State): CancelResult => {
  switch (state.cancel) {
    case "none":
    case "asked":
      return { _tag: "Pending" }
    case "done":
      return { _tag: "Cancelled" }
    case "too_late":
      return { _tag: "AlreadyDispatched" }
    case "refused":
      return { _tag: "Refused", reason: state.cancelReason ?? "refused" }
  }
}

/** A return that the state does not know was refused because there were too many. */
export const collectResult = (state: State, returnId: string): CollectResult => {
  const one = state.returns.find((one) => one.returnId === returnId)
  if (one === undefined) return { _tag: "Refused", reason: tooManyReturns }
  if (one.label !== null) return { _tag: "Labelled", label: one.label }
  return one.reason === null ? { _tag: "Pending" } : { _tag: "Refused", reason: one.reason }
}

const statusOf = (state: State): ShipmentView["status"] => {
  if (state.delivered) return "delivered"
  if (state.dispatched) return "dispatched"
  if (state.cancel === "done") return "cancelled"
  if (state.cancel === "asked") return "cancelling"
  if (state.booking === "refused") return "refused"
  return state.booking === "booked" ? "booked" : "requested"
}
const returnStatus = ({ label, reason, received }: Return): ShipmentView["returns"][number]["status"] => {
  if (received) return "received"
  if (reason !== null) return "refused"
  return label === null ? "requested" : "labelled"
}

/** `null` until the shipment was asked for. */
export const view = (state: State, seq: number): ShipmentView | null => {
  if (state.request === null) return null
  const { orderId, parcels } = state.request
  const returns = state.returns.map((one) => ({ returnId: one.returnId, status: returnStatus(one) }))
  return new ShipmentView(
    { orderId, status: statusOf(state), trackingNumbers: state.trackingNumbers, parcels, returns, seq },
    { disableChecks: true }
  )
}

type Now = Handled<State, Event>
export const replies = {
  Create: (_id: OrderId, { state }: Now) => Result.succeed(createResult(state)),
  CancelShipment: (_id: OrderId, { state }: Now) => Result.succeed(cancelResult(state)),
  Collect: (_id: OrderId, { state }: Now, { returnId }: Collect) => Result.succeed(collectResult(state, returnId)),
  CarrierNotice: done,
  View: viewReply(type, (_id: OrderId, state: State, seq) => view(state, seq))
}
