import { Address } from "@halles/shared/Address"
import { Schema } from "effect"
import { createHash } from "node:crypto"

const Reference = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9:_-]{1,160}$/))
const Id = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,100}$/))
const Line = Schema.Struct({ sku: Id, quantity: Schema.Int.check(Schema.isGreaterThan(0)) })
const Lines = Schema.Array(Line).check(Schema.isMinLength(1), Schema.isMaxLength(2_000))
const Parcels = Schema.Array(Schema.Struct({ warehouse: Id, lines: Lines })).check(
  Schema.isMinLength(1),
  Schema.isMaxLength(50)
)

export const ShipBody = Schema.Struct({ reference: Reference, orderId: Id, parcels: Parcels, address: Address })
export type ShipBody = typeof ShipBody.Type
/** `returnId` is the merchant's own number of the return, handed back in the webhook. */
export const ReturnBody = Schema.Struct({
  reference: Reference,
  orderId: Id,
  returnId: Schema.optionalKey(Id),
  lines: Lines
})
export type ReturnBody = typeof ReturnBody.Type

const request = {
  reference: Reference,
  /** SHA-256 of the request, so that a repeat is told from a reuse without names and addresses in the file. */
  request: Schema.String,
  at: Schema.Int
}
const Booked = Schema.TaggedStruct("Booked", {
  ...request,
  id: Id,
  orderId: Id,
  parcels: Parcels,
  trackingNumbers: Schema.Array(Schema.String),
  /** It cannot be called back, though it has not left. */
  isFixed: Schema.optionalKey(Schema.Boolean)
})
const Unserved = Schema.TaggedStruct("Unserved", { ...request, code: Schema.Literal("no_service") })
const Labelled = Schema.TaggedStruct("Labelled", {
  ...request,
  id: Id,
  orderId: Id,
  returnId: Schema.NullOr(Id),
  label: Schema.String
})
const Cancelled = Schema.TaggedStruct("Cancelled", { id: Id, at: Schema.Int })
const moved = { id: Id, eventId: Schema.String, at: Schema.Int }

/** The answer of one request. */
export const Answered = Schema.Union([Booked, Unserved, Labelled])
export type Answered = typeof Answered.Type
/** What the carrier does by itself, and tells the merchant of. */
export const Moved = Schema.Union([
  Schema.TaggedStruct("Dispatched", moved),
  Schema.TaggedStruct("Delivered", moved),
  Schema.TaggedStruct("Received", moved)
])
export type Moved = typeof Moved.Type
export const Settled = Schema.TaggedStruct("Settled", { eventId: Schema.String, delivered: Schema.Boolean })
export const Entry = Schema.Union([...Answered.members, Cancelled, ...Moved.members, Settled])
export type Entry = typeof Entry.Type

export interface Shipment {
  readonly _tag: "Shipment"
  readonly id: string
  readonly reference: string
  readonly orderId: string
  readonly parcels: typeof Parcels.Type
  readonly trackingNumbers: ReadonlyArray<string>
  readonly isFixed: boolean
  readonly status: "booked" | "cancelled" | "dispatched" | "delivered"
  /** When it came into this status. */
  readonly since: number
}
export interface Return {
  readonly _tag: "Return"
  readonly id: string
  readonly reference: string
  readonly orderId: string
  readonly returnId: string | null
  readonly label: string
  readonly status: "labelled" | "received"
  readonly since: number
}
export type Item = Shipment | Return

/** What `ship` and `label` may not make up themselves. */
export interface Chance {
  readonly id: string
  readonly at: number
}

const digest = (kind: string, body: object) =>
  createHash("sha256")
    .update(`${kind} ${JSON.stringify(body)}`)
    .digest("base64url")
export const shipRequest = (body: ShipBody): string => digest("ship", body)
export const returnRequest = (body: ReturnBody): string => digest("return", body)

export const ship = (body: ShipBody, { at, id }: Chance): Answered => {
  const common = { reference: body.reference, request: shipRequest(body), at }
  if (body.address.postalCode === "NO-SERVICE") return { _tag: "Unserved", ...common, code: "no_service" }
  const trackingNumbers = body.parcels.map(
    (_, index) => `${id.slice(4).replaceAll("-", "").toUpperCase()}-${index + 1}`
  )
  const isFixed = body.address.postalCode === "NO-RECALL" ? { isFixed: true } : {}
  return { _tag: "Booked", ...common, id, orderId: body.orderId, parcels: body.parcels, trackingNumbers, ...isFixed }
}

