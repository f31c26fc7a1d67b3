import * as EntityClient from "@halles/engine/activation/EntityClient"
import { NoSuchEntity, type TriggerTimer } from "@halles/engine/eventsourced/Timers"
import { follow } from "@halles/engine/projections/Follower"
import type { Nats } from "@halles/shared/clients/Nats"
import type { Region } from "@halles/shared/Region"
import type { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import { Effect, Layer } from "effect"
import type { SqlClient } from "effect/sql"
import { cart } from "./cart/CartDomain.ts"
import { category } from "./category/CategoryDomain.ts"
import { categoryTree } from "./category/CategoryTreeDomain.ts"
import { product } from "./catalogue/ProductDomain.ts"
import { customer } from "./customer/CustomerDomain.ts"
import { sku } from "./inventory/SkuDomain.ts"
import { media } from "./media/MediaDomain.ts"
import { order } from "./order/OrderDomain.ts"
import { payment } from "./payment/PaymentDomain.ts"
import { productModel } from "./productmodel/ProductModelDomain.ts"
import { productType } from "./producttype/ProductTypeDomain.ts"
import { uniqueValue } from "./producttype/UniqueValueDomain.ts"
import { searchRule } from "./searchrule/SearchRuleDomain.ts"
import { slug } from "./slug/SlugDomain.ts"
import { unitCost } from "./unitcost/UnitCostDomain.ts"
import { shipment } from "./shipment/ShipmentDomain.ts"
import { release } from "./release/ReleaseDomain.ts"

/**
 * The only list of domains: runners, edge, operators and proofs read it. Laws read histories in this order, so a domain stands after
 * those whose facts its own laws are held against: orders after all that take part in a sale.
 */
export const domains = [
  productType,
  uniqueValue,
  productModel,
  categoryTree,
  category,
  slug,
  searchRule,
  unitCost,
  sku,
  product,
  release,
  media,
  payment,
  cart,
  shipment,
  customer,
  order
] as const

/** By entity type: the state before the first row, to be followed row by row. */
export const models = new Map(domains.map(({ begin, type }) => [type, begin] as const))

const [first, ...others] = domains
/** Hosts every type on a runner. */
export const layer = Layer.mergeAll(first.live, ...others.map(({ live }) => live))

/** The read tables of a region. */
export const tables = domains.flatMap(({ table }) => (table === null ? [] : [table]))

/**
 * Keeps all read tables of a region up to date, for ever.
 *
 * **Details**
 *
 * One follower a table is enough; two at a time do no harm, since a row is a function of its entity's journal. With a
 * `Redis` in the context, `order_status:<id>` and `stock_levels:<id>` are written after each commit, best effort.
 */
export const followTables = (region: Region): Effect.Effect<void, never, Nats | SqlClient.SqlClient> =>
  Effect.forEach(tables, (table) => follow(region, table), { concurrency: "unbounded", discard: true })

/** How long histories stay where. */
export const retention = domains.map(({ retention }) => retention)

/** Types whose entities may have pending steps. */
export const sagas = domains.filter(({ isSaga }) => isSaga).map(({ type }) => type)

type Timed = (id: string) => { readonly TimerFired: (message: TimerFired) => Effect.Effect<void, unknown> }

/** How the timers of a region reach its entities. */
export const makeTimers = Effect.fnUntraced(function* (region: Region) {
  const clients = new Map<string, Timed>()
  for (const { contract, type } of domains) {
    if (!contract.protocol.requests.has("TimerFired")) continue
    clients.set(type, (yield* EntityClient.make(contract)) as unknown as Timed)
  }
  const trigger: TriggerTimer = (entityType, entityId, message) => {
    const client = clients.get(entityType)
    if (client === undefined) {
      return Effect.fail(new NoSuchEntity({ reason: "this version knows no such type of entity, or none with timers" }))
    }
    if (!entityId.startsWith(`${region}_`))
      return Effect.fail(new NoSuchEntity({ reason: `its id is none of ${region}` }))
    return client(entityId).TimerFired(message)
  }
  return trigger
})
