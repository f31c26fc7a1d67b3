import { Address } from "@halles/shared/Address"
import { OrderId } from "@halles/shared/Ids"
import { Schema } from "effect"
import { Parcel, ParcelLine } from "./Shipment.ts"

/** Contradicting notices that are remembered; an older one, sent again, would be taken down again. */
const noticesMax = 100

const at = { at: Schema.Int }
const request = { orderId: OrderId, parcels: Schema.Array(Parcel), address: Address }
const aboutReturn = { returnId: Schema.String, ...at }

export const Event = Schema.Union([
  Schema.TaggedStruct("Requested", { ...request, ...at }),
  /** It was cancelled before it was asked for. */
  Schema.TaggedStruct("CreateRefused", { orderId: OrderId, reason: Schema.String, ...at }),
  Schema.TaggedStruct("Booked", { shipmentId: Schema.String, trackingNumbers: Schema.Array(Schema.String), ...at }),
  Schema.TaggedStruct("BookingRefused", { reason: Schema.String, ...at }),
  Schema.TaggedStruct("CancelRequested", at),
  Schema.TaggedStruct("Cancelled", at),
  Schema.TaggedStruct("CancelTooLate", at),
  Schema.TaggedStruct("CancelRefused", { reason: Schema.String, ...at }),
  Schema.TaggedStruct("Dispatched", at),
  Schema.TaggedStruct("Delivered", at),
  Schema.TaggedStruct("CollectRequested", { lines: Schema.Array(ParcelLine), ...aboutReturn }),
  Schema.TaggedStruct("Labelled", { label: Schema.String, ...aboutReturn }),
  Schema.TaggedStruct("CollectRefused", { reason: Schema.String, ...aboutReturn }),
  Schema.TaggedStruct("ReturnReceived", aboutReturn),
  /** The order took the message with this key. */
  Schema.TaggedStruct("OrderTold", { key: Schema.String, ...at }),
  /** The carrier says something that does not go with what it said before; operators look at it, the shipment stays. */
  Schema.TaggedStruct("NoticeContradicts", {
    eventId: Schema.String,
    type: Schema.String,
    returnId: Schema.NullOr(Schema.String),
    ...at
  })
])
export type Event = typeof Event.Type

export const Return = Schema.Struct({
  returnId: Schema.String,
  lines: Schema.Array(ParcelLine),
  /** Neither label nor reason: the carrier has not answered. */
  label: Schema.NullOr(Schema.String),
  reason: Schema.NullOr(Schema.String),
  received: Schema.Boolean,
  at: Schema.Int
})
export type Return = typeof Return.Type

/** A message for the order that it has not taken yet. */
export const Message = Schema.Struct({
  key: Schema.String,
  what: Schema.Literals(["dispatched", "delivered", "return_received"]),
  returnId: Schema.NullOr(Schema.String),
  at: Schema.Int
})
export type Message = typeof Message.Type

export const State = Schema.Struct({
  /** `null` until it was asked for; a cancellation may come before. */
  request: Schema.NullOr(Schema.Struct({ ...request, ...at })),
  booking: Schema.Literals(["none", "asked", "booked", "refused"]),
  /** Why the booking was refused. */
  reason: Schema.NullOr(Schema.String),
  /** The carrier's own number. */
  shipmentId: Schema.NullOr(Schema.String),
  trackingNumbers: Schema.Array(Schema.String),
  cancel: Schema.Literals(["none", "asked", "done", "too_late", "refused"]),
  cancelAt: Schema.Int,
  /** How often it was asked for. */
  cancels: Schema.Int,
  /** Why the carrier refused it last. */
  cancelReason: Schema.NullOr(Schema.String),
  /** The carrier may say so before it has answered the booking. */
  dispatched: Schema.Boolean,
  delivered: Schema.Boolean,
  returns: Schema.Array(Return),
  messages: Schema.Array(Message),
  /** Events of the carrier that were taken down as contradictions. */
  notices: Schema.Array(Schema.String)
})
export type State = typeof State.Type

export const initial: State = {
  request: null,
  booking: "none",
  reason: null,
  shipmentId: null,
  trackingNumbers: [],
  cancel: "none",
  cancelAt: 0,
  cancels: 0,
  cancelReason: null,
  dispatched: false,
  delivered: false,
  returns: [],
  messages: [],
  notices: []
}

export const evolve = (state: State, event: Event): State => {
  switch (event._tag) {
    case "Requested": {
      const { address, at, orderId, parcels } = event
      return { ...state, booking: "asked", request: { orderId, parcels, address, at } }
    }
    case "CreateRefused":
      return state
    case "Booked":
      return { ...state, booking: "booked", shipmentId: event.shipmentId, trackingNumbers: event.trackingNumbers }
    case "BookingRefused":
      return { ...state, booking: "refused", reason: event.reason }
    case "CancelRequested":
      return { ...state, cancel: "asked", cancelAt: event.at, cancels: state.cancels + 1 }
    case "Cancelled":
      return { ...state, cancel: "done" }
    case "CancelTooLate":
      return { ...state, cancel: "too_late" }
    case "CancelRefused":
      return { ...state, cancel: "refused", cancelReason: event.reason }
    case "Dispatched":
      return { ...tell(state, "dispatched", event.at), dispatched: true }
    case "Delivered":
      return { ...tell(state, "delivered", event.at), delivered: true }
    case "CollectRequested": {
      const { at, lines, returnId } = event
      const added: Return = { returnId, lines, label: null, reason: null, received: false, at }
      return { ...state, returns: [...state.returns, added] }
    }
    case "Labelled":
      return inReturn(state, event.returnId, { label: event.label })
    case "CollectRefused":
      return inReturn(state, event.returnId, { reason: event.reason })
    case "ReturnReceived":
      return inReturn(tell(state, "return_received", event.at, event.returnId), event.returnId, { received: true })
    case "OrderTold":
      return { ...state, messages: state.messages.filter(({ key }) => key !== event.key) }
    case "NoticeContradicts":
      return { ...state, notices: [...state.notices, event.eventId].slice(-noticesMax) }
  }
}

const tell = (state: State, what: Message["what"], at: number, returnId: string | null = null): State => {
  if (state.request === null) return state
  const key = [state.request.orderId, "shipment", what, ...(returnId === null ? [] : [returnId])].join(":")
  return { ...state, messages: [...state.messages, { key, what, returnId, at }] }
}
const inReturn = (state: State, returnId: string, change: Partial<Return>): State => ({
  ...state,
  returns: state.returns.map((one) => (one.returnId === returnId ? { ...one, ...change } : one))
})
