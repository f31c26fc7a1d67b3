import { named } from "@halles/shared/wire/Named"
import { Address } from "@halles/shared/Address"
import { CustomerId } from "@halles/shared/Ids"
import { Region, regionOf } from "@halles/shared/Region"
import { hasAccount } from "@halles/shared/security/Ownership"
import { changes, everybody, looks, ofCustomer, seesPeople, shopper } from "@halles/shared/wire/AccessRule"
import { repeated } from "@halles/shared/wire/Operation"
import { Principal } from "@halles/shared/wire/Principal"
import { Refusal } from "@halles/shared/wire/Refusal"
import { given } from "@halles/shared/wire/Stamp"
import { perMinute } from "@halles/shared/wire/Traffic"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { Effect, Schema } from "effect"
import { Order } from "../order/Order.ts"
import { OrderSummaryJson } from "../order/OrderJson.ts"
import { summaryOf } from "../order/OrderSummary.ts"
import { customerOrders } from "../order/OrderTable.ts"
import { Edge, Issuer } from "../routes/Edge.ts"
import { list } from "../routes/List.ts"
import * as Routes from "../routes/Routes.ts"
import { address, saleId } from "../sale/SaleJson.ts"
import { AddressLabel, Customer, CustomerView, MovePoints, Preferences, Purpose, Register } from "./Customer.ts"

/** The owner of an account gives it another address, which nobody has proved to read; at `changeAt` it is proved. */
export class EmailNeedsProof extends Refusal<EmailNeedsProof>()("EmailNeedsProof", {
  status: 422,
  title: "The address needs proof",
  fields: { changeAt: Schema.String },
  sample: { changeAt: "http://localhost:4407/account/email" },
  detail: ({ changeAt }) =>
    `The address of an account is changed at ${changeAt}, by a link that is sent to the new one.`,
  help: "Send the person to the page that the detail names, and leave the member email out here."
}) {}

/** The merge patch of `PATCH` (RFC 7396) speaks of the same members: addresses by label, consents by purpose. */
export const CustomerJson = ViewJson.object<CustomerView>()(
  "Customer",
  {
    ...CustomerView.fields,
    addresses: Schema.Record(Schema.String, Address),
    consents: Schema.Record(Schema.String, Schema.Struct({ granted: Schema.Boolean, at: Schema.Int }))
  },
  {
    sample: {
      id: "eu_c7Hn2sVfJk9QaRxUe4TzMg",
      guest: false,
      email: "ada@example.com",
      emailVerified: true,
      name: "Ada Byron",
      addresses: { home: address },
      preferences: { language: "en-GB", currency: "GBP" },
      consents: { marketing_email: { granted: true, at: 1_793_613_600_000 } },
      orders: { count: 1, recent: [saleId] },
      points: 16,
      seq: 4
    },
    from: {
      addresses: (view) => Object.fromEntries(view.addresses.map(({ address, label }) => [label, address])),
      consents: (view) =>
        Object.fromEntries(view.consents.map(({ at, granted, purpose }) => [purpose, { granted, at }]))
    }
  }
)

/**
 * Members that are absent stay as they are; an address that is `null` is removed. The owner of an account changes its e-mail
 * address where it is proved; here only what it is already may be repeated.
 */
export const CustomerPatch = Schema.Struct({
  email: Register.fields.email,
  name: Register.fields.name,
  preferences: Schema.optionalKey(Preferences),
  addresses: Schema.optionalKey(Schema.Record(AddressLabel, Schema.NullOr(Address)).check(Schema.isMaxProperties(50))),
  consents: Schema.optionalKey(Schema.Record(Purpose, Schema.optionalKey(Schema.Boolean)))
}).pipe(
  named("CustomerPatch", {
    name: "Ada Byron",
    addresses: { home: address, office: null },
    consents: { marketing_email: true }
  })
)
type Patch = typeof CustomerPatch.Type

/** The merge patch as the fields of one command. */
const changeOf = ({ addresses = {}, consents = {}, ...profile }: Patch) => ({
  ...profile,
  addresses: Object.entries(addresses).map(([label, address]) => ({ label, address })),
  consents: Purpose.literals.flatMap((purpose) => {
    const granted = consents[purpose]
    return granted === undefined ? [] : [{ purpose, granted }]
  })
})

