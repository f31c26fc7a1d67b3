import { Refusal } from "@halles/shared/wire/Refusal"
import { Address } from "@halles/shared/Address"
import { Email } from "@halles/shared/Email"
import { commandFields } from "@halles/shared/Command"
import { CustomerId, OrderId } from "@halles/shared/Ids"
import { line, PersonName } from "@halles/shared/Text"
import { Schema } from "effect"
import * as Contract from "@halles/engine/eventsourced/Contract"
import { AlreadyExists, NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"

export const addressesMax = 50
/** The newest orders that the customer itself remembers; the full list is the order projection's. */
export const recentOrdersMax = 20
/** The newest entries that the customer itself remembers of its consents and of its points; the journal has all. */
export const historyMax = 100

export const AddressLabel = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9_-]{1,30}$/u, { expected: "1 to 30 letters without accents, digits, - or _" })
)
export const Purpose = Schema.Literals(["marketing_email", "marketing_sms", "personalisation", "analytics"])
export const Preferences = Schema.Struct({
  language: Schema.optionalKey(
    Schema.String.check(Schema.isPattern(/^[a-z]{2}(-[A-Z]{2})?$/u, { expected: "a language such as en or en-GB" }))
  ),
  currency: Schema.optionalKey(
    Schema.String.check(Schema.isPattern(/^[A-Z]{3}$/u, { expected: "three capitals such as EUR" }))
  )
})

/** Said with an address by the identity process alone, which has seen that its owner reads it; all others only write it down. */
const emailVerified = Schema.optionalKey(Schema.Literal(true))

/** A guest has no e-mail address yet. */
export class Register extends Schema.TaggedClass<Register>()("Register", {
  ...commandFields,
  email: Schema.optionalKey(Email),
  emailVerified,
  name: Schema.optionalKey(PersonName)
}) {}
/** What is to be otherwise, all of it or nothing; what is not in it stays. An address that is `null` is removed. */
export class ChangeCustomer extends Schema.TaggedClass<ChangeCustomer>()("ChangeCustomer", {
  ...commandFields,
  email: Schema.optionalKey(Email),
  emailVerified,
  name: Schema.optionalKey(PersonName),
  preferences: Schema.optionalKey(Preferences),
  addresses: Schema.optionalKey(
    Schema.Array(Schema.Struct({ label: AddressLabel, address: Schema.NullOr(Address) })).check(
      Schema.isMaxLength(2 * addressesMax)
    )
  ),
  consents: Schema.optionalKey(
    Schema.Array(Schema.Struct({ purpose: Purpose, granted: Schema.Boolean })).check(
      Schema.isMaxLength(Purpose.literals.length)
    )
  )
}) {}
/**
 * Whoever it was is gone: nothing personal is shown any more, and no consent holds. What belongs to the books stays: its orders,
 * which have retention times of their own, and its points.
 */
export class Forget extends Schema.TaggedClass<Forget>()("Forget", { ...commandFields }) {}
/** Sent by the order saga once the order is confirmed. */
export class NoteOrder extends Schema.TaggedClass<NoteOrder>()("NoteOrder", { ...commandFields, orderId: OrderId }) {}
/** Adds points, or takes them when negative; `reference` says for what. Never below zero. */
export class MovePoints extends Schema.TaggedClass<MovePoints>()("MovePoints", {
  ...commandFields,
  points: Schema.Int.check(Schema.isBetween({ minimum: -1_000_000, maximum: 1_000_000 })),
  reference: line(100)
}) {}

export class CustomerView extends Schema.Class<CustomerView>("CustomerView")({
  id: CustomerId,
  guest: Schema.Boolean,
  email: Schema.NullOr(Email),
  /** Whether its owner has proved to read it; otherwise it is where somebody wants to be reached, and gives no right. */
  emailVerified: Schema.Boolean,
  name: Schema.NullOr(PersonName),
  addresses: Schema.Array(Schema.Struct({ label: AddressLabel, address: Address })),
  preferences: Preferences,
  consents: Schema.Array(Schema.Struct({ purpose: Purpose, granted: Schema.Boolean, at: Schema.Int })),
  orders: Schema.Struct({ count: Schema.Int, recent: Schema.Array(OrderId) }),
  points: Schema.Int,
  seq: Schema.Int
}) {}

export class TooManyAddresses extends Refusal<TooManyAddresses>()("TooManyAddresses", {
  status: 422,
  title: "Too many addresses",
  fields: { max: Schema.Int },
  sample: { max: 50 },
  detail: ({ max }) => `A customer has at most ${max} addresses.`
}) {}
export class NotEnoughPoints extends Refusal<NotEnoughPoints>()("NotEnoughPoints", {
  status: 409,
  title: "Not enough points",
  fields: { points: Schema.Int },
  detail: ({ points }) => `The customer has ${points}.`
}) {}

const change = [NotFound, PreconditionFailed] as const

export const Customer = Contract.make("Customer", [
  Contract.command(Register, CustomerView, AlreadyExists),
  Contract.command(ChangeCustomer, CustomerView, NotFound, TooManyAddresses, PreconditionFailed),
  Contract.command(Forget, CustomerView, ...change),
  Contract.command(NoteOrder, Schema.Void, ...change),
  Contract.command(MovePoints, CustomerView, NotFound, NotEnoughPoints, PreconditionFailed),
  Contract.view(CustomerView)
])
