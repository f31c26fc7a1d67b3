import { Address } from "@halles/shared/Address"
import type { Origin } from "@halles/shared/Command"
import { type CommandId, OrderId } from "@halles/shared/Ids"
import { Result, Schema } from "effect"
import { NotFound } from "../EntityErrors.ts"
import {
  type CancelResult,
  type CancelShipment,
  type CarrierNotice,
  type Collect,
  type CollectResult,
  type Create,
  type CreateResult,
  Parcel,
  ParcelLine,
  ShipmentView
} from "../Shipment.ts"
import type { Wake } from "../Wake.ts"

export const type = "Shipment"
export const version = 1

/** What is still owed after this is looked at again, on whatever runner the shard then is. */
const redriveMs = 5_000
/** Contradicting notices that the state remembers, so that a repeat of one is not taken down twice. */
const contradictionsMax = 100

const At = { at: Schema.Int }
const ReturnKey = { returnId: Schema.String, ...At }
const News = Schema.Literals(["dispatched", "delivered"])

export const Event = Schema.Union([
  Schema.TaggedStruct("Requested", { orderId: OrderId, parcels: Schema.Array(Parcel), address: Address, ...At }),
  Schema.TaggedStruct("Booked", { shipmentId: Schema.String, trackingNumbers: Schema.Array(Schema.String), ...At }),
  Schema.TaggedStruct("BookingRefused", { reason: Schema.String, ...At }),
  Schema.TaggedStruct("CancelRequested", At),
  Schema.TaggedStruct("Cancelled", At),
  /** The carrier says that the goods have left: the cancellation came too late. */
  Schema.TaggedStruct("CancelRefused", At),
  Schema.TaggedStruct("Dispatched", At),
  Schema.TaggedStruct("Delivered", At),
  Schema.TaggedStruct("CollectRequested", { orderId: OrderId, lines: Schema.Array(ParcelLine), ...ReturnKey }),
  Schema.TaggedStruct("CollectLabelled", { label: Schema.String, ...ReturnKey }),
  Schema.TaggedStruct("CollectRefused", { reason: Schema.String, ...ReturnKey }),
  Schema.TaggedStruct("ReturnReceived", ReturnKey),
  Schema.TaggedStruct("OrderTold", { news: Schema.String, ...At }),
  /** The carrier says something that does not go with what it said before; operators look at it. */
  Schema.TaggedStruct("NoticeContradicts", { eventId: Schema.String, type: Schema.String, ...At })
])
export type Event = typeof Event.Type

const Collection = Schema.Struct({
  returnId: Schema.String,
  lines: Schema.Array(ParcelLine),
  status: Schema.Literals(["requested", "labelled", "refused", "received"]),
  label: Schema.NullOr(Schema.String),
  reason: Schema.NullOr(Schema.String)
})

export const State = Schema.Struct({
  /** `cancelled` may come first: a shipment that is called off before it was asked for never starts. */
  status: Schema.Literals([
    "none",
    "requested",
    "booked",
    "refused",
    "cancelling",
    "cancelled",
    "dispatched",
    "delivered"
  ]),
  request: Schema.NullOr(Schema.Struct({ orderId: OrderId, parcels: Schema.Array(Parcel), address: Address })),
  shipmentId: Schema.NullOr(Schema.String),
  trackingNumbers: Schema.Array(Schema.String),
  reason: Schema.NullOr(Schema.String),
  cancelAsked: Schema.Boolean,
  returns: Schema.Array(Collection),
  /** What the order is still to be told, oldest first. */
  untold: Schema.Array(
    Schema.Struct({
      news: Schema.Literals(["dispatched", "delivered", "received"]),
      returnId: Schema.NullOr(Schema.String)
    })
  ),
  contradictions: Schema.Array(Schema.String),
  /** Unix milliseconds of the last thing that was asked or said from outside. */
  since: Schema.Int
})
export type State = typeof State.Type

export const initial: State = {
  status: "none",
  request: null,
  shipmentId: null,
  trackingNumbers: [],
  reason: null,
  cancelAsked: false,
  returns: [],
  untold: [],
  contradictions: [],
  since: 0
}

/** What the carrier answered, or that the order was told; made by `ShipmentLive`. */
export interface RecordAnswer {
  readonly _tag: "RecordAnswer"
  readonly commandId: CommandId
  readonly origin?: Origin
  /** Of what was owed; an answer to what is owed no more changes nothing. */
  readonly answers: string
  readonly answer: Answer
}
export type Answer =
  | { readonly _tag: "Booked"; readonly shipmentId: string; readonly trackingNumbers: ReadonlyArray<string> }
  | { readonly _tag: "Labelled"; readonly label: string }
  | { readonly _tag: "Refused"; readonly reason: string }
  | { readonly _tag: "Cancelled" | "AlreadyDispatched" | "Told" }

