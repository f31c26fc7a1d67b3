import {
  AddressLabel,
  CustomerView,
  MovePoints,
  Preferences,
  Purpose,
  Register
} from "@halles/entities/customer/Customer"
import { Address } from "@halles/shared/Address"
import { CustomerId } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import * as Consistency from "./Consistency.ts"
import * as Edge from "../Edge.ts"
import { Idempotency } from "../idempotency/Idempotency.ts"
import { OrdersJson } from "./OrderApi.ts"
import * as Problems from "../problems/Problems.ts"

const { email, emailVerified, guest, id, name, orders, points, preferences, seq } = CustomerView.fields
/** The merge patch of `PATCH` (RFC 7396) speaks of the same members: addresses by label, consents by purpose. */
export const CustomerJson = Schema.Struct({
  id,
  guest,
  email,
  emailVerified,
  name,
  addresses: Schema.Record(Schema.String, Address),
  preferences,
  consents: Schema.Record(Schema.String, Schema.Struct({ granted: Schema.Boolean, at: Schema.Int })),
  orders,
  points,
  seq
}).annotate({ identifier: "Customer" })

/**
 * Members that are absent stay as they are; an address that is `null` is removed. The owner of an account changes its e-mail
 * address where it is proved; here only what it is already may be repeated.
 */
export const CustomerPatch = Schema.Struct({
  email: Register.fields.email,
  name: Register.fields.name,
  preferences: Schema.optionalKey(Preferences),
  addresses: Schema.optionalKey(Schema.Record(AddressLabel, Schema.NullOr(Address)).check(Schema.isMaxProperties(50))),
  consents: Schema.optionalKey(
    Schema.Struct({
      marketing_email: Schema.optionalKey(Schema.Boolean),
      marketing_sms: Schema.optionalKey(Schema.Boolean),
      personalisation: Schema.optionalKey(Schema.Boolean),
      analytics: Schema.optionalKey(Schema.Boolean)
    } satisfies Record<typeof Purpose.Type, unknown>)
  )
}).annotate({ identifier: "CustomerPatch" })

const params = { id: CustomerId }

export class CustomerApi extends HttpApiGroup.make("customers")
  .add(
    HttpApiEndpoint.post("registerCustomer", "/customers", {
      headers: Edge.keyed,
      payload: Schema.Struct({ region: Region, email: Register.fields.email, name: Register.fields.name }),
      success: CustomerJson.pipe(HttpApiSchema.status(201)),
      error: [Problems.alreadyExists]
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "Register a customer; without an e-mail address, a guest"),
    HttpApiEndpoint.get("getCustomer", "/customers/:id", {
      params,
      success: CustomerJson,
      error: [Problems.notFound]
    }).annotate(OpenApi.Summary, "The customer as it is now"),
    HttpApiEndpoint.patch("patchCustomer", "/customers/:id", {
      params,
      headers: Edge.changing,
      payload: CustomerPatch,
      success: CustomerJson,
      error: [Problems.notFound, Problems.preconditionFailed, Problems.tooManyAddresses, Problems.emailNeedsProof]
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "Change what is given, and leave the rest"),
    HttpApiEndpoint.get("listOrders", "/customers/:id/orders", {
      params,
      query: Edge.paged,
      headers: Consistency.header,
      success: OrdersJson
    }).annotate(OpenApi.Summary, "A customer's orders, newest first"),
    HttpApiEndpoint.post("movePoints", "/customers/:id/points", {
      params,
      headers: Edge.changingKeyRequired,
      payload: Schema.Struct({ points: MovePoints.fields.points, reference: MovePoints.fields.reference }),
      success: CustomerJson,
      error: [Problems.notFound, Problems.preconditionFailed, Problems.notEnoughPoints]
    })
      .middleware(Idempotency)
      .annotate(OpenApi.Summary, "Give or take loyalty points")
  )
  .prefix("/v1")
  .annotate(OpenApi.Title, "Customers") {}