/** An address that is there already may be repeated. Another one belongs to whoever proves it, at the issuer. */
const provedEmail = Effect.gen(function* () {
  const edge = yield* Edge
  const customer = yield* edge.entity(Customer)
  const issuer = yield* Issuer
  return Effect.fnUntraced(function* <
    Request extends { readonly params: { readonly id: CustomerId }; readonly payload: Patch }
  >(request: Request) {
    const { id } = request.params
    const { email, ...rest } = request.payload
    const { customerId } = yield* Principal
    if (email === undefined || !hasAccount(id) || customerId !== id) return undefined
    const known = (yield* edge.call(customer(id).View())).email
    if (known?.toLowerCase() === email.normalize("NFC").toLowerCase()) return { ...request, payload: rest }
    return yield* new EmailNeedsProof({ changeAt: `${issuer.replace(/\/$/, "")}/account/email` })
  })
})

const one = { contract: Customer, params: { id: CustomerId }, json: CustomerJson }

const group = { title: "Customers", about: "Who buys: profile, addresses, preferences and consents." }
export const CustomerApi = Routes.group("customers", group, [
  Routes.command("registerCustomer", "POST", "/customers", {
    access: everybody,
    traffic: { priority: "cart", cost: 10, quota: perMinute("register", 600) },
    summary: "Register a customer; without an e-mail address, a guest",
    about: `Without an e-mail address the customer is a guest, and becomes an account when it gets one. ${repeated}`,
    example: { region: "eu", email: "ada@example.com", name: "Ada Byron" },
    contract: Customer,
    message: "Register",
    payload: Schema.Struct({ region: Region, email: Register.fields.email, name: Register.fields.name }),
    json: CustomerJson,
    version: "none",
    creates: { what: "customer", location: (id) => `/v1/customers/${id}` },
    id: ({ payload }, random) => `${payload.region}_${random}`,
    fields: ({ payload: { email, name } }) => ({ ...given("email", email), ...given("name", name) })
  }),
  Routes.query("getCustomer", "/customers/:id", {
    ...one,
    access: {
      ...ofCustomer,
      ...seesPeople,
      scopes: ["customers:read"],
      roles: { ...shopper, partner: "consented" },
      consent: "personalisation",
      audited: "byOthers"
    },
    summary: "The customer as it is now",
    about: "Profile, addresses by label, consents by purpose, and the newest orders."
  }),
  Routes.command("patchCustomer", "PATCH", "/customers/:id", {
    ...one,
    access: { ...ofCustomer, ...changes, scopes: ["customers:write"], roles: shopper, audited: "byOthers" },
    summary: "Change what is given, and leave the rest",
    about: "A merge patch (RFC 7396): members that are absent stay as they are; an address that is `null` is removed.",
    message: "ChangeCustomer",
    payload: CustomerPatch,
    before: provedEmail,
    refuses: [EmailNeedsProof],
    fields: ({ payload }) => changeOf(payload)
  }),
  list("listOrders", "/customers/:id/orders", {
    access: { ...ofCustomer, ...looks, scopes: ["orders:read"], roles: shopper, audited: "byOthers" },
    summary: "A customer's orders, newest first",
    about:
      "A page at a time, in an order that new ones do not disturb. With the `Consistency-Token` of a checkout the order is there.",
    contract: Order,
    of: customerOrders,
    params: { id: CustomerId },
    page: "Orders",
    json: OrderSummaryJson,
    wanted: ({ params }) => ({ region: regionOf(params.id), customerId: params.id }),
    itemOf: (view, { params }) => (view.customerId === params.id ? summaryOf(view) : null)
  }),
  Routes.command("movePoints", "POST", "/customers/:id/points", {
    ...one,
    access: {
      thing: { customer: "id" },
      region: "id",
      ...changes,
      scopes: ["customers:write"],
      roles: { support: "any", admin: "any" },
      amountMax: { support: 10_000n },
      audited: "always"
    },
    summary: "Give or take loyalty points",
    about: `Takes when negative, and never below zero. ${repeated}`,
    example: { points: 50, reference: "welcome" },
    message: "MovePoints",
    payload: Routes.bodyOf(MovePoints),
    key: "required",
    asks: { amount: ({ payload }) => BigInt(Math.abs(payload.points)) }
  })
])