export type Command = Create | CancelShipment | Collect | CarrierNotice | RecordAnswer | Wake
export type Refusal = NotFound

export type Owed =
  | { readonly _tag: "Ship"; readonly key: string }
  | { readonly _tag: "CancelAtCarrier"; readonly key: string; readonly shipmentId: string }
  | { readonly _tag: "Label"; readonly key: string; readonly collection: typeof Collection.Type }
  | { readonly _tag: "TellOrder"; readonly key: string; readonly news: string; readonly returnId: string | null }

const newsKey = (news: string, returnId: string | null) =>
  returnId === null ? `tell-${news}` : `tell-${news}-${returnId}`

/** Booking before calling off, what the carrier waits for before what the order is to hear. */
export const next = (state: State): Owed | null => {
  if (state.status === "requested") return { _tag: "Ship", key: "ship" }
  if (state.status === "cancelling") return { _tag: "CancelAtCarrier", key: "cancel", shipmentId: state.shipmentId! }
  const [untold] = state.untold
  if (untold !== undefined) return { _tag: "TellOrder", key: newsKey(untold.news, untold.returnId), ...untold }
  const collection = state.returns.find(({ status }) => status === "requested")
  return collection === undefined ? null : { _tag: "Label", key: `collect-${collection.returnId}`, collection }
}

export const dueAt = (state: State): number | null => (next(state) === null ? null : state.since + redriveMs)

export const decide = (state: State, command: Command, now: number): Result.Result<ReadonlyArray<Event>, Refusal> => {
  switch (command._tag) {
    case "Wake":
      return Result.succeed([])
    case "Create": {
      if (state.status !== "none") return Result.succeed([])
      const { address, orderId, parcels } = command
      return Result.succeed([{ _tag: "Requested", orderId, parcels, address, at: now }])
    }
    case "CancelShipment":
      return Result.succeed(cancelled(state, now))
    case "Collect": {
      if (state.request === null) return Result.fail(new NotFound({ entity: type, id: "" }))
      const { lines, returnId } = command
      if (state.returns.some((one) => one.returnId === returnId)) return Result.succeed([])
      return Result.succeed([{ _tag: "CollectRequested", orderId: state.request.orderId, returnId, lines, at: now }])
    }
    case "CarrierNotice":
      if (state.request === null) return Result.fail(new NotFound({ entity: type, id: "" }))
      return Result.succeed(noticed(state, command, now))
    case "RecordAnswer":
      return Result.succeed(answered(state, command, now))
  }
}

const cancelled = (state: State, at: number): ReadonlyArray<Event> => {
  switch (state.status) {
    case "none":
    case "refused":
      return [{ _tag: "Cancelled", at }]
    case "requested":
    case "booked":
      return state.cancelAsked ? [] : [{ _tag: "CancelRequested", at }]
    case "cancelling":
    case "cancelled":
    case "dispatched":
    case "delivered":
      return []
  }
}

const noticed = (state: State, notice: CarrierNotice, at: number): ReadonlyArray<Event> => {
  const contradicts: ReadonlyArray<Event> = state.contradictions.includes(notice.eventId)
    ? []
    : [{ _tag: "NoticeContradicts", eventId: notice.eventId, type: notice.type, at }]
  if (notice.type === "return.received") {
    const one = state.returns.find(({ returnId }) => returnId === notice.returnId)
    if (one === undefined || one.status === "refused") return contradicts
    return one.status === "received" ? [] : [{ _tag: "ReturnReceived", returnId: one.returnId, at }]
  }
  switch (state.status) {
    case "none":
    case "refused":
    case "cancelled":
      return contradicts
    case "delivered":
      return []
    case "dispatched":
      return notice.type === "shipment.delivered" ? [{ _tag: "Delivered", at }] : []
    case "requested":
    case "booked":
    case "cancelling":
      // Delivered before dispatched: the other notice is late, and the goods have left in any case.
      return notice.type === "shipment.delivered"
        ? [
            { _tag: "Dispatched", at },
            { _tag: "Delivered", at }
          ]
        : [{ _tag: "Dispatched", at }]
  }
}

const answered = (state: State, { answer, answers }: RecordAnswer, at: number): ReadonlyArray<Event> => {
  const owed = next(state)
  if (owed?.key !== answers) return []
  switch (owed._tag) {
    case "Ship":
      if (answer._tag === "Refused") return [{ _tag: "BookingRefused", reason: answer.reason, at }]
      return answer._tag === "Booked"
        ? [{ _tag: "Booked", shipmentId: answer.shipmentId, trackingNumbers: answer.trackingNumbers, at }]
        : []
    case "CancelAtCarrier":
      if (answer._tag === "Cancelled") return [{ _tag: "Cancelled", at }]
      return answer._tag === "AlreadyDispatched" ? [{ _tag: "CancelRefused", at }] : []
    case "Label": {
      const { returnId } = owed.collection
      if (answer._tag === "Refused") return [{ _tag: "CollectRefused", returnId, reason: answer.reason, at }]
      return answer._tag === "Labelled" ? [{ _tag: "CollectLabelled", returnId, label: answer.label, at }] : []
    }
    case "TellOrder":
      return answer._tag === "Told" ? [{ _tag: "OrderTold", news: owed.key, at }] : []
  }
}

