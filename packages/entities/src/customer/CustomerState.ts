import { Address } from "@halles/shared/Address"
import { Email } from "@halles/shared/Email"
import { type CustomerId, OrderId } from "@halles/shared/Ids"
import { Amount } from "@halles/shared/Money"
import { PersonName } from "@halles/shared/Text"
import { Equal, Result, Schema } from "effect"
import {
  AddressLabel,
  addressesMax,
  type ChangeCustomer,
  CustomerView,
  type Forget,
  historyMax,
  type MovePoints,
  type NoteOrder,
  NotEnoughPoints,
  Preferences,
  Purpose,
  recentOrdersMax,
  type Register,
  TooManyAddresses
} from "./Customer.ts"
import { AlreadyExists, NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { done, viewReply } from "@halles/engine/eventsourced/Replies"

export const type = "Customer"
export const version = 3
export const creates = ["Register"] as const

/** Orders that are recognised when they are noted again under another command id; older ones by their command id. */
const knownOrdersMax = 200

type Change = ChangeCustomer | Forget | NoteOrder | MovePoints
export type Command = Register | Change
export type Refusal = NotFound | AlreadyExists | TooManyAddresses | NotEnoughPoints

const at = Schema.Int
const Consent = Schema.Struct({ purpose: Purpose, granted: Schema.Boolean, at })
const Addressed = Schema.Struct({ label: AddressLabel, address: Address })
/** Of the address beside it; absent where nobody has proved to read that one. */
const emailVerified = Schema.optionalKey(Schema.Literal(true))
/** `note` is what somebody wrote down for it, so it is hidden like other words of people; a reference of a system is not. */
const Movement = Schema.Struct({ points: Schema.Int, note: Schema.String, at })

export const Event = Schema.Union([
  Schema.TaggedStruct("Registered", {
    email: Schema.NullOr(Email),
    emailVerified,
    name: Schema.NullOr(PersonName),
    at
  }),
  /** Only what changed. */
  Schema.TaggedStruct("ProfileUpdated", {
    email: Schema.optionalKey(Email),
    emailVerified,
    name: Schema.optionalKey(PersonName),
    preferences: Schema.optionalKey(Preferences),
    at
  }),
  Schema.TaggedStruct("AddressPut", { ...Addressed.fields, at }),
  Schema.TaggedStruct("AddressRemoved", { label: AddressLabel, at }),
  Schema.TaggedStruct("ConsentSet", Consent.fields),
  Schema.TaggedStruct("Forgotten", { at }),
  Schema.TaggedStruct("OrderNoted", { orderId: OrderId, at }),
  Schema.TaggedStruct("PointsMoved", Movement.fields)
])
export type Event = typeof Event.Type

const Known = Schema.TaggedStruct("Known", {
  email: Schema.NullOr(Email),
  emailVerified: Schema.Boolean,
  name: Schema.NullOr(PersonName),
  /** In the order in which they came; a label such as `__proto__` would be lost as the key of an object. */
  addresses: Schema.Array(Addressed),
  preferences: Preferences,
  /** What holds now, one entry a purpose. */
  consents: Schema.Array(Consent),
  /** The newest `historyMax` answers, oldest first. */
  consentHistory: Schema.Array(Consent),
  /** Newest first, up to `knownOrdersMax`. */
  orders: Schema.Array(OrderId),
  orderCount: Schema.Int,
  /** Of all movements that `ledger` has let go: `points = carried + sum(ledger)`. */
  carried: Amount,
  /** The newest `historyMax` movements, oldest first. */
  ledger: Schema.Array(Movement),
  points: Amount
})
type Known = typeof Known.Type
export const State = Schema.Union([Schema.TaggedStruct("None", {}), Known])
export type State = typeof State.Type

export const initial: State = { _tag: "None" }

type Decided = Result.Result<ReadonlyArray<Event>, Refusal>
const nothing: Decided = Result.succeed([])
const events = (...events: ReadonlyArray<Event>): Decided => Result.succeed(events)
/** The state knows no id: the event-sourced entity writes it into these. */
const unnamed = { entity: type, id: "" } as const

export const decide = (state: State, command: Command, now: number): Decided => {
  switch (command._tag) {
    case "Register":
      return state._tag === "None"
        ? events({
            _tag: "Registered",
            email: command.email ?? null,
            ...verified(command),
            name: command.name ?? null,
            at: now
          })
        : Result.fail(new AlreadyExists(unnamed))
    case "ChangeCustomer":
    case "Forget":
    case "NoteOrder":
    case "MovePoints":
      return state._tag === "None" ? Result.fail(new NotFound(unnamed)) : change(state, command, now)
  }
}

const change = (state: Known, command: Change, now: number): Decided => {
  switch (command._tag) {
    case "ChangeCustomer": {
      const changed = changes(state, command, now)
      const addresses = changed.reduce(evolveKnown, state).addresses.length
      return addresses > Math.max(addressesMax, state.addresses.length)
        ? Result.fail(new TooManyAddresses({ max: addressesMax }))
        : Result.succeed(changed)
    }
    case "Forget":
      return Equal.equals(forgotten(state), state) ? nothing : events({ _tag: "Forgotten", at: now })
    case "NoteOrder":
      return state.orders.includes(command.orderId)
        ? nothing
        : events({ _tag: "OrderNoted", orderId: command.orderId, at: now })
    case "MovePoints":
      return movePoints(state, command, now)
  }
}

/** No address, no proof of it. */
const verified = ({ email, emailVerified }: Pick<Register, "email" | "emailVerified">) =>
  email === undefined || emailVerified === undefined ? {} : { emailVerified }

type Changed = Exclude<Event, { readonly _tag: "Registered" }>

/** Of a label, or a purpose, that is named twice the last one holds. */
const changes = (
  state: Known,
  { addresses = [], consents = [], ...profile }: ChangeCustomer,
  at: number
): ReadonlyArray<Changed> => [
  ...profileChanges(state, profile, at),
  ...[...new Map(addresses.map((one) => [one.label, one.address]))].flatMap(([label, address]) =>
    addressChange(state, label, address, at)
  ),
  ...[...new Map(consents.map((one) => [one.purpose, one.granted]))].flatMap(([purpose, granted]) =>
    consentChange(state, purpose, granted, at)
  )
]

const addressChange = (state: Known, label: string, address: Address | null, at: number): ReadonlyArray<Changed> => {
  const there = state.addresses.find((one) => one.label === label)
  if (address === null) return there === undefined ? [] : [{ _tag: "AddressRemoved", label, at }]
  return Equal.equals(there?.address, address) ? [] : [{ _tag: "AddressPut", label, address, at }]
}

const consentChange = (
  state: Known,
  purpose: typeof Purpose.Type,
  granted: boolean,
  at: number
): ReadonlyArray<Changed> => {
  const said = state.consents.find((consent) => consent.purpose === purpose)?.granted
  return said === granted ? [] : [{ _tag: "ConsentSet", purpose, granted, at }]
}

const profileChanges = (
  state: Known,
  profile: Pick<ChangeCustomer, "email" | "emailVerified" | "name" | "preferences">,
  at: number
): ReadonlyArray<Changed> => {
  const { email, name, preferences } = profile
  // One that is proved stays so when somebody else repeats it.
  const isNews = email !== state.email || (profile.emailVerified === true && !state.emailVerified)
  const wanted = { ...state.preferences, ...preferences }
  const changed = {
    ...(email === undefined || !isNews ? {} : { email, ...verified(profile) }),
    ...(name === undefined || name === state.name ? {} : { name }),
    ...(Equal.equals(wanted, state.preferences) ? {} : { preferences: wanted })
  }
  return Object.keys(changed).length === 0 ? [] : [{ _tag: "ProfileUpdated", ...changed, at }]
}

/** The balance never goes below zero (I5). */
const movePoints = (state: Known, { points, reference }: MovePoints, now: number): Decided => {
  if (points === 0) return nothing
  if (state.points + points < 0) return Result.fail(new NotEnoughPoints({ points: state.points }))
  return events({ _tag: "PointsMoved", points, note: reference, at: now })
}

export const evolve = (state: State, event: Event): State => {
  if (event._tag === "Registered") return state._tag === "None" ? registered(event) : state
  return state._tag === "None" ? state : evolveKnown(state, event)
}

const registered = ({ email, emailVerified, name }: Extract<Event, { readonly _tag: "Registered" }>): Known => ({
  _tag: "Known",
  email,
  emailVerified: emailVerified === true,
  name,
  addresses: [],
  preferences: {},
  consents: [],
  consentHistory: [],
  orders: [],
  orderCount: 0,
  carried: 0,
  ledger: [],
  points: 0
})

const evolveKnown = (state: Known, event: Changed): Known => {
  switch (event._tag) {
    case "ProfileUpdated": {
      const { name = state.name, preferences = state.preferences } = event
      const address =
        event.email === undefined ? {} : { email: event.email, emailVerified: event.emailVerified === true }
      return { ...state, ...address, name, preferences }
    }
    case "AddressPut": {
      const { address, label } = event
      const index = state.addresses.findIndex((one) => one.label === label)
      const entry = { label, address }
      return { ...state, addresses: index < 0 ? [...state.addresses, entry] : state.addresses.with(index, entry) }
    }
    case "AddressRemoved":
      return { ...state, addresses: state.addresses.filter(({ label }) => label !== event.label) }
    case "ConsentSet": {
      const { at, granted, purpose } = event
      const consent = { purpose, granted, at }
      const others = state.consents.filter((one) => one.purpose !== purpose)
      const consentHistory = [...state.consentHistory, consent].slice(-historyMax)
      return { ...state, consents: [...others, consent], consentHistory }
    }
    case "Forgotten":
      return forgotten(state)
    case "OrderNoted": {
      const orders = [event.orderId, ...state.orders].slice(0, knownOrdersMax)
      return { ...state, orders, orderCount: state.orderCount + 1 }
    }
    case "PointsMoved":
      return moved(state, { points: event.points, note: event.note, at: event.at })
  }
}

const forgotten = (state: Known): Known => ({
  ...state,
  email: null,
  emailVerified: false,
  name: null,
  addresses: [],
  preferences: {},
  consents: [],
  consentHistory: []
})

const moved = (state: Known, movement: typeof Movement.Type): Known => {
  const ledger = [...state.ledger, movement]
  const gone = ledger.length > historyMax ? ledger[0]!.points : 0
  return {
    ...state,
    ledger: ledger.slice(-historyMax),
    carried: state.carried + gone,
    points: state.points + movement.points
  }
}

/** `null` when nobody registered under the id. The state was checked when it came in, so the view is not again. */
export const view = (id: CustomerId, state: State, seq: number): CustomerView | null => {
  if (state._tag === "None") return null
  const { addresses, consents, email, emailVerified, name, orderCount, orders, points, preferences } = state
  const recent = orders.slice(0, recentOrdersMax)
  const who = { id, guest: email === null, email, emailVerified, name, addresses, preferences, consents }
  return new CustomerView({ ...who, orders: { count: orderCount, recent }, points, seq }, { disableChecks: true })
}

const toView = viewReply(type, view)
export const replies = {
  Register: toView,
  ChangeCustomer: toView,
  Forget: toView,
  NoteOrder: done,
  MovePoints: toView,
  View: toView
}