export const label = (body: ReturnBody, { at, id }: Chance): Answered => {
  const common = { reference: body.reference, request: returnRequest(body), at }
  if (body.lines.some(({ sku }) => sku === "NO-RETURN")) return { _tag: "Unserved", ...common, code: "no_service" }
  return {
    _tag: "Labelled",
    ...common,
    id,
    orderId: body.orderId,
    returnId: body.returnId ?? null,
    label: `LBL-${id.slice(4).replaceAll("-", "").toUpperCase()}`
  }
}

/** Dispatched goods cannot be called back; cancelling twice is harmless. */
export const cancel = (
  state: Shipment,
  at: number
): typeof Cancelled.Type | "already_dispatched" | "not_cancellable" | null => {
  switch (state.status) {
    case "booked":
      return state.isFixed ? "not_cancellable" : { _tag: "Cancelled", id: state.id, at }
    case "cancelled":
      return null
    case "dispatched":
    case "delivered":
      return "already_dispatched"
  }
}

/** The next thing that happens by itself, and how long after the last. */
export const due = (
  state: Item,
  delays: { readonly dispatchMs: number; readonly deliveryMs: number }
): { readonly tag: Moved["_tag"]; readonly at: number } | null => {
  switch (state.status) {
    case "booked":
      return { tag: "Dispatched", at: state.since + delays.dispatchMs }
    case "dispatched":
      return { tag: "Delivered", at: state.since + delays.deliveryMs }
    case "labelled":
      return { tag: "Received", at: state.since + delays.dispatchMs + delays.deliveryMs }
    case "cancelled":
    case "delivered":
    case "received":
      return null
  }
}

export type Change = Exclude<Entry, { _tag: "Unserved" | "Settled" }>

/** Throws when an entry comes before the shipment or return it belongs to: then the file is not ours. */
export const evolve = (state: Item | undefined, entry: Change): Item => {
  switch (entry._tag) {
    case "Booked": {
      const { at, id, isFixed = false, orderId, parcels, reference, trackingNumbers } = entry
      return {
        _tag: "Shipment",
        id,
        reference,
        orderId,
        parcels,
        trackingNumbers,
        isFixed,
        status: "booked",
        since: at
      }
    }
    case "Labelled": {
      const { at, id, label, orderId, reference, returnId } = entry
      return { _tag: "Return", id, reference, orderId, returnId, label, status: "labelled", since: at }
    }
    case "Received":
      if (state?._tag !== "Return") break
      return { ...state, status: "received", since: entry.at }
    case "Cancelled":
      if (state?._tag !== "Shipment") break
      return { ...state, status: "cancelled", since: entry.at }
    case "Dispatched":
      if (state?._tag !== "Shipment") break
      return { ...state, status: "dispatched", since: entry.at }
    case "Delivered":
      if (state?._tag !== "Shipment") break
      return { ...state, status: "delivered", since: entry.at }
  }
  throw new Error(`${entry._tag} does not fit ${entry.id}`)
}

const types = {
  Dispatched: "shipment.dispatched",
  Delivered: "shipment.delivered",
  Received: "return.received"
} as const

/** The webhook that tells of a movement; `@halles/entities/Carrier` reads it as `CarrierWebhook`. */
export const webhook = (state: Item, entry: Moved) => ({
  eventId: entry.eventId,
  type: types[entry._tag],
  reference: state.reference,
  orderId: state.orderId,
  ...(state._tag === "Shipment" ? { shipmentId: state.id, trackingNumbers: state.trackingNumbers } : {}),
  ...(state._tag === "Return" && state.returnId !== null ? { returnId: state.returnId } : {}),
  occurredAt: new Date(entry.at).toISOString()
})

/** Status and body of the answer, the same however often the reference is repeated. */
export const answer = (entry: Answered): { readonly status: number; readonly body: object } => {
  switch (entry._tag) {
    case "Booked":
      return { status: 201, body: { id: entry.id, trackingNumbers: entry.trackingNumbers } }
    case "Labelled":
      return { status: 201, body: { id: entry.id, label: entry.label } }
    case "Unserved":
      return { status: 422, body: { code: entry.code } }
  }
}

/** What `GET /shipments/{id}` shows. */
export const view = (state: Shipment) => ({
  id: state.id,
  reference: state.reference,
  orderId: state.orderId,
  status: state.status,
  trackingNumbers: state.trackingNumbers,
  parcels: state.parcels
})
