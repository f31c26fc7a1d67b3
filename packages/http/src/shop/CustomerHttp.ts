import {
  ChangeCustomer,
  Customer,
  type CustomerView,
  MovePoints,
  Purpose,
  Register
} from "@halles/entities/customer/Customer"
import { Order, type OrderView } from "@halles/entities/order/Order"
import { type OrderSummary, Reads } from "@halles/entities/Reads"
import { CustomerId, OrderId } from "@halles/shared/Ids"
import { regionOf } from "@halles/shared/Region"
import { hasAccount } from "@halles/shared/security/Ownership"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { mayMove } from "../access/Access.ts"
import { ownerOfCustomer } from "../access/AccessSubject.ts"
import { Api } from "../Api.ts"
import type { CustomerJson, CustomerPatch } from "./CustomerApi.ts"
import * as Consistency from "./Consistency.ts"
import { Issuer } from "../openapi/Docs.ts"
import * as Edge from "../Edge.ts"
import { EmailNeedsProof } from "../problems/EdgeErrors.ts"
import { money } from "./MoneyJson.ts"
import type { OrderSummaryJson } from "./OrderApi.ts"
import { Principal } from "../access/Principal.ts"
import * as Upstreams from "../admission/Upstreams.ts"

const customerJson = (view: CustomerView): typeof CustomerJson.Encoded => ({
  id: view.id,
  guest: view.guest,
  email: view.email,
  emailVerified: view.emailVerified,
  name: view.name,
  addresses: Object.fromEntries(view.addresses.map(({ address, label }) => [label, address])),
  preferences: view.preferences,
  consents: Object.fromEntries(view.consents.map(({ at, granted, purpose }) => [purpose, { granted, at }])),
  orders: view.orders,
  points: view.points,
  seq: view.seq
})

type Summary = typeof OrderSummaryJson.Encoded
const summaryJson = (order: OrderSummary): Summary => ({
  id: order.id,
  status: order.status,
  customerId: order.customerId,
  currency: order.currency,
  total: money(order.total, order.currency),
  captured: money(order.captured, order.currency),
  refunded: money(order.refunded, order.currency),
  disputed: money(order.disputed, order.currency),
  placedAt: order.placedAt,
  updatedAt: order.updatedAt,
  seq: order.seq
})
/** The same of an order that the list does not have yet. */
const summaryOf = (view: OrderView): Summary => ({
  id: view.id,
  status: view.status,
  customerId: view.customerId,
  currency: view.currency,
  total: money(view.totals.total, view.currency),
  captured: money(view.payment.captured, view.currency),
  refunded: money(view.payment.refunded, view.currency),
  disputed: money(view.payment.disputed, view.currency),
  placedAt: view.steps[0]?.at ?? 0,
  updatedAt: view.steps.at(-1)?.at ?? 0,
  seq: view.seq
})

/** Newest first, as the list is sorted. */
const newestFirst = (a: Summary, b: Summary): number =>
  b.placedAt - a.placedAt || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)

type Patch = typeof CustomerPatch.Type

/** The merge patch as one command. */
const changeOf = ({ addresses, consents, ...profile }: Patch, stamp: Edge.Stamp): ChangeCustomer =>
  new ChangeCustomer({
    ...stamp,
    ...profile,
    ...(addresses === undefined
      ? {}
      : { addresses: Object.entries(addresses).map(([label, address]) => ({ label, address })) }),
    ...(consents === undefined
      ? {}
      : {
          consents: Purpose.literals.flatMap((purpose) => {
            const granted = consents[purpose]
            return granted === undefined ? [] : [{ purpose, granted }]
          })
        })
  })

export const CustomerHttp = HttpApiBuilder.group(
  Api,
  "customers",
  Effect.fnUntraced(function* (handlers) {
    const customer = yield* Upstreams.entity(Customer)
    const order = yield* Upstreams.entity(Order)
    const reads = yield* Reads
    const issuer = yield* Issuer
    /** The patch without an address that is there already. Another one belongs to whoever proves it, at the issuer. */
    const withoutEmail = Effect.fnUntraced(function* (id: CustomerId, patch: Patch) {
      const { email, ...rest } = patch
      if (email === undefined || !hasAccount(id) || ownerOfCustomer(id, yield* Principal) !== "self") return patch
      const known = (yield* Edge.call(customer(id).View())).email
      if (known?.toLowerCase() === email.normalize("NFC").toLowerCase()) return rest
      return yield* new EmailNeedsProof({ changeAt: `${issuer.replace(/\/$/, "")}/account/email` })
    })
    return handlers.handleAll({
      registerCustomer: Effect.fnUntraced(function* ({ headers, payload }) {
        const { region, ...profile } = payload
        const id = CustomerId.make(`${region}_${yield* Edge.token("customer")}`)
        const view = yield* Edge.send("register", headers, (stamp) =>
          customer(id).Register(new Register({ ...stamp, ...profile }))
        )
        return Edge.written(["Customer", id, view.seq], customerJson(view), {
          status: 201,
          headers: { location: `/v1/customers/${id}` }
        })
      }),
      getCustomer: ({ params, request }) =>
        Effect.map(Edge.call(customer(params.id).View()), (view) =>
          Edge.fresh(request, view.seq, () => customerJson(view))
        ),
      patchCustomer: Effect.fnUntraced(function* ({ headers, params, payload }) {
        const patch = yield* withoutEmail(params.id, payload)
        const view = yield* Edge.send("change", headers, (stamp) =>
          customer(params.id).ChangeCustomer(changeOf(patch, stamp))
        )
        return Edge.written(["Customer", view.id, view.seq], customerJson(view))
      }),
      movePoints: Effect.fnUntraced(function* ({ headers, params, payload }) {
        yield* mayMove(BigInt(Math.abs(payload.points)))
        const move = (stamp: Edge.Stamp) => customer(params.id).MovePoints(new MovePoints({ ...stamp, ...payload }))
        const view = yield* Edge.send("points", headers, move)
        return Edge.written(["Customer", view.id, view.seq], customerJson(view))
      }),
      listOrders: Effect.fnUntraced(function* ({ headers, params, query, request }) {
        const region = regionOf(params.id)
        const seen = yield* Consistency.seenOf(headers["consistency-token"], "Order")
        const here = new Map([...seen].filter(([id]) => id.startsWith(`${region}_`)))
        const behind = yield* Edge.call(Consistency.behind(here, (ids) => reads.seqs("orders", region, ids)))
        const page = yield* Edge.call(
          reads.orders({
            customerId: params.id,
            limit: query.limit ?? Edge.limitDefault,
            ...Edge.given("cursor", query.cursor)
          })
        ).pipe(Effect.catchTag("BadCursor", () => Effect.fail(Edge.badCursor)))
        const asked = yield* Effect.forEach(
          behind,
          (id) =>
            Edge.call(order(OrderId.make(id)).View()).pipe(Effect.catchTag("NotFound", () => Effect.succeed(null))),
          { concurrency: 8 }
        )
        const newer = new Map<string, Summary>()
        for (const view of asked) if (view?.customerId === params.id) newer.set(view.id, summaryOf(view))
        const listed = page.items.map(summaryJson)
        const known = new Set<string>(listed.map(({ id }) => id))
        // What has no row yet is newer than every row: it belongs to the first page.
        const added = query.cursor === undefined ? [...newer.values()].filter(({ id }) => !known.has(id)) : []
        const items = [...added.toSorted(newestFirst), ...listed.map((item) => newer.get(item.id) ?? item)]
        return Edge.listed(request, { items, next: page.next })
      })
    })
  })
)
