import {
  Customer,
  type CustomerView,
  PutAddress,
  Purpose,
  Register,
  RemoveAddress,
  SetConsent,
  UpdateProfile
} from "@halles/entities/Customer"
import { CustomerId } from "@halles/shared/Ids"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "./Api.ts"
import type { CustomerJson, CustomerPatch } from "./CustomerApi.ts"
import * as Edge from "./Edge.ts"

const customerJson = (view: CustomerView): typeof CustomerJson.Encoded => ({
  id: view.id,
  guest: view.guest,
  email: view.email,
  name: view.name,
  addresses: Object.fromEntries(view.addresses.map(({ address, label }) => [label, address])),
  preferences: view.preferences,
  consents: Object.fromEntries(view.consents.map(({ at, granted, purpose }) => [purpose, { granted, at }])),
  orders: view.orders,
  points: view.points,
  seq: view.seq
})

type Patch = typeof CustomerPatch.Type

/**
 * One command for each thing that the patch speaks of, each named after the key, so that a repeat does the rest. The
 * first one is held against the version that the patch was made for: the others follow from it.
 */
const commandsOf = (patch: Patch, headers: Parameters<typeof Edge.stamp>[1]) => {
  const { addresses = {}, consents = {}, ...profile } = patch
  const { "if-match": _, ...unconditional } = headers
  let isFirst = true
  const stamp = (operation: string) => {
    const stamped = Edge.stamp(operation, isFirst ? headers : unconditional)
    isFirst = false
    return stamped
  }
  return [
    ...(Object.keys(profile).length === 0 ? [] : [new UpdateProfile({ ...stamp("profile"), ...profile })]),
    ...Object.entries(addresses).map(([label, address]) => {
      const fields = stamp(`address:${label}`)
      return address === null ? new RemoveAddress({ ...fields, label }) : new PutAddress({ ...fields, label, address })
    }),
    ...Purpose.literals.flatMap((purpose) => {
      const granted = consents[purpose]
      return granted === undefined ? [] : [new SetConsent({ ...stamp(`consent:${purpose}`), purpose, granted })]
    })
  ]
}

export const CustomerHttp = HttpApiBuilder.group(
  Api,
  "customers",
  Effect.fnUntraced(function* (handlers) {
    const customer = yield* Customer.client
    const send = (id: CustomerId, command: ReturnType<typeof commandsOf>[number]) => {
      switch (command._tag) {
        case "UpdateProfile":
          return Edge.call(customer(id).UpdateProfile(command))
        case "PutAddress":
          return Edge.call(customer(id).PutAddress(command))
        case "RemoveAddress":
          return Edge.call(customer(id).RemoveAddress(command))
        case "SetConsent":
          return Edge.call(customer(id).SetConsent(command))
      }
    }
    return handlers.handleAll({
      registerCustomer: Effect.fnUntraced(function* ({ headers, payload }) {
        const { region, ...profile } = payload
        const id = CustomerId.make(Edge.newId("customer", region, headers))
        const view = yield* Edge.call(
          customer(id).Register(new Register({ ...Edge.stamp("register", headers), ...profile }))
        )
        return Edge.versioned(view.seq, customerJson(view), {
          status: 201,
          headers: { location: `/v1/customers/${id}` }
        })
      }),
      getCustomer: ({ params, request }) =>
        Effect.map(Edge.call(customer(params.id).View()), (view) =>
          Edge.fresh(request, view.seq, () => customerJson(view))
        ),
      patchCustomer: Effect.fnUntraced(function* ({ headers, params, payload }) {
        const views = yield* Effect.forEach(commandsOf(payload, headers), (command) => send(params.id, command))
        const view = views.at(-1) ?? (yield* Edge.call(customer(params.id).View()))
        return Edge.versioned(view.seq, customerJson(view))
      })
    })
  })
)