const setReturn = (state: State, returnId: string, change: Partial<typeof Collection.Type>): State["returns"] =>
  state.returns.map((one) => (one.returnId === returnId ? { ...one, ...change } : one))

const untold = (state: State, news: typeof News.Type | "received", returnId: string | null = null): State["untold"] => [
  ...state.untold,
  { news, returnId }
]

export const evolve = (state: State, event: Event): State => {
  switch (event._tag) {
    case "Requested": {
      const { address, at, orderId, parcels } = event
      return { ...state, status: "requested", request: { orderId, parcels, address }, since: at }
    }
    case "Booked": {
      const { shipmentId, trackingNumbers } = event
      if (state.status !== "requested") return { ...state, shipmentId, trackingNumbers }
      return { ...state, status: state.cancelAsked ? "cancelling" : "booked", shipmentId, trackingNumbers }
    }
    case "BookingRefused":
      return { ...state, status: state.cancelAsked ? "cancelled" : "refused", reason: event.reason }
    case "CancelRequested":
      return {
        ...state,
        cancelAsked: true,
        status: state.status === "booked" ? "cancelling" : state.status,
        since: event.at
      }
    case "Cancelled":
      return { ...state, status: "cancelled" }
    case "CancelRefused":
      return { ...state, status: "booked" }
    case "Dispatched":
      return { ...state, status: "dispatched", untold: untold(state, "dispatched"), since: event.at }
    case "Delivered":
      return { ...state, status: "delivered", untold: untold(state, "delivered"), since: event.at }
    case "CollectRequested": {
      const { at, lines, returnId } = event
      const added = { returnId, lines, status: "requested", label: null, reason: null } as const
      return { ...state, returns: [...state.returns, added], since: at }
    }
    case "CollectLabelled":
      return { ...state, returns: setReturn(state, event.returnId, { status: "labelled", label: event.label }) }
    case "CollectRefused":
      return { ...state, returns: setReturn(state, event.returnId, { status: "refused", reason: event.reason }) }
    case "ReturnReceived":
      return {
        ...state,
        returns: setReturn(state, event.returnId, { status: "received" }),
        untold: untold(state, "received", event.returnId),
        since: event.at
      }
    case "OrderTold":
      return { ...state, untold: state.untold.filter(({ news, returnId }) => newsKey(news, returnId) !== event.news) }
    case "NoticeContradicts":
      return { ...state, contradictions: [...state.contradictions, event.eventId].slice(-contradictionsMax) }
  }
}

/** What `Create` is answered with, as far as it is known. */
export const createResult = (state: State): CreateResult => {
  switch (state.status) {
    case "none":
    case "requested":
      return { _tag: "Pending" }
    case "refused":
      return { _tag: "Refused", reason: state.reason ?? "refused" }
    case "cancelled":
    case "cancelling":
      return { _tag: "Refused", reason: "cancelled" }
    case "booked":
    case "dispatched":
    case "delivered":
      return { _tag: "Booked", trackingNumbers: state.trackingNumbers }
  }
}

export const cancelResult = (state: State): CancelResult => {
  switch (state.status) {
    case "cancelled":
      return { _tag: "Cancelled" }
    case "dispatched":
    case "delivered":
      return { _tag: "AlreadyDispatched" }
    case "booked":
      return state.cancelAsked ? { _tag: "AlreadyDispatched" } : { _tag: "Pending" }
    case "none":
    case "refused":
    case "requested":
    case "cancelling":
      return { _tag: "Pending" }
  }
}

export const collectResult = (state: State, returnId: string): CollectResult => {
  const one = state.returns.find((collection) => collection.returnId === returnId)
  if (one?.status === "refused") return { _tag: "Refused", reason: one.reason ?? "refused" }
  // Goods may be back before the answer with the label has arrived.
  return one?.status === "labelled" || one?.status === "received"
    ? { _tag: "Labelled", label: one.label ?? "" }
    : { _tag: "Pending" }
}

export const view = (id: OrderId, state: State, seq: number): ShipmentView | null =>
  state.status === "none"
    ? null
    : new ShipmentView({
        orderId: id,
        status: state.status,
        trackingNumbers: state.trackingNumbers,
        parcels: state.request?.parcels ?? [],
        returns: state.returns.map(({ returnId, status }) => ({ returnId, status })),
        seq
      })
